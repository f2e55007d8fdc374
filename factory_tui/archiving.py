"""`factory-tui journal`: what was recorded, looked at and kept by hand, with an engine or without.

Imports stay inside the functions, as in `cli`.
"""

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING

from factory_tui import recalling
from factory_tui.following import FAILED, SHIPPED, USAGE, typed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory_tui.config.workspace import Workspace
    from factory_tui.domain.state import Run, State

DAY = 86_400_000
"""Milliseconds."""


def _verify(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Fails at the first row that is not what was written."""
    import json

    from factory_tui.journal import Keys, look_at, verify_copy

    if arguments.file:
        events, head, damage = verify_copy(_there(arguments.file), Keys(workspace.keys, workspace.identity))
    else:
        events, head, damage = look_at(workspace.state, recalling.keys_there(workspace), time.time_ns() // 1_000_000)
    if arguments.json:
        found = {"events": events, "head": head._asdict(), "damage": damage and damage._asdict()}
        print(json.dumps(found))
    elif damage is None:
        print(f"{events} events, the chain is whole. Its head: {head.seq} {head.hash}")
    else:
        print(f"seq {damage.seq}: {damage.why}. The {events} events before it are what was written")
        print(f"  Remedy: {typed(workspace, 'engine stop')}; {typed(workspace, 'journal restore BACKUP')}")
    return SHIPPED if damage is None else FAILED


def _export(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Fails where there is no such event."""
    import msgspec

    from factory_tui.journal import read

    recalling.keys_there(workspace)
    after, encode, told = (arguments.from_seq or 1) - 1, msgspec.json.Encoder().encode, 0
    for event in read(workspace.state, after=after, to=arguments.to_seq, run=arguments.run or None):
        print(encode(event).decode())
        told += 1
    if not told:
        whose = f" of {arguments.run}" if arguments.run else ""
        print(f"there are no such events{whose}. Remedy: see `{typed(workspace, 'status')}`", file=sys.stderr)
    return SHIPPED if told else FAILED


def _backup(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    from factory_tui.console.figures import size
    from factory_tui.journal import backup

    events, head, _ = backup(workspace.state, recalling.keys_there(workspace), arguments.file)
    print(f"{arguments.file}: {events} events, {size(arguments.file.stat().st_size)}, whole")
    print(f"its head: {head.seq} {head.hash}")
    print(f"its key is not in it, but in {workspace.keys}: keep a copy of that elsewhere")
    return SHIPPED


def _restore(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Holds the workspace: no engine may write meanwhile."""
    from factory_tui.journal import JournalDamaged, Keys, restore, verify_copy

    with workspace.hold():
        keys = Keys(workspace.keys, workspace.identity)
        found = verify_copy(_there(arguments.file), keys)
        if found.damage:
            why = f"{arguments.file}: seq {found.damage.seq}: {found.damage.why}"
            raise JournalDamaged(f"{why}. Remedy: name another backup, of this workspace")
        last = max(keys.heads(), default=0)
        print(f"{arguments.file}: whole, {found.events} events; the journal here has at least {last}")
        if not _sure(arguments, "Put it in the journal's place? The journal of now is kept beside it."):
            return USAGE
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        aside = restore(workspace.state, keys, arguments.file, stamp)
        asyncio.run(_tell(workspace, f"the journal was restored from {arguments.file.name}, to event {found.events}"))
    print(f"restored, to event {found.events}. What was there: {aside}")
    return SHIPPED


async def _tell(workspace: "Workspace", said: str) -> None:
    """Record who did it: nobody may take a part of the history away unseen."""
    import os

    from factory_tui.domain.events import Draft, Noticed
    from factory_tui.engine.looking import journal_of
    from factory_tui.link.server import user_name

    async with journal_of(workspace) as journal:
        await journal.append([Draft(Noticed("warning", said), actor=user_name(os.geteuid()))])


def _compact(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Holds the workspace: rows are changed, which the engine alone may do."""
    from factory_tui.console.figures import size
    from factory_tui.journal import compact

    recalling.keys_there(workspace)
    with workspace.hold():
        runs = _over(asyncio.run(_state(workspace)), arguments)
        if isinstance(runs, str):
            print(runs, file=sys.stderr)
            return FAILED
        if not runs:
            print("no run is over for so long" if not arguments.run else "no runs")
            return SHIPPED
        for run in runs:
            print(f"{run.id}  {run.state} {time.strftime('%Y-%m-%d', time.gmtime(run.moved_at / 1000))}")
        if not _sure(arguments, "Move what they left in the journal into an archive? Nothing is lost."):
            return USAGE
        archive, events, freed = compact(workspace.state, [run.id for run in runs])
    if archive is None:
        print("all of it is in an archive already")
    else:
        print(f"{events} events are in {archive}; {size(max(0, freed))} less in all")
    return SHIPPED


def _over(state: "State", arguments: argparse.Namespace) -> "list[Run] | str":
    """The runs that are meant, or why not."""
    from factory_tui.domain.state import OVER

    if not arguments.run:
        before = time.time_ns() // 1_000_000 - arguments.older * DAY
        return [run for run in state.runs.values() if run.state in OVER and run.moved_at <= before]
    for name in arguments.run:
        if name not in state.runs:
            return f"there is no run {name}. Remedy: see `factory-tui status`"
        if state.runs[name].state not in OVER:
            return f"{name} is {state.runs[name].state}, not over. Remedy: factory-tui stop {name}, or let it end"
    return [state.runs[name] for name in dict.fromkeys(arguments.run)]


async def _state(workspace: "Workspace") -> "State":
    from factory_tui.engine.looking import journal_of

    async with journal_of(workspace) as journal:
        return await journal.state()


def _sure(arguments: argparse.Namespace, question: str) -> bool:
    if arguments.yes:
        return True
    if not sys.stdin.isatty():
        print("nothing was changed: nobody is there to be asked. Remedy: say --yes", file=sys.stderr)
        return False
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def _there(file: "Path") -> "Path":
    """A file that is read, not made by looking. Raises JournalError."""
    from factory_tui.journal import JournalError

    if not file.is_file():
        raise JournalError(f"{file}: there is no such file. Remedy: name a backup")
    return file


COMMANDS: "dict[str, Callable[[Workspace, argparse.Namespace], int]]" = {
    "verify": _verify,
    "export": _export,
    "backup": _backup,
    "restore": _restore,
    "compact": _compact,
    "state": recalling.state,
    "events": recalling.events,
    "timeline": recalling.timeline,
    "chain": recalling.chain,
}
