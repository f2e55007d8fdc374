"""Looking at a workspace from outside, whether its engine runs or not, and asking an engine to stop."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from factory_tui.config.reading import Mistakes
from factory_tui.config.workspace import Lock, Workspace
from factory_tui.domain.commands import StopEngine
from factory_tui.domain.events import EngineStopped
from factory_tui.domain.hostile import clean
from factory_tui.domain.state import State
from factory_tui.journal import Journal
from factory_tui.link.client import Link
from factory_tui.link.protocol import LinkLost, NoAnswer, Silent

LETTING_GO = 20.0
"""Seconds that an engine may take from its last word until it has let go of the workspace."""
_LOGGED = 10
"""Lines of its log that tell how an engine ended which did not say it."""


async def look(workspace: Workspace) -> tuple[State, bool]:
    """The state, and whether an engine runs: from the engine, else from the journal.

    Raises Silent for an engine that does not answer, Mistakes, JournalError.
    """
    if not workspace.state.exists():
        return State(), False
    found = await _reach(workspace)
    if isinstance(found, Link):
        await found.close()
        return found.state, True
    with found:
        if not (workspace.state / "journal.db").exists():
            return State(), False
        async with journal_of(workspace) as journal:
            return await journal.state(), False


async def last_words(workspace: Workspace) -> str:
    """Why the workspace's engine ended: as it told, else how its log ends; empty while one answers."""
    found = await _reach(workspace)
    if isinstance(found, Link):
        await found.close()
        return ""
    with found:
        async with journal_of(workspace) as journal:
            told = await journal.before(journal.head.seq + 1, "", 1)
    for event in told:
        if isinstance(event.fact, EngineStopped):
            return event.fact.reason
    logged = workspace.log.read_text("utf-8", "replace").splitlines() if workspace.log.exists() else []
    ending = clean("\n".join(logged[-_LOGGED:]))  # what containers said is in it, too
    return f"the engine ended without a word; the end of its log, {workspace.log}:\n{ending}"


async def _reach(workspace: Workspace) -> Link | Lock:
    """An engine that answers, else the workspace itself; one that comes or goes just now is waited for."""
    deadline = time.monotonic() + LETTING_GO
    while True:
        try:
            return await Link.connect(workspace.socket)
        except Silent:
            raise _silent(workspace) from None
        except NoAnswer:
            pass  # it comes, or goes
        try:
            return workspace.hold(patience=0)
        except Mistakes:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.02)


def _silent(workspace: Workspace) -> Silent:
    """Which process does not answer, since when, and what to do about it."""
    pid = (workspace.state / "lock").read_text().strip() or "unknown"
    written = [path.stat().st_mtime for path in workspace.state.glob("journal.db*")]
    since = time.strftime("%H:%M:%S", time.localtime(max(written, default=time.time())))
    return Silent(
        f"the engine (process {pid}) does not answer; it last wrote its journal at {since}. Remedy: kill -CONT {pid} "
        f"if it was stopped; else kill -KILL {pid}, and runs go on from where they are at the next start"
    )


@asynccontextmanager
async def journal_of(workspace: Workspace) -> AsyncIterator[Journal]:
    """The workspace's journal, for whoever holds the workspace. Raises JournalError."""
    journal = await Journal.open(
        workspace.state,
        workspace.keys,
        workspace=workspace.identity,
        clock=lambda: time.time_ns() // 1_000_000,
        entropy=lambda: secrets.randbits(80),
    )
    try:
        yield journal
    finally:
        await journal.close()


async def stop(workspace: Workspace) -> bool:
    """Stop the workspace's engine and return once it let go of it; False when nothing held the workspace.

    One that does not answer yet, or no longer, is stopped or waited for too. Raises Silent when it does not answer or
    let go, RefusedError when it will not stop.
    """
    if not (workspace.state / "lock").exists():
        return False
    deadline = time.monotonic() + LETTING_GO
    held = False
    while True:
        try:
            held = await _ask_to_stop(workspace) or held
        except Silent:
            raise _silent(workspace) from None
        try:
            workspace.hold(patience=0).release()
        except Mistakes:
            held = True
            if time.monotonic() > deadline:
                raise _silent(workspace) from None
        else:
            return held
        await asyncio.sleep(0.02)


async def _ask_to_stop(workspace: Workspace) -> bool:
    """Whether an engine answered; it was asked then, and its last word heard. One that ends by itself is as good."""
    try:
        link = await Link.connect(workspace.socket)
    except NoAnswer:
        return False
    try:
        with suppress(LinkLost, TimeoutError):
            async with asyncio.timeout(LETTING_GO):
                await link.command(StopEngine())
                async for _ in link:
                    continue
    finally:
        await link.close()
    return True
