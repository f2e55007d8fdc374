"""Looking back from the command line: the floor at an instant, who did what, when, what is new; with exit codes."""

import asyncio
import json
import re
import sqlite3
from contextlib import closing

import msgspec
import pytest

from factory_tui.cli import main
from factory_tui.config.workspace import Workspace, looks_of
from factory_tui.console.seen import Look, Seen
from factory_tui.domain import events as e
from factory_tui.domain.commands import Pause, Stop
from factory_tui.domain.events import Draft, Event
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from factory_tui.engine.looking import journal_of
from factory_tui.following import FAILED, SHIPPED, USAGE
from factory_tui.link.server import user_name
from tests.console import story
from tests.test_archiving import Output, home, workspace

__all__ = ["home", "workspace"]
ME = "ana"


async def tell(workspace: Workspace) -> list[Event]:
    """The whole story, with what somebody did at its end."""
    async with journal_of(workspace) as journal:
        await journal.append([Draft(event.fact, event.run, event.actor) for event in story.tell()])
        await journal.append([Draft(e.CommandTaken("1", Pause("shortlinks-1")), "shortlinks-1", ME)])
        stop = Stop("shortlinks-1", "\x1b]0;owned\x07 enough \u202e")
        await journal.append([Draft(e.CommandTaken("2", stop), "shortlinks-1", ME)])
        return await journal.events()


@pytest.fixture
def told(workspace: Workspace) -> list[Event]:
    return asyncio.run(tell(workspace))


def out(capsys: Output) -> str:
    return capsys.readouterr().out


def test_a_workspace_without_a_journal_says_so(workspace: Workspace, capsys: Output) -> None:
    for said in (
        ["journal", "state", "3"],
        ["journal", "events"],
        ["journal", "timeline"],
        ["journal", "chain"],
        ["since"],
    ):
        assert main(said) == FAILED
        assert "there is no journal yet. Remedy: " in capsys.readouterr().err


def test_the_floor_at_an_instant(told: list[Event], capsys: Output) -> None:
    assert main(["journal", "state", "90", "--json"]) == SHIPPED
    found = json.loads(out(capsys))
    assert msgspec.convert(found["state"], State, strict=False) == fold(told[:90])
    assert found["seq"] == 90
    assert main(["journal", "state", "90"]) == SHIPPED
    said = out(capsys)
    assert said.startswith("PAST: event 90, ")
    assert re.search(r"^shortlinks-1 +● running", said, re.MULTILINE)
    assert main(["journal", "state", "2001-01-01T00:00:00"]) == SHIPPED
    assert out(capsys).startswith("PAST: before the first event")
    assert main(["journal", "state", "99999"]) == FAILED
    assert f"there is no event 99999; the newest is {len(told)}" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        main(["journal", "state", "yesterday"])
    assert left.value.code == USAGE
    assert "'yesterday' is no instant. Remedy: an event's seq, or a time in UTC" in capsys.readouterr().err


def test_who_did_what(told: list[Event], capsys: Output) -> None:
    assert main(["journal", "events", "--actor", ME]) == SHIPPED
    first, second = out(capsys).splitlines()
    assert re.fullmatch(rf" +{len(told) - 1} \S+ \S+ ana +pause +shortlinks-1", first)
    assert re.search(r"ana +stop +shortlinks-1", second)
    assert not set("\x1b\x07\u202e") & set(first + second)
    assert main(["journal", "events", "--kind", "shipped", "--json"]) == SHIPPED
    events = [msgspec.json.decode(line, type=Event) for line in out(capsys).splitlines()]
    assert events == [one for one in told if isinstance(one.fact, e.Shipped)]
    assert main(["journal", "events", "shortlinks-1", "--kind", "all", "--after", "100", "--limit", "3", "--json"]) == 0
    seqs = [json.loads(line)["seq"] for line in out(capsys).splitlines()]
    assert seqs == [one.seq for one in told if one.seq > 100 and one.run == "shortlinks-1"][:3]
    assert main(["journal", "events", "--actor", "nobody"]) == FAILED
    assert "there are no such events. Remedy: " in capsys.readouterr().err
    assert main(["journal", "events", "--kind", "dance"]) == USAGE
    assert "there is no kind dance. Remedy: all, or one of " in capsys.readouterr().err


def test_when_it_happened(told: list[Event], capsys: Output) -> None:
    assert main(["journal", "timeline", "--spans", "5", "--json"]) == SHIPPED
    assert sum(json.loads(out(capsys))["counts"]) == len(told)
    assert main(["journal", "timeline", "--spans", "5"]) == SHIPPED
    assert len(out(capsys).splitlines()) == 5


def test_the_chain_is_told_as_it_was_walked_last(workspace: Workspace, told: list[Event], capsys: Output) -> None:
    assert main(["journal", "chain"]) == SHIPPED
    assert f"nobody walked the chain yet; {len(told)} events. Remedy: " in out(capsys)
    assert main(["journal", "verify"]) == SHIPPED
    assert main(["journal", "chain"]) == SHIPPED
    assert f"the first {len(told)} of {len(told)} events were what was written\n" in out(capsys)
    with closing(sqlite3.connect(workspace.state / "journal.db")) as database, database:
        database.execute("UPDATE event SET actor = 'ben' WHERE seq = 7")
    assert main(["journal", "chain"]) == SHIPPED, "a look is no walk"
    assert main(["journal", "verify"]) == FAILED
    out(capsys)
    assert main(["journal", "chain"]) == FAILED
    assert "then seq 7: the row, or its place, is not what was written" in out(capsys)
    assert main(["journal", "chain", "--json"]) == FAILED
    assert json.loads(out(capsys))["looked"]["seq"] == 6


def test_what_is_new_since_a_look(workspace: Workspace, told: list[Event], capsys: Output) -> None:
    import os

    me = user_name(os.geteuid())
    assert main(["since"]) == FAILED
    assert f"{me} has not looked yet. Remedy: " in capsys.readouterr().err
    Seen(looks_of(workspace.identity)).note(me, Look(90, told[89].at))
    assert main(["since"]) == SHIPPED
    said = out(capsys)
    assert f"{len(told) - 90} events" in said
    assert "\n\nshipped\n" in said
    assert re.search(r"^ +\S+  orders-etl-1 in 2 passes, satisfaction \S+ \S+, \$\S+ REHEARSAL: ", said, re.MULTILINE)
    assert "REHEARSAL, no real money" in said
    assert re.search(r"ana stop shortlinks-1", said)
    assert main(["since", "90", "--json"]) == SHIPPED
    found = json.loads(out(capsys))
    assert set(found["sections"]) == {"shipped", "moved", "spent", "decided"}
    assert main(["since", str(len(told))]) == SHIPPED
    assert "nothing new" in out(capsys)
