"""What the cells of a run use, on its screen: at three sizes, without colours, and honestly where nothing is known."""

import pytest

from factory_tui.config.settings import UiTable
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.gauges import Gauge
from factory_tui.domain.live import LiveCell
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import on_stage
from tests.waiting import until

SIZES = [(80, 24), (120, 40), (200, 60)]
MIDDLE = story.until(e.VerdictReached, "shortlinks-1", 45)
MIB = 1 << 20
LIMITS = {
    "memory_limit": 512 * MIB,
    "cpu_limit": 1.0,
    "pids_limit": 256,
    "work_limit": 128 * MIB,
    "tmp_limit": 64 * MIB,
}


def cell(name: str, role: str = "agent", *, run: str = "shortlinks-1", **used: float) -> LiveCell:
    gauge = Gauge(**{**LIMITS, **used})  # type: ignore[arg-type]
    return LiveCell(name, run, role, 2, "docker", True, "factory-cell", story.START, gauge)


AGENT = cell("a", memory=107 * MIB, cpu=0.34, pids=12, work=4 * MIB, tmp=0)
TESTER = cell("t", "trajectory", memory=430 * MIB, cpu=0.98, pids=31, work=126 * MIB, tmp=2 * MIB)
IDLE = cell("u", "trajectory", memory=20 * MIB, cpu=0.0, pids=2)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_run_screen_has_the_agents_cell_and_the_fullest_of_the_trajectories(size: tuple[int, int]) -> None:
    feed = StoryFeed(MIDDLE)
    feed.cells = [AGENT, TESTER, IDLE]
    async with on_stage(feed, size) as stage:
        await stage.press("down", "enter")
        await until(lambda: bool(stage.app.mirror.cells), "cells are told")
        await stage.settle()
        snap.check(stage.app, f"console/run-cells-{size[0]}x{size[1]}")
        assert feed.watched == ["shortlinks-1"]


async def test_in_ascii_a_word_says_what_a_colour_says() -> None:
    feed = StoryFeed(MIDDLE)
    feed.cells = [cell("a", memory=430 * MIB, cpu=1.0, pids=251, work=1, tmp=1)]
    async with on_stage(feed, ui=UiTable(glyphs="ascii")) as stage:
        await stage.press("down", "enter")
        await until(lambda: bool(stage.app.mirror.cells), "cells are told")
        await stage.settle()
        assert " agent cell     mem 84% near  cpu 100%  pids 98% full  work 1%  tmp 1%" in snap.text_of(stage.app)


async def test_figures_move_and_a_cell_that_goes_is_gone() -> None:
    feed = StoryFeed(MIDDLE)
    feed.cells = [AGENT]
    async with on_stage(feed, (120, 40)) as stage:
        await stage.press("down", "enter")
        await until(lambda: bool(stage.app.mirror.cells), "cells are told")
        feed.push(cell("a", memory=256 * MIB), TESTER)
        await until(lambda: len(stage.app.mirror.cells["shortlinks-1"]) == 2, "frames arrive")
        await stage.settle()
        assert "50% of 512 MiB" in snap.text_of(stage.app)
        assert "trajectory ×1" in snap.text_of(stage.app)
        gone = e.CellClosed("a")
        feed.push(Event(len(MIDDLE) + 1, "x", feed.now, gone, "shortlinks-1"))
        feed.push(LiveCell("t", "shortlinks-1", "trajectory", 2, "docker", True, "", 0, up=False))
        await until(lambda: not stage.app.mirror.cells["shortlinks-1"], "both are gone")
        await stage.press("1")
        await until(lambda: feed.watched == ["shortlinks-1", ""], "nobody looks any more")


@pytest.mark.parametrize(
    ("kind", "said"),
    [("docker", "not measured yet"), ("process", "a process cell, UNFENCED: what it uses is not measured")],
)
async def test_what_is_not_known_is_not_shown_as_a_figure(kind: str, said: str) -> None:
    started = e.CellStarted("p", "agent", "docker" if kind == "docker" else "process", kind == "docker", 0.1)
    past = [*MIDDLE, Event(len(MIDDLE) + 1, "x", MIDDLE[-1].at, started, "shortlinks-1")]
    async with on_stage(StoryFeed(past)) as stage:
        await stage.press("down", "enter")
        assert f" cells  {said}" in snap.text_of(stage.app)


async def test_a_large_terminal_lists_each_cell_and_as_many_as_there_is_room_for() -> None:
    feed = StoryFeed(MIDDLE)
    trajectories = [cell(f"t{number}", "trajectory", memory=number * MIB, pids=2) for number in range(1, 10)]
    unseen = LiveCell("p", "shortlinks-1", "trajectory", 2, "process", False, "", story.START + 1)
    feed.cells = [unseen, *trajectories, AGENT]
    async with on_stage(feed, (200, 60)) as stage:
        await stage.press("down", "enter")
        await until(lambda: bool(stage.app.mirror.cells), "cells are told")
        await stage.settle()
        lines = snap.text_of(stage.app).rpartition("╯\n")[2].splitlines()[:-2]
        assert lines[0].startswith(" cells  agent cell  up ")
        assert "factory-cell      mem" in lines[0]
        assert "of 512 MiB" in lines[0]
        assert len(lines) == 8
        assert "4 more" in lines[-1]
        feed.push(*(LiveCell(one.cell, one.run, one.role, 2, "docker", True, "", 0, up=False) for one in trajectories))
        await until(lambda: len(stage.app.mirror.cells["shortlinks-1"]) == 2, "they are gone")
        await stage.settle()
        text = snap.text_of(stage.app)
        assert "UNFENCED a process cell    not measured" in text
        assert len(text.rpartition("╯\n")[2].splitlines()) == 10, "no row is given back during a visit"
