"""A run that fell below its best pass says so where it shows, and the dialog that goes back begins at that pass."""

from pathlib import Path

import pytest

from factory_tui.console import plain
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.reducer import fold
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import on_stage
from tests.waiting import until

BROKEN = {name: 0.0 for name, _ in story.ORDERS}


def fallen(*shares: dict[str, float]) -> list[Event]:
    """A run with a pass for each of these; what is not named satisfies."""
    teller = story.Teller()
    teller.say("", e.EngineStarted("0.1.0", 4242, "demo", "docker", True, seeds=("orders-etl",)))
    tale = story.Tale(teller, "orders-etl-1", story.ORDERS)
    tale.queued("orders-etl")
    for number, share in enumerate(shares, 1):
        tale.say(e.PassBegan(number, "9f3c1a7e55d0"))
        tale.checks(number)
        tale.look(number, "screen", share, 3, "unsatisfied")
    return teller.events


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_fall_shows_on_the_floor_and_on_the_run(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(fallen({"large-file": 0.0}, BROKEN)), size) as stage:
        rows = snap.text_of(stage.app).splitlines()
        head, row = next((line, rows[at + 1]) for at, line in enumerate(rows) if "BEST" in line)
        assert row[head.index("BEST")] == "1"
        await stage.press("enter")
        if size[0] >= 120:  # a narrow one has no room for the facts of its run
            assert "2 of at most 10  below pass 1" in snap.text_of(stage.app)
        await stage.press("R")
        text = snap.text_of(stage.app)
        assert "▸ 1 pass 1" in text
        assert "its best, satisfied" in text
        await stage.press("enter", "right", "enter")
        await until(lambda: bool(stage.feed.commands), "a command is sent")
        assert stage.feed.commands == [c.Restart("orders-etl-1", 1)]


async def test_where_the_newest_pass_is_the_best_nothing_is_said() -> None:
    async with on_stage(StoryFeed(fallen(BROKEN, {}))) as stage:
        assert "BEST" not in snap.text_of(stage.app)
        await stage.press("enter")
        assert "best" not in snap.text_of(stage.app)


def test_a_run_that_was_stopped_names_its_best_pass_and_what_is_done_with_it() -> None:
    events = fallen({"large-file": 0.0}, BROKEN)
    stopped = Event(len(events) + 1, "s", events[-1].at, e.RunMoved("stopped", None, "enough"), "orders-etl-1")
    said = plain.below(fold([*events, stopped]), Path("/ws"), lambda command: f"factory-tui {command}")
    assert said[1].startswith("orders-etl-1 is stopped; its best is pass 1, satisfied 88% ")
    assert said[2:] == [
        "  To go on from it: factory-tui fork orders-etl-1 --pass 1",
        "  To take it out: factory-tui take orders-etl-1 FOLDER",
    ]
    assert plain.below(fold(events), Path("/ws"), str) == []
