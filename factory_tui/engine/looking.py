"""Looking at a workspace from outside, whether its engine runs or not, and asking an engine to stop."""

import asyncio
import secrets
import time
from contextlib import suppress

from factory_tui.config.reading import Mistakes
from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import StopEngine
from factory_tui.domain.state import State
from factory_tui.journal import Journal
from factory_tui.link.client import Link
from factory_tui.link.protocol import LinkLost, NoAnswer

LETTING_GO = 20.0
"""Seconds that an engine may take from its last word until it has let go of the workspace."""


async def look(workspace: Workspace) -> tuple[State, bool]:
    """The state, and whether an engine runs: from the engine, else from the journal. Raises Mistakes, JournalError."""
    try:
        link = await Link.connect(workspace.socket)
    except NoAnswer:
        return await _from_journal(workspace), False
    await link.close()
    return link.state, True


async def _from_journal(workspace: Workspace) -> State:
    if not (workspace.state / "journal.db").exists():
        return State()
    lock = workspace.hold()
    try:
        journal = await Journal.open(
            workspace.state,
            workspace.keys,
            workspace=workspace.identity,
            clock=lambda: time.time_ns() // 1_000_000,
            entropy=lambda: secrets.randbits(80),
        )
        state = await journal.state()
        await journal.close()
    finally:
        lock.release()
    return state


async def stop(workspace: Workspace) -> bool:
    """Stop the workspace's engine and return once it let go of it; False when nothing held the workspace.

    One that does not answer yet, or no longer, is stopped or waited for too. Raises Mistakes when it does not let go,
    RefusedError when it will not stop.
    """
    if not (workspace.state / "lock").exists():
        return False
    deadline = time.monotonic() + LETTING_GO
    held = False
    while True:
        held = await _ask_to_stop(workspace) or held
        try:
            workspace.hold(patience=0).release()
        except Mistakes:
            held = True
            if time.monotonic() > deadline:
                raise
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
