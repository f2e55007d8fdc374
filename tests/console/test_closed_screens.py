"""Screens that were opened and closed leave nothing of what they painted: a console is open for days."""

import gc

from textual.strip import Strip

from tests.console import story
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
