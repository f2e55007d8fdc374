"""Panes: tab goes through them, z shows one alone, keys that move go to the chosen one; and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.events import MouseScrollDown

from factory_tui.console.action import SCREENS, Scope
from factory_tui.console.actions import TABLE
from factory_tui.console.trail import Stop, Trail
from factory_tui.console.widgets.floor_table import FloorTable
from factory_tui.console.widgets.matrix import Matrix
from factory_tui.console.widgets.tail import TailView
from factory_tui.domain import events as e
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.waiting import until

MIDDLE = story.until(e.VerdictReached, "shortlinks-1", 45)


def in_sight(stage: Stage) -> set[str]:
    panes = stage.app.place.panes if stage.app.place else []
    return {type(pane).__name__ for pane in panes if pane.size.width and pane.display and not pane.has_class("-away")}


def chosen(stage: Stage) -> str:
    return type(stage.app.place.pane).__name__ if stage.app.place else ""


def where(stage: Stage) -> tuple[str, str]:
    return stage.app.scope, stage.app.chosen


async def test_tab_gives_the_keys_to_the_next_pane_and_shift_tab_to_the_one_before() -> None:
    async with on_stage(StoryFeed(MIDDLE), (120, 40)) as stage:
        tail = stage.app.screen.query_one(TailView)
        await stage.press("tab", "pageup")
        assert not tail.following
        assert stage.app.chosen == "orders-etl-1"
        await stage.press("shift+tab", "down")
        assert stage.app.chosen == "shortlinks-1"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
async def test_z_shows_the_chosen_pane_alone_and_all_of_them_again(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(MIDDLE), size) as stage:
        before = snap.text_of(stage.app)
        await stage.press("tab", "z")
        assert in_sight(stage) == {"TailView"}
        lines = snap.text_of(stage.app).splitlines()
        assert "trace" in lines[1]
        assert lines[-2].startswith("╰")
        await stage.press("escape", "shift+tab")
        assert snap.text_of(stage.app) == before


async def test_a_narrow_terminal_has_one_pane_of_a_run_at_a_time_and_a_wide_one_all() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("enter")
        assert in_sight(stage) == {"TailView", "Pipeline"}
        await stage.press("tab")
        assert in_sight(stage) == {"Matrix", "Pipeline"}
        await stage.press("tab")
        assert in_sight(stage) == {"Verdict", "Pipeline"}
        await stage.press("tab")
        assert in_sight(stage) == {"Card", "Pipeline"}
        await stage.press("tab")
        assert in_sight(stage) == {"Pipeline"}
        await stage.pilot.resize_terminal(120, 40)
        await stage.settle()
        assert in_sight(stage) == {"TailView", "Matrix", "Card", "Pipeline"}


async def test_keys_are_never_about_a_pane_of_the_floor_that_is_out_of_sight() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        for _ in range(4):
            await stage.press("tab")
            assert chosen(stage) in in_sight(stage)
        await stage.pilot.resize_terminal(120, 40)
        await stage.settle()
        await stage.press("tab", "tab")
        assert chosen(stage) == "Matrix"
        await stage.pilot.resize_terminal(80, 24)
        await stage.settle()
        assert chosen(stage) in in_sight(stage)
        await stage.press("z", "tab", "z")
        assert chosen(stage) in in_sight(stage)


async def test_a_click_chooses_a_pane() -> None:
    async with on_stage(StoryFeed(MIDDLE), (120, 40)) as stage:
        await stage.pilot.click(TailView)
        await stage.press("pageup")
        assert not stage.app.screen.query_one(TailView).following
        await stage.pilot.click(Matrix)
        assert chosen(stage) == "Matrix"
        await stage.pilot.click(FloorTable, offset=(10, 0))
        assert chosen(stage) == "FloorTable"


async def test_the_wheel_moves_the_pane_below_the_pointer() -> None:
    async with on_stage(StoryFeed(MIDDLE), (120, 40)) as stage:
        table = stage.app.screen.query_one(FloorTable)
        await stage.pilot._post_mouse_events([MouseScrollDown], widget=table)
        await stage.settle()
        assert stage.app.chosen == "shortlinks-1"
        assert chosen(stage) == "FloorTable"


async def test_a_key_in_the_bar_can_be_clicked() -> None:
    async with on_stage(StoryFeed(MIDDLE), (120, 40)) as stage:
        bar = snap.text_of(stage.app).splitlines()[-1]
        await stage.pilot.click(offset=(bar.index("inbox") + 1, 39))
        await stage.settle()
        assert stage.app.scope == "inbox"


async def test_a_line_of_the_help_can_be_clicked() -> None:
    async with on_stage(StoryFeed(MIDDLE), (120, 40)) as stage:
        await stage.press("?")
        lines = snap.text_of(stage.app).splitlines()
        row = next(index for index, line in enumerate(lines) if "Start a new run of a seed." in line)
        await stage.pilot.click(offset=(40, row))
        await until(lambda: "New run" in snap.text_of(stage.app), "the dialog")


async def test_history_goes_back_and_forth_through_screens_and_runs() -> None:
    async with on_stage(StoryFeed(MIDDLE), (120, 40)) as stage:
        await stage.press("down", "enter", "5", "[")
        assert where(stage) == ("run", "shortlinks-1")
        await stage.press("[")
        assert where(stage) == ("floor", "shortlinks-1")
        await stage.press("[")
        assert "nothing lies further" in snap.text_of(stage.app)
        await stage.press("]", "]")
        assert where(stage) == ("burn", "shortlinks-1")


async def test_a_filter_narrows_as_it_is_typed_and_stands_in_the_border() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("/", *"seed:short")
        text = snap.text_of(stage.app)
        assert "orders-etl-1 " not in text.split("trace")[0]
        assert "/ seed:short" in text
        await stage.press("enter")
        assert "1 of 2 runs" in snap.text_of(stage.app)
        await stage.press("/", "escape")
        assert "1 of 2 runs" in snap.text_of(stage.app)
        await stage.press("escape")
        assert " 2 runs" in snap.text_of(stage.app)


async def test_a_filter_that_means_nothing_says_so_and_one_that_nothing_fits_shows_the_way_out() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("/", *"colour:red", "enter")
        assert "no field is called colour. Remedy: run:, state:" in snap.text_of(stage.app)
        await stage.press("escape", "/", *"zebra", "enter")
        assert "No run fits zebra; esc shows all." in snap.text_of(stage.app)


async def test_up_and_down_bring_back_filters_that_were_kept() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        for typed in ("seed:short", "zebra", "seed:short", "owner:ana"):
            await stage.press("/", *typed, "enter", "escape")
        pane = stage.app.screen.query_one(FloorTable)
        await stage.press("/", "up", "up", "up", "up")
        assert pane.filter.text == "zebra"
        await stage.press("down")
        assert pane.filter.text == "seed:short"
        await stage.press("down", "down")
        assert pane.filter.text == ""
        await stage.press("up", "enter")
        assert "/ owner:ana" in snap.text_of(stage.app)


async def test_letters_typed_into_a_filter_are_no_keys() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("/", *"pXq!")
        assert stage.feed.commands == []
        assert len(stage.app.screen_stack) == 1


def test_every_action_has_a_line_in_the_palette_and_words_of_its_own() -> None:
    assert [action.id for action in TABLE if not action.palette] == []
    named = [(scope, action.palette) for action in TABLE for scope in action.scopes]
    assert len(set(named)) == len(named)


STEPS = st.lists(st.one_of(st.sampled_from(SCREENS), st.sampled_from([-1, 1])), max_size=30)


@given(STEPS)
def test_going_back_and_forth_ends_where_it_began(steps: list[Scope | int]) -> None:
    trail = Trail()
    for step in steps:
        if isinstance(step, int):
            trail.step(step)
        else:
            trail.visit(Stop(step, "links-1"))
    back = 0
    while trail.leads(-1):
        trail.step(-1)
        back += 1
    ahead = 0
    while trail.leads(1):
        trail.step(1)
        ahead += 1
    assert ahead >= back
