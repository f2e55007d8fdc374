"""Slow is a lamp: lit while a command says nothing and computes nothing, out as soon as anything moves."""

from typing import Any

import pytest
from msgspec.structs import replace

from factory_tui.console.quiet import quiet
from factory_tui.domain import events as e
from factory_tui.domain.events import AnyFact, Event
from factory_tui.domain.gauges import Gauge
from factory_tui.domain.live import LiveCell, LiveOutput
from factory_tui.domain.reducer import fold, reduce
from factory_tui.domain.state import Run
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import on_stage
from tests.waiting import until

RUN = "shortlinks-1"
COMMAND = story.until(e.ToolCalled, RUN, 2)
"""A command has begun, and nothing came of it yet."""
MINUTES = 60_000


def run() -> Run:
    return fold(COMMAND).runs[RUN]


def cell(cpu: float | None, role: str = "agent") -> LiveCell:
    gauge = None if cpu is None else Gauge(cpu=cpu, cpu_limit=1.0)
    return LiveCell("c", RUN, role, 1, "docker", True, "", 0, gauge)


def test_a_command_that_says_nothing_is_slow_by_what_is_known_of_its_cell() -> None:
    at = run().changed_at
    assert quiet(run(), 0, [], at + MINUTES - 1) is None
    assert str(quiet(run(), 0, [cell(0.0)], at + 3 * MINUTES)) == (
        "slow: its command says nothing for 3m, and its cell is idle"
    )
    for unknown in ([], [cell(None)], [cell(0.9, "trajectory")]):
        assert "is not known" in str(quiet(run(), 0, unknown, at + 3 * MINUTES))


def test_a_model_that_is_asked_and_says_nothing_is_slow() -> None:
    state = fold(story.until(e.CallReserved, RUN, 2))
    asking = state.runs[RUN]
    assert quiet(asking, 0, [], asking.changed_at + MINUTES - 1) is None
    assert str(quiet(asking, 0, [], asking.changed_at + 2 * MINUTES)) == "slow: its model says nothing for 2m"
    assert quiet(asking, asking.changed_at + MINUTES, [], asking.changed_at + 2 * MINUTES - 1) is None, "it spoke"


@pytest.mark.parametrize("what", ["computes", "said something", "asks a model", "is judged", "paused"])
def test_what_moves_or_waits_elsewhere_is_not_slow(what: str) -> None:
    one, late = run(), run().changed_at + 60 * MINUTES
    cases: dict[str, dict[str, Any]] = {
        "asks a model": {"at_work": ""},
        "is judged": {"handler": "harness"},
        "paused": {"state": "paused"},
    }
    heard = late - 1000 if what == "said something" else 0
    assert quiet(replace(one, **cases.get(what, {})), heard, [cell(1.0 if what == "computes" else 0.0)], late) is None


@pytest.mark.parametrize("then", [e.ToolReturned(2, "toolu_0001", "ok"), e.Prompted("generate", "recovery", "[]")])
def test_an_agent_that_waits_for_its_turn_at_the_endpoint_is_not_slow(then: AnyFact) -> None:
    state = fold(COMMAND)
    waits = reduce(state, Event(state.seq + 1, "id", state.at, then, RUN)).runs[RUN]
    assert quiet(run(), 0, [cell(0.0)], state.at + 60 * MINUTES) is not None
    assert quiet(waits, 0, [cell(0.0)], state.at + 60 * MINUTES) is None


async def test_the_lamp_is_lit_on_the_floor_and_goes_out_with_the_next_word() -> None:
    feed = StoryFeed(COMMAND)
    feed.now += 5 * MINUTES
    feed.cells = [cell(0.0)]
    async with on_stage(feed, (120, 40)) as stage:
        await until(lambda: None in feed.watched, "all cells are asked for")
        await stage.settle()
        assert "slow 5m" in snap.text_of(stage.app)
        stage.app.choose(RUN)
        await stage.press("2")
        assert "its cell is idle" in " ".join(snap.text_of(stage.app).split())
        feed.push(LiveOutput(RUN, "toolu_0001", "stdout", "one test passed"))
        await until(lambda: RUN in stage.app.mirror.heard, "it is heard")
        await stage.settle()
        assert "says nothing" not in snap.text_of(stage.app)
        await stage.press("1")
        assert "slow 5m" not in next(line for line in snap.text_of(stage.app).splitlines() if RUN in line)
