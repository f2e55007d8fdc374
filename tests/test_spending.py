"""`factory-tui burn` on a workspace: what is printed for people and for scripts, and what is said of nothing."""

import asyncio
import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from factory_tui.cli import main
from factory_tui.config.workspace import Workspace
from factory_tui.domain import events as e
from factory_tui.domain.events import Draft
from factory_tui.engine.looking import journal_of
from factory_tui.following import FAILED, SHIPPED
from tests.burn.telling import Journal
from tests.engine.conftest import home
from tests.engine.greeter import make

__all__ = ["home"]
Output = pytest.CaptureFixture[str]


@pytest.fixture
def workspace(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The greeter's, with a target; the test stands in it."""
    found, _ = make(tmp_path)
    text = found.config.read_text("utf-8")
    table = "[policy]\n" if "[policy]" in text else ""
    found.config.write_text(
        text.replace(table, table + "day_target = 2\n") if table else text + "\n[policy]\nday_target = 2\n"
    )
    monkeypatch.chdir(found.root)
    return found


def told() -> Journal:
    journal = Journal()
    journal.whole("links-1", [0.5, 0.75, 0.875])
    journal.queue("links-2", actor="bea")
    journal.say("links-2", e.PassBegan(1, "9f3c"), e.NodeEntered("harness", "harness", 1))
    journal.judge("links-2", -1, "1.25", "expires")
    journal.call("links-2", 1, "1.75")
    journal.end("links-2", 1, 0.4, 4_001)
    journal.queue("orders-1", ledger="rehearsal")
    journal.call("orders-1", 1, "40")
    return journal


async def write(workspace: Workspace) -> None:
    async with journal_of(workspace) as journal:
        for event in told().events:
            await journal.append([Draft(event.fact, event.run, event.actor)])


def test_nothing_burned_says_how_to_begin_and_a_wrong_name_which_there_are(
    workspace: Workspace, capsys: Output
) -> None:
    assert main(["burn"]) == SHIPPED
    assert "nothing was burned yet. Remedy: " in capsys.readouterr().out
    assert main(["burn", "links-9"]) == FAILED
    assert "there is no run links-9; runs: none" in capsys.readouterr().err
    assert not (workspace.state / "journal.db").exists()


def test_for_people_it_says_what_was_spent_what_is_left_and_who_is_over(workspace: Workspace, capsys: Output) -> None:
    asyncio.run(write(workspace))
    assert main(["burn", "--by", "scenario"]) == SHIPPED
    said = capsys.readouterr().out
    live, rehearsal = said.split("REHEARSAL, ever, by scenario")
    assert "links/expires" in live
    assert "agent, for all scenarios" in live
    assert "$3.30" in live, "in all"
    assert "$40.00" not in live
    assert "$40.00" in rehearsal
    assert "links-2: 0 scenarios satisfied; started by bea" in said
    assert "output: 1.0k tokens, at a guess by its bytes" in said
    assert "2 passes, $0.200, " in said
    assert "back-test: none could be held against what came yet" in said
    assert "bea: $3.00, $1.00 over $2.00" in said
    assert "passes: 1 run tells nothing, 5 may" in said


def test_for_scripts_money_is_exact_and_everything_is_there(workspace: Workspace, capsys: Output) -> None:
    asyncio.run(write(workspace))
    assert main(["burn", "--json", "--by", "phase"]) == SHIPPED
    found = json.loads(capsys.readouterr().out)
    live, rehearsal = found["ledgers"]
    assert (live["ledger"], rehearsal["ledger"]) == ("live", "rehearsal")
    money = {group["name"]: Decimal(group["burn"]["money"]) for group in live["groups"]}
    assert money == {
        "agent in generate": Decimal("0.30"),
        "judge in harness": Decimal("1.25"),
        "agent in harness": Decimal("1.75"),
    }
    assert sum(money.values()) == Decimal(live["total"]["money"])
    [run] = [one for one in found["runs"] if one["run"] == "links-2"]
    assert run["outlook"]["passes"] == 2
    assert run["sizes"] == [{"number": 1, "tokens": 1001, "growth": None}]
    assert main(["burn", "--json", "links-1"]) == SHIPPED
    assert [one["run"] for one in json.loads(capsys.readouterr().out)["runs"]] == ["links-1"]


def test_a_table_for_others_holds_every_bucket_and_every_key(workspace: Workspace, capsys: Output) -> None:
    asyncio.run(write(workspace))
    for window in ("all", "24h"):
        assert main(["burn", "--csv", "--window", window]) == SHIPPED
        rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
        spent = {
            ledger: sum(Decimal(row["dollars"]) for row in rows if row["ledger"] == ledger)
            for ledger in ("live", "rehearsal")
        }
        assert spent == {"live": Decimal("3.30"), "rehearsal": Decimal(40)}
        assert {row["scenario"] for row in rows} == {"", "links/expires"}
