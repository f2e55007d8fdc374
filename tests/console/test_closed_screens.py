"""Screens that were opened and closed leave nothing of what they painted: a console is open for days."""

import gc

from textual.strip import Strip

from factory_tui.console.places import PLACES
from factory_tui.console.widgets.bars import KeyBar
from factory_tui.console.widgets.burn import BurnChart
from tests import snap
from tests.console import story, tales
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage


async def painted(stage: Stage) -> int:
    """Lines of the screen that are in memory after a walk through all screens."""
    await stage.press("2", "5", "4", "3", "1")
    gc.collect()
    return sum(isinstance(one, Strip) for one in gc.get_objects())


async def test_what_closed_screens_painted_is_forgotten() -> None:
    async with on_stage(StoryFeed(story.tell()), (120, 40)) as stage:
        after_one = await painted(stage)
        later = [await painted(stage) for _ in range(3)]
        assert later[-1] < 2 * after_one


async def test_a_screen_that_is_being_opened_or_closed_draws_nothing_of_panes_that_it_lacks() -> None:
    async with on_stage(StoryFeed(story.tell()), (120, 40)) as stage:
        opened = stage.app.push_screen(PLACES["workshop"]())
        assert not stage.app.offers("back"), "its panes are not there yet"
        await opened
        await stage.press("5")
        burn = stage.app.screen
        bar = burn.query_one(KeyBar)
        await burn.query_one(BurnChart).remove()
        closed = stage.app.pop_screen()
        bar.sync()
        await closed


async def test_a_loop_of_which_nothing_is_known_is_drawn_alone_as_nothing() -> None:
    async with on_stage(StoryFeed(tales.burned()), (120, 40)) as stage:
        await stage.press("2", "shift+tab", "z")
        assert "loop factory" in snap.text_of(stage.app)
