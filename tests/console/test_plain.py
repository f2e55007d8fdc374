"""The log and the table without a terminal, and what they load."""

import json
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest

from factory_tui.console import plain, trace
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.money import Tokens
from factory_tui.domain.reducer import fold
from tests.console import story
from tests.console.feeds import StoryFeed

STORY = story.tell()


async def said(events: Sequence[Event], as_json: bool = False) -> list[str]:
    feed = StoryFeed()
    feed.push(*events)
    feed.drop()
    out: list[str] = []
    await plain.follow(feed, out.append, as_json=as_json)
    return out


async def test_the_log_says_what_happens_and_ends_with_the_table() -> None:
    out = await said(STORY)
    text = "\n".join(out)
    assert "shortlinks-1   verdict  ✗ expires #0 not satisfied" in text
    assert "orders-etl-1   ship     ✓ shipped to .factory/shipped/orders-etl-1" in text
    table = out[out.index("") + 1 :]
    assert table[0].split() == ["RUN", "STATE", "PASS", "SATISFIED", "TOKENS", "MONEY"]
    assert [line.split()[:4] for line in table[1:]] == [
        ["shortlinks-1", "✓", "shipped", "3"],
        ["orders-etl-1", "✓", "shipped", "2"],
    ]
    assert all("REHEARSAL" in line for line in table[1:])
    assert max(map(len, table)) < 80, "it wraps on a terminal of 80 columns"


@pytest.mark.parametrize(("code", "word"), [(0, "passed in 0.6s"), (1, "failed, exit 1")])
async def test_a_long_checkpoint_is_told_by_its_node_and_the_start_of_its_command(code: int, word: str) -> None:
    teller = story.Teller()
    command = "python3 -c '" + "import unittest; " * 40 + "'"
    teller.say("orders-etl-1", e.CheckpointRan("unit_tests", command, code, "FAIL: test_total", 0.6, not code))
    first, *rest = trace.lines(teller.events[0])
    assert first.text.startswith(f"unit_tests {word}: python3 -c")
    assert first.text.endswith("…")
    assert len(first.text.split(": ", 1)[1]) <= trace.COMMAND
    assert [line.text for line in rest] == (["FAIL: test_total"] if code else [])


async def test_a_call_that_was_possibly_paid_twice_is_told_in_words_and_counted() -> None:
    teller, money = story.Teller(), Decimal("0.25")
    why = "the engine ended while the call was in flight"
    teller.say("shortlinks-1", e.CallSettled(8, 1, Tokens(), money, money, 0.0, outcome="possibly-paid-twice", why=why))
    (line,) = trace.lines(teller.events[0])
    assert line.text == f"step 8 possibly paid twice, 0 tokens, $0.250: {why}"
    state = fold([*STORY, *(msgspec.structs.replace(event, seq=len(STORY) + 1) for event in teller.events)])
    runs = plain.summary(state)["runs"]
    assert [run["possibly_paid_twice"] for run in runs if run["run"] == "shortlinks-1"] == [money]


async def test_json_is_events_and_then_one_summary() -> None:
    out = [json.loads(line) for line in await said(STORY, as_json=True)]
    assert [line["seq"] for line in out[:-1]] == list(range(1, len(STORY) + 1))
    runs = out[-1]["summary"]["runs"]
    assert [(run["run"], run["state"], run["passes"], run["ledger"]) for run in runs] == [
        ("shortlinks-1", "shipped", 3, "rehearsal"),
        ("orders-etl-1", "shipped", 2, "rehearsal"),
    ]
    assert runs[0]["satisfaction"]["share"] == 1.0


async def test_it_ends_as_soon_as_nothing_can_go_on() -> None:
    feed = StoryFeed()
    feed.push(*STORY)
    state = await plain.follow(feed, lambda _line: None, wanted=2)
    assert plain.exit_code(state) == 0


@pytest.mark.parametrize(
    ("moves", "code"),
    [
        ([e.RunMoved("jammed")], 3),
        ([e.RunMoved("held", "credential")], 3),
        ([e.RunMoved("paused")], 3),
        ([e.RunMoved("signoff")], 3),
        ([e.RunMoved("failed")], 1),
        ([e.RunMoved("stopped")], 1),
        ([e.RunMoved("held", "provider", "429", 1), e.RunMoved("running"), e.RunMoved("shipped")], 0),
    ],
)
async def test_exit_codes(moves: list[e.RunMoved], code: int) -> None:
    teller = story.Teller()
    tale = story.Tale(teller, "orders-etl-1", story.ORDERS)
    tale.queued("orders-etl")
    tale.say(*moves)
    feed = StoryFeed()
    feed.push(*teller.events)
    assert plain.exit_code(await plain.follow(feed, lambda _line: None)) == code


def test_a_run_of_before_counts_for_nothing() -> None:
    state = fold(STORY)
    assert plain.exit_code(state, ignore={"shortlinks-1", "orders-etl-1"}) == 0
    assert len(plain.table(state, [state.runs["shortlinks-1"]])) == 3


def test_neither_textual_nor_rich_is_loaded() -> None:
    code = "import sys, factory_tui.console.plain; print([m for m in ('textual', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_paints_first_loads_nothing_that_can_wait() -> None:
    heavy = ("anthropic", "docker", "aiosqlite", "aiohttp", "httpx", "pydantic", "json", "sqlite3", "watchfiles")
    later = ("deeds", "screens.run", "screens.choose", "screens.confirm", "screens.help", "screens.palette")
    asking = ("screens.inbox", "screens.ask", "screens.questions", "screens.diff", "places", "outside")
    waits = (*heavy, *(f"factory_tui.console.{name}" for name in (*later, *asking)), "textual.widgets._markdown")
    waits += ("factory_tui.engine.spawn", "factory_tui.link.client", "factory_tui.journal", "factory_tui.twins")
    code = f"""
import sys
import factory_tui.cli, factory_tui.config.load, factory_tui.config.workspace, factory_tui.console.app
print([m for m in {waits} if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_on_a_frozen_floor_nothing_is_waited_for() -> None:
    teller = story.Teller()
    tale = story.Tale(teller, "orders-etl-1", story.ORDERS)
    tale.queued("orders-etl")
    tale.say(e.FloorFrozen())
    feed = StoryFeed()
    feed.push(*teller.events)
    assert plain.exit_code(await plain.follow(feed, lambda _line: None)) == 3
