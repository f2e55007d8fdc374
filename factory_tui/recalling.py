"""Looking back from the command line: the floor at an instant, who did what, when, and what is new since a last look.

All of it is read from the journal, with an engine or without. Imports stay inside the functions, as in `cli`.
"""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from factory_tui.following import FAILED, SHIPPED, USAGE, look_at, typed

if TYPE_CHECKING:
    from factory_tui.config.workspace import Workspace
    from factory_tui.domain.state import State
    from factory_tui.journal import Keys

ALL = "all"
"""A kind that stands for every kind."""


def keys_there(workspace: "Workspace") -> "Keys":
    """Where the key and the heads are. Raises JournalError without a journal: looking makes none."""
    from factory_tui.journal import JournalError, Keys

    if not (workspace.state / "journal.db").exists():
        remedy = f"{typed(workspace, 'engine start')}, or {typed(workspace, 'journal restore BACKUP')}"
        raise JournalError(f"{workspace.state}: there is no journal yet. Remedy: {remedy}")
    return Keys(workspace.keys, workspace.identity)


def _then(workspace: "Workspace", instant: tuple[str, int]) -> "State":
    from factory_tui.journal import seq_at, state_at

    keys, (what, number) = keys_there(workspace), instant
    return state_at(workspace.state, keys, number if what == "seq" else seq_at(workspace.state, number))


def state(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """The floor as it was, once."""
    import msgspec

    from factory_tui.console.figures import day, stamp
    from factory_tui.console.plain import summary, table

    then = _then(workspace, arguments.instant)
    if arguments.json:
        print(msgspec.json.encode({**summary(then), "at": then.at, "state": then}).decode())
        return SHIPPED
    print(
        f"PAST: event {then.seq}, {day(then.at)} {stamp(then.at)} UTC" if then.seq else "PAST: before the first event"
    )
    for line in table(then):
        print(line)
    return SHIPPED


def events(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Fails where there is no such event."""
    import msgspec

    from factory_tui.console.acts import DEEDS, KINDS, act
    from factory_tui.console.figures import day, stamp
    from factory_tui.journal import Wanted, page

    keys_there(workspace)
    kinds = arguments.kind or [*DEEDS]
    if unknown := sorted({*kinds} - {*KINDS, ALL}):
        print(f"there is no kind {unknown[0]}. Remedy: {ALL}, or one of {', '.join(KINDS)}", file=sys.stderr)
        return USAGE
    wanted = Wanted(arguments.run, None if ALL in kinds else kinds, arguments.actor)
    found = page(workspace.state, wanted, after=arguments.after, before=arguments.before, limit=arguments.limit)
    for event in found:
        if arguments.json:
            print(msgspec.json.encode(event).decode())
        else:
            one = act(event)
            said = f"{one.actor:<10} {one.verb:<16} {one.subject:<16} {one.detail}".rstrip()
            print(f"{one.seq:>7} {day(one.at)} {stamp(one.at)} {said}")
    if not found:
        print(f"there are no such events. Remedy: {typed(workspace, 'journal events --kind all')}", file=sys.stderr)
    return SHIPPED if found else FAILED


def timeline(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """How many events came when."""
    import json

    from factory_tui.console.figures import day, stamp
    from factory_tui.journal import timeline as lay

    keys_there(workspace)
    found = lay(workspace.state, arguments.spans)
    if arguments.json:
        print(json.dumps({**found._asdict(), "counts": found.counts}))
        return SHIPPED
    width = (found.end + 1 - found.begin) / arguments.spans
    most = max(found.counts) or 1
    for number, count in enumerate(found.counts):
        at = int(found.begin + width * number)
        bar = "#" * round(40 * count / most)
        print(f"{day(at)} {stamp(at)} {count:>9} {bar}".rstrip())
    return SHIPPED


def chain(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Fails where the newest walk found damage."""
    import json

    from factory_tui.console.figures import day, stamp
    from factory_tui.journal import row_hash

    looked = keys_there(workspace).looked()
    newest, _ = row_hash(workspace.state, None)
    walk = typed(workspace, "journal verify")
    if arguments.json:
        print(json.dumps({"newest": newest, "looked": looked and looked._asdict()}))
    elif looked is None:
        print(f"nobody walked the chain yet; {newest} events. Remedy: {walk}")
    else:
        when = f"{day(looked.at)} {stamp(looked.at)} UTC"
        wrong = f"; then seq {looked.seq + 1}: {looked.why}" if looked.why else ""
        print(f"walked on {when}: the first {looked.seq} of {newest} events were what was written{wrong}")
        if looked.seq < newest and not looked.why:
            print(f"{newest - looked.seq} came since. To walk all: {walk}")
    return FAILED if looked and looked.why else SHIPPED


def since(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """What happened since somebody's console was left, or since an instant."""
    import os

    import msgspec

    from factory_tui.config.workspace import looks_of
    from factory_tui.console.briefing import KINDS, briefing, told
    from factory_tui.console.seen import Seen
    from factory_tui.journal import Wanted, page
    from factory_tui.link.server import user_name

    keys_there(workspace)
    me, instant = user_name(os.geteuid()), arguments.instant
    if instant is None:
        last = Seen(looks_of(workspace.identity)).last(me)
        if last is None:
            print(f"{me} has not looked yet. Remedy: {typed(workspace)}, or name a time: since 14:02", file=sys.stderr)
            return FAILED
        instant = "seq", last.seq
    then, (now, _) = _then(workspace, instant), asyncio.run(look_at(workspace))
    between = page(workspace.state, Wanted(kinds=KINDS), after=then.seq, before=None, limit=-1)
    found = briefing(then, now, between, me)
    if arguments.json:
        print(msgspec.json.encode(found).decode())
    else:
        for line in told(found):
            print(line)
    return SHIPPED
