"""Looking at a workspace from outside, whether its engine runs or not, and asking an engine to stop."""

import secrets
import time

from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import StopEngine
from factory_tui.domain.state import State
from factory_tui.journal import Journal
from factory_tui.link.client import Link
from factory_tui.link.protocol import NoAnswer

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
    """Stop the workspace's engine and wait until it let go; False when none runs. Raises Mistakes when it does not."""
    try:
        link = await Link.connect(workspace.socket)
    except NoAnswer:
        return False
    await link.command(StopEngine())
    async for _ in link:
        continue
    await link.close()
    with workspace.hold(patience=LETTING_GO):
        return True
