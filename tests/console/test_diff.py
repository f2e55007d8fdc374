"""What changed between passes: chosen by keys, made by the engine, safe to draw."""

import re

from factory_tui.console.screens.diff import DiffScreen
from factory_tui.domain import events as e
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import on_stage
from tests.waiting import until

MIDDLE = story.until(e.VerdictReached, "shortlinks-1", 45)
CHANGES = """diff --git a/etl.py b/etl.py
index 1111111..2222222 100644
--- a/etl.py
+++ b/etl.py
@@ -1,4 +1,5 @@
 import csv
-rows = open(path).read()
+rows = open(path, encoding="utf-8", errors="replace").read()
+summary["encoding"] = "utf-8, with a fallback that a reader of this very long line has to see the whole of"
"""


async def test_d_shows_what_the_newest_pass_changed() -> None:
    feed = StoryFeed(MIDDLE)
    feed.changes = CHANGES
    async with on_stage(feed) as stage:
        await stage.press("d")
        await until(lambda: bool(feed.diffs), "the diff is asked for")
        await stage.settle()
        assert feed.diffs == [("orders-etl-1", 1, 2)]
        snap.check(stage.app, "console/diff")
        await stage.press("escape")
        assert stage.app.scope == "floor"


async def test_of_a_run_that_is_gone_there_is_nothing_to_choose() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.app.push_screen(DiffScreen("nobody-1"))
        await stage.press("[", "]", "{", "}", "escape")
        assert stage.app.scope == "floor"
        assert len(stage.app.screen_stack) == 1


async def test_brackets_choose_the_passes() -> None:
    feed = StoryFeed(story.tell())
    async with on_stage(feed) as stage:
        stage.app.choose("shortlinks-1")
        await stage.press("d")
        for key in ("{", "{", "{", "}", "[", "]"):
            await stage.press(key)
        await until(lambda: len(feed.diffs) == 6, "all are asked for")
        assert [pair for _, *pair in feed.diffs] == [[2, 3], [1, 3], [0, 3], [1, 3], [1, 2], [1, 3]]


async def test_a_hostile_and_huge_diff_stays_text_and_scrolls_to_its_end() -> None:
    feed = StoryFeed(MIDDLE)
    feed.changes = "+\x1b]0;owned\x07\u202etxt.exe\n" + "".join(
        f"+line {number}\t{'漢' * 90}\n" for number in range(9000)
    )
    async with on_stage(feed) as stage:
        await stage.press("d")
        await until(lambda: bool(feed.diffs), "the diff is asked for")
        await stage.settle()
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", snap.text_of(stage.app))
        await stage.press("end")
        text = snap.text_of(stage.app)
        assert "line 8999" in text
        assert "its end is left out" in text


async def test_why_there_is_no_diff_is_said() -> None:
    async with on_stage(StoryFeed(MIDDLE, refuse="the snapshot is gone. Remedy: restore it")) as stage:
        await stage.press("d")
        await until(lambda: "Remedy: restore it" in snap.text_of(stage.app), "the reason")


async def test_a_viewer_may_look() -> None:
    feed = StoryFeed(MIDDLE, role="viewer")
    async with on_stage(feed) as stage:
        await stage.press("d")
        await until(lambda: bool(feed.diffs), "the diff is asked for")


async def test_without_an_output_there_is_nothing_to_compare() -> None:
    async with on_stage(StoryFeed(story.until(e.ToolCalled, "shortlinks-1", 2))) as stage:
        await stage.press("d")
        assert "no pass has an output yet" in snap.text_of(stage.app)
