"""The floor's presets, and the wall among them: who hangs on it, where, and what the keys do there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.config.settings import PresetTable, UiTable
from factory_tui.console.wall import MOST, Seats, beside, grid, room
from factory_tui.console.widgets.floor_table import FloorTable
from factory_tui.console.widgets.wall import Wall
from factory_tui.domain import events as e
from factory_tui.domain.live import LiveText
from tests import snap
from tests.console import story
from tests.console.crowds import crowd
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.waiting import until

SIZES = [(80, 24), (120, 40), (200, 60)]
TWELVE = crowd(12)
MIDDLE = story.until(e.VerdictReached, "shortlinks-1", 45)


def sized(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


async def read(stage: Stage) -> None:
    """What hangs on the wall has its lines."""
    wall = stage.app.screen.query_one(Wall)
    await stage.settle()
    await until(lambda: all(stage.app.mirror.trace(name).lines for name in wall.names), "the traces are read")
    await stage.settle()


@pytest.mark.parametrize("size", SIZES, ids=sized)
async def test_wall(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(TWELVE), size) as stage:
        await stage.press("f4")
        await read(stage)
        stage.feed.push(LiveText("checkout-11", 4, "The total is taken after tax,\nso it is rounded twice"))
        await until(lambda: "checkout-11" in stage.app.mirror.stream, "it streams")
        await stage.settle()
        snap.check(stage.app, f"console/wall-{sized(size)}")


async def test_presets_change_what_the_floor_shows_and_come_back() -> None:
    async with on_stage(StoryFeed(MIDDLE), (120, 40)) as stage:
        before = snap.text_of(stage.app)
        await stage.press("f2")
        snap.check(stage.app, "console/floor-list-120x40")
        await stage.press("f4", "f3")
        assert snap.text_of(stage.app) == before


async def test_a_preset_of_the_config_sorts_and_filters_and_is_reached_from_any_screen() -> None:
    jams = PresetTable(key="f2", layout="list", sort="-burn", filter="state:jammed|held")
    async with on_stage(StoryFeed(TWELVE), ui=UiTable(presets={"jams": jams})) as stage:
        await stage.press("4", "f2")
        text = snap.text_of(stage.app)
        assert "/ state:jammed|held  4 of 12 runs" in text
        assert "by burn ↑" in text
        assert "trace" not in text.split("╰")[0]


async def test_a_console_begins_with_the_preset_that_it_was_told() -> None:
    async with on_stage(StoryFeed(MIDDLE), ui=UiTable(preset="wall")) as stage:
        assert stage.app.screen.query_one(Wall).size.height > 10


async def test_with_a_filter_keys_are_about_a_run_that_fits_it() -> None:
    jams = PresetTable(key="f2", layout="list", filter="state:jammed|held")
    async with on_stage(StoryFeed(TWELVE), ui=UiTable(presets={"jams": jams}, preset="jams")) as stage:
        table = stage.app.screen.query_one(FloorTable)
        assert stage.app.chosen == table.runs()[0].id
        await stage.press("down", "escape", "/", *"state:held")
        kept = stage.app.chosen
        assert kept in [run.id for run in table.runs()]
        await stage.press("enter", "/", *["backspace"] * 4, *"shipped", "enter")
        assert stage.app.chosen == table.runs()[0].id
        await stage.press("enter")
        assert stage.app.mirror.state.runs[stage.app.chosen].state == "shipped"


async def test_keys_and_clicks_choose_a_run_of_the_wall_and_open_it() -> None:
    async with on_stage(StoryFeed(TWELVE), (120, 40)) as stage:
        await stage.press("f4")
        wall = stage.app.screen.query_one(Wall)
        await stage.press("g")
        assert stage.app.chosen == wall.names[0]
        await stage.press("right", "down", "down")
        assert stage.app.chosen == wall.names[5]
        await stage.pilot.click(Wall, offset=(5, 3))
        assert stage.app.chosen == wall.names[0]
        await stage.press("enter")
        assert (stage.app.scope, stage.app.chosen) == ("run", wall.names[0])


async def test_the_wall_shows_what_fits_the_filter_alone() -> None:
    async with on_stage(StoryFeed(TWELVE), (120, 40)) as stage:
        await stage.press("f4", "/", *"seed:search", "enter")
        assert stage.app.screen.query_one(Wall).names == ["search-9", "search-4"]
        assert "/ seed:search  2 of 12 runs" in snap.text_of(stage.app)
        await stage.press("/", *"zebra", "enter")
        assert "No run fits" in snap.text_of(stage.app)


NAMES = st.sampled_from([f"run-{number}" for number in range(14)])
MOVES = st.lists(st.dictionaries(NAMES, st.integers(0, 200_000), min_size=1), min_size=1, max_size=8)


@given(MOVES, st.integers(1, MOST), NAMES)
def test_the_wall_is_full_and_has_the_chosen_run_and_everyone_once(
    moves: list[dict[str, int]], places: int, chosen: str
) -> None:
    seats = Seats()
    for moved in moves:
        names = seats.take(moved, chosen, places)
        assert len(names) == len(set(names)) == min(places, len(moved))
        assert set(names) <= set(moved)
        assert chosen not in moved or chosen in names


def test_a_run_keeps_its_place_until_it_stood_still_and_another_moved() -> None:
    seats = Seats()
    moved = {"a": 1_000, "b": 2_000, "c": 0}
    assert seats.take(moved, "", 2) == ["a", "b"]
    assert seats.take({**moved, "c": 20_000}, "", 2) == ["a", "b"]
    assert seats.take({**moved, "b": 20_000, "c": 32_000}, "", 2) == ["c", "b"]
    assert seats.take({**moved, "b": 20_000, "c": 32_000, "a": 90_000}, "b", 2) == ["a", "b"]


@given(st.integers(72, 260), st.integers(12, 70), st.integers(1, MOST))
def test_places_cover_the_wall_and_every_one_is_reached(width: int, height: int, runs: int) -> None:
    number = min(runs, room((width, height)))
    rows = grid((width, height), number)
    boxes = [box for row in rows for box in row]
    assert sum(wide * high for _, _, wide, high in boxes) == width * height
    assert min(high for _, _, _, high in boxes) >= 5
    reached, todo = {0}, [0]
    while todo:
        at = todo.pop()
        for motion in ("left", "right", "up", "down"):
            to = beside(rows, at, motion)
            if to not in reached:
                reached.add(to)
                todo.append(to)
    assert reached == set(range(number))
