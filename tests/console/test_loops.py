"""The loop of a run as it is drawn: those that come with the factory at three widths, and what is said of stations."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from factory_tui import pipeline
from factory_tui.config.settings import UiTable
from factory_tui.console.graph import Drawing, Sizes, draw
from factory_tui.console.layers import Track
from factory_tui.console.widgets import pipeline as layouts
from factory_tui.console.widgets.pipeline import Pipeline
from factory_tui.domain import events as e
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import on_stage
from tests.pipeline.loops import HANDLERS

LOOPS = sorted((Path(__file__).parents[2] / "loops").glob("*.dot"))
LEGS = [("start", "plan"), ("start", "draw"), ("start", "ask"), ("plan", "join"), ("draw", "join"), ("ask", "join")]
LEGS += [("join", "exit"), ("join", "start"), ("draw", "draw"), ("start", "exit")]


def run_of(name: str, stations: tuple[str, ...], tracks: tuple[tuple[str, str], ...]) -> list[tuple[str, e.AnyFact]]:
    """A run that went from the first station to the third, and once back to the second."""
    first = story.until(e.RunQueued, "shortlinks-1")[-1].fact
    assert isinstance(first, e.RunQueued)
    way = [*stations[:3], stations[1]]
    facts: list[e.AnyFact] = [msgspec.structs.replace(first, loop=name, stations=stations, tracks=tracks)]
    facts += [e.RunMoved("running"), e.PassBegan(1, "9f3c1a7e55d0")]
    for at, (station, to) in enumerate(pairwise(way)):
        facts += [
            e.NodeEntered(station, "codergen", 1 + (at > 2)),
            e.NodeLeft(station, 1, "success", to, 75.0, "", "success"),
        ]
    facts.append(e.NodeEntered(way[-1], "codergen", 2))
    return [(f"{name}-1", fact) for fact in facts]


def told() -> list[e.Event]:
    teller = story.Teller()
    teller.say("", e.EngineStarted("1", 1, "w", "docker", True))
    graphs = {path.stem: pipeline.prepare(path.read_text(), path.name, frozenset(HANDLERS)) for path in LOOPS}
    loops = {
        name: (tuple(it.nodes), tuple((edge.source, edge.target) for edge in it.edges)) for name, it in graphs.items()
    }
    loops["legs"] = ("start", "plan", "draw", "ask", "join", "exit"), tuple(LEGS)
    for name, (stations, tracks) in loops.items():
        for run, fact in run_of(name, stations, tracks):
            teller.say(run, fact)
    return teller.events


@pytest.mark.parametrize("glyphs", ["block", "ascii"])
async def test_every_loop_at_three_widths(glyphs: str) -> None:
    feed = StoryFeed(told())
    drawn = []
    async with on_stage(feed, (200, 60), ui=UiTable(glyphs=glyphs)) as stage:  # type: ignore[arg-type]
        for name in [*(path.stem for path in LOOPS), "legs"]:
            stage.app.choose(f"{name}-1")
            await stage.press("2")
            loop = stage.app.screen.query_one(Pipeline)
            for width, height in ((78, 6), (118, 11), (198, 18)):
                rows = loop.rows(width, height)
                lines = ["".join(text for text, _ in row).rstrip() for row in rows]
                assert all(len(line) <= width for line in lines)
                drawn += [f"{name}, {width} columns", *lines, ""]
            await stage.press("escape")
    snap.compare("\n".join(drawn), f"console/loops-{glyphs}")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_zoomed_it_tells_of_every_station(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(story.until(e.VerdictReached, "shortlinks-1", 45)), size) as stage:
        await stage.press("down", "enter", "shift+tab", "z")
        snap.check(stage.app, f"console/run-loop-{size[0]}x{size[1]}")


async def test_the_time_of_the_station_where_it_is_goes_on() -> None:
    feed = StoryFeed(story.until(e.NodeEntered, "shortlinks-1", 2))
    async with on_stage(feed, (120, 40)) as stage:
        stage.app.choose("shortlinks-1")
        await stage.press("2")
        assert "2m" not in snap.text_of(stage.app).splitlines()[3]
        feed.now += 130_000
        await stage.settle()
        assert "2m" in snap.text_of(stage.app).splitlines()[3]


async def test_a_narrow_drawing_is_without_the_ends_but_never_without_the_station_where_it_is() -> None:
    feed = StoryFeed(told())
    async with on_stage(feed) as stage:
        stage.app.choose("factory-1")
        await stage.press("2")
        loop = stage.app.screen.query_one(Pipeline)
        seq = feed.past[-1].seq
        steps: list[tuple[list[e.AnyFact], bool]] = [
            ([e.NodeEntered("ship", "ship", 1)], False),
            ([e.NodeEntered("exit", "exit", 1), e.RunMoved("shipped")], True),
        ]
        for facts, lines in steps:
            for fact in facts:
                seq += 1
                feed.push(e.Event(seq, "x", feed.now, fact, "factory-1"))
            await stage.told(seq)
            text = "".join(text for row in loop.rows(78, 3) for text, _ in row)
            assert ("╯" in text) == lines
            assert ("ship" in text) != lines


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_it_is_laid_out_once_and_again_when_something_of_it_changed(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    laid: list[Sizes] = []

    def noted(names: Sequence[str], tracks: Sequence[Track], sizes: Sizes) -> Drawing:
        laid.append(sizes)
        return draw(names, tracks, sizes)

    monkeypatch.setattr(layouts, "draw", noted)
    async with on_stage(StoryFeed(story.until(e.VerdictReached, "shortlinks-1", 45)), size) as stage:
        await stage.press("down", "enter")
        await stage.settle()
        laid.clear()
        await stage.settle()
        assert laid == []
        await stage.pilot.resize_terminal(size[0] + 7, size[1])
        await stage.settle()
        assert laid != []
