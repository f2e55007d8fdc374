"""What a person looks at with their own hands: what changed between two passes, what one left, and a shell.

Imports stay inside the functions, as in `cli`.
"""

import argparse
import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from factory_tui.following import FAILED, look_at, order, typed

if TYPE_CHECKING:
    from factory_tui.config.workspace import Workspace

_COLOURS = {"+": "\033[32m", "-": "\033[31m", "@": "\033[36m", "d": "\033[1m"}
_PLAIN = "\033[0m"


def diff(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Print what changed between two passes of a run, unified; in colour on a terminal only."""
    from factory_tui.delivery.git import DeliveryError
    from factory_tui.delivery.snapshot import Snapshots
    from factory_tui.engine.shells import NoShell, output

    state, _ = asyncio.run(look_at(workspace))
    run = state.runs.get(arguments.run)
    if run is None:
        print(f"there is no run {arguments.run}; runs: {', '.join(state.runs) or 'none'}", file=sys.stderr)
        return FAILED
    made = [item.number for item in run.passes if item.commit]
    after = arguments.after if arguments.after is not None else made[-1] if made else 0
    before = arguments.before
    if before is None:
        before = max((number for number in made if number < after), default=0)
    try:
        if not made:
            raise NoShell(f"{run.id} has no output of a pass yet. Remedy: wait for its first pass")
        snapshots = Snapshots(workspace.snapshots, ())  # what is left out was left out as each was taken
        text = asyncio.run(snapshots.diff(output(run, before), output(run, after)))
    except (NoShell, DeliveryError) as trouble:
        print(trouble, file=sys.stderr)
        return FAILED
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(f"{run.id}: from {f'pass {before}' if before else run.forked or 'nothing'} to pass {after}", file=sys.stderr)
    for line in text.splitlines():
        colour = _COLOURS.get(line[:1]) if coloured else None
        print(f"{colour}{line}{_PLAIN}" if colour else line)
    return 0


def take(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Write what a pass of a run left into a new folder; of its `.git` folders nothing: they are the agent's."""
    from factory_tui.delivery.git import DeliveryError
    from factory_tui.delivery.snapshot import Snapshots, refused, write_tree
    from factory_tui.domain.ratchet import best
    from factory_tui.engine.shells import NoShell, output

    state, _ = asyncio.run(look_at(workspace))
    run = state.runs.get(arguments.run)
    if run is None:
        print(f"there is no run {arguments.run}; runs: {', '.join(state.runs) or 'none'}", file=sys.stderr)
        return FAILED
    made = [item for item in run.passes if item.commit]
    newest = made[-1].number if made else 1
    number = arguments.number or (top.number if (top := best(run)) else newest)
    try:
        entries = Snapshots(workspace.snapshots, ()).read(output(run, number))
        arguments.folder.mkdir(parents=True)
        write_tree((entry for entry in entries if not refused(entry)), arguments.folder)
    except FileExistsError:
        print(f"{arguments.folder} is there already. Remedy: name a folder that is not", file=sys.stderr)
        return FAILED
    except (NoShell, DeliveryError) as trouble:
        print(trouble, file=sys.stderr)
        return FAILED
    files = sum(entry.kind == "file" for entry in entries)
    print(f"pass {number} of {run.id}: {files} files in {arguments.folder}")
    return 0


def shell(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Open a shell in a run's cell, or in a fresh one with what a pass left; its exit status."""
    from factory_tui.cells.protocol import CellError
    from factory_tui.delivery.git import DeliveryError
    from factory_tui.engine.shells import NoShell

    try:
        return asyncio.run(_shell(workspace, arguments))
    except (NoShell, CellError, DeliveryError) as trouble:
        print(trouble, file=sys.stderr)
        return FAILED
    except asyncio.CancelledError:
        return FAILED


async def _shell(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    from factory_tui.domain.commands import OpenShell
    from factory_tui.engine import shells

    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if (task := asyncio.current_task()) is not None:  # a terminal that closes must leave no cell behind
        for number in (signal.SIGHUP, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    state, _ = await look_at(workspace)
    opening = shells.shell(workspace, state, arguments.run, arguments.number, terminal=terminal, say=_say)
    async with opening as opened:
        against = await order(workspace, OpenShell(arguments.run, arguments.number))
        if against is None and arguments.number is None:
            against = f"no engine runs that could note who was there. Remedy: {typed(workspace, 'engine start')}"
        if against:
            raise shells.NoShell(against)
        return await shells.attend(opened)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
