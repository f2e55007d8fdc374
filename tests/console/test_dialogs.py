"""Every dialog under rough handling: keys in bursts, and a terminal that changes its size beneath it."""

import pytest

from factory_tui.console.screens.place import Place
from factory_tui.console.screens.too_small import TooSmall
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.waiting import until

MIDDLE = story.until(e.VerdictReached, "shortlinks-1", 45)


async def back_on_a_place(stage: Stage) -> None:
    await until(lambda: isinstance(stage.app.screen, Place), "the dialog is gone")
    await stage.settle()


@pytest.mark.parametrize(
    "keys",
    [
        ("n", "enter", "enter", "enter"),
        ("n", "escape", "escape", "escape"),
        ("X", "enter", "enter"),
        ("X", "escape", "escape"),
        ("s", "escape", "escape"),
        ("s", "x", "enter", "enter"),
        ("question_mark", "escape", "escape"),
        ("question_mark", "question_mark", "question_mark", "question_mark"),
        ("d", "d", "d", "d"),
        ("d", "escape", "escape"),
        ("colon", "escape", "escape"),
        ("colon", "enter", "enter", "escape", "escape"),
        ("R", "1", "enter", "enter", "enter", "escape"),
        ("2", "escape", "escape", "3", "escape", "escape"),
    ],
    ids=" ".join,
)
async def test_keys_that_come_in_one_burst_break_nothing(keys: tuple[str, ...]) -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        stage.burst(*keys)
        await stage.settle()
        await stage.press("escape", "escape", "escape")
        await back_on_a_place(stage)
        await stage.press("!")
        await until(lambda: c.EmergencyStop() in stage.feed.commands, "keys are heard after all of that")


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        (("X", *"orders-etl-1", "enter"), c.Stop("orders-etl-1")),
        (("j", "X", *"shortlinks-1", "enter"), c.Stop("shortlinks-1")),
        (("n", *"shortlinks", "enter"), c.StartRun("shortlinks", ledger="rehearsal")),
        (("s", *"use utf-8, P!", "enter"), c.Steer("orders-etl-1", "use utf-8, P!")),
        (("2", "e", *"look at this", "enter"), c.Escalate("orders-etl-1", "look at this")),
        (("question_mark", "escape", "s", *"XpP", "enter"), c.Steer("orders-etl-1", "XpP")),
        (("s", *"no", "escape", "j", "P"), c.Pause("shortlinks-1", now=True)),
        (("colon", *"steer", "enter", *"abc", "enter"), c.Steer("orders-etl-1", "abc")),
        (("colon", *"thaw", "enter"), c.EmergencyStop()),
    ],
    ids=lambda keys: "".join(key if len(key) == 1 else f" {key} " for key in keys) if isinstance(keys, tuple) else "",
)
async def test_what_is_typed_on_from_the_key_of_a_dialog_goes_into_it(
    keys: tuple[str, ...], command: c.Command
) -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        stage.burst(*keys)
        await until(lambda: bool(stage.feed.commands), "a command is sent")
        await stage.settle()
        assert stage.feed.commands == [command]


async def test_the_palette_does_nothing_that_the_words_do_not_find() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        stage.burst("colon", *"freezzz", "enter")
        await until(lambda: "No matches found" in snap.text_of(stage.app), "it looked")
        assert stage.feed.commands == []


async def test_what_the_palette_chose_twice_in_a_burst_is_done_once() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("colon", *"pause orders")
        await until(lambda: "Pause orders-etl-1" in snap.text_of(stage.app), "it is found")
        stage.burst("enter", "enter", "enter", "enter")
        await back_on_a_place(stage)
        await until(lambda: bool(stage.feed.commands), "a command is sent")
        await stage.settle()
        assert len(stage.feed.commands) == 1


@pytest.mark.parametrize("key", ["n", "s", "X", "b", "question_mark", "colon", "d"])
async def test_too_small_covers_a_dialog_and_gives_it_back(key: str) -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press(key)
        before = stage.app.screen
        for size in ((60, 15), (40, 10)):
            await stage.pilot.resize_terminal(*size)
            await stage.settle()
            assert isinstance(stage.app.screen, TooSmall)
            assert f"actual  {size[0]} x {size[1]}" in snap.text_of(stage.app)
        await stage.press("colon", "3", "x")
        assert isinstance(stage.app.screen, TooSmall)
        await stage.pilot.resize_terminal(80, 24)
        await stage.settle()
        assert stage.app.screen is before
        await stage.press("escape")
        await back_on_a_place(stage)


async def test_a_floor_too_small_can_be_frozen_and_thawed() -> None:
    last = MIDDLE[-1]
    frozen = [*MIDDLE, Event(last.seq + 1, "", last.at, e.FloorFrozen(), actor="ana")]
    async with on_stage(StoryFeed(frozen), (60, 15)) as stage:
        await stage.press("!")
        await stage.pilot.resize_terminal(120, 40)
        await stage.settle()
        await stage.press("right", "enter")
        await until(lambda: c.Thaw() in stage.feed.commands, "thawed")
        await back_on_a_place(stage)


@pytest.mark.parametrize("key", ["s", "e", "b", "r", "R", "X", "n"])
@pytest.mark.parametrize("size", [(80, 24), (72, 20)])
async def test_a_dialog_fits_what_the_terminal_became(key: str, size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(MIDDLE), (120, 40)) as stage:
        await stage.press(key)
        await stage.pilot.resize_terminal(*size)
        await stage.settle()
        last = "Cancel" if key == "X" else "tab changes" if key == "n" else "enter sends"
        assert last in snap.text_of(stage.app)


async def test_an_answer_keeps_its_field_and_its_keys_when_the_terminal_shrinks() -> None:
    async with on_stage(StoryFeed(story.waits()), (120, 40)) as stage:
        await stage.press("3", "a", *"half to even")
        for size in ((80, 24), (72, 20), (200, 60)):
            await stage.pilot.resize_terminal(*size)
            await stage.settle()
            text = snap.text_of(stage.app)
            assert "half to even" in text
            assert "enter sends" in text


async def test_behind_a_dialog_it_is_still_seen_that_the_engine_is_gone() -> None:
    async with on_stage(StoryFeed(story.waits())) as stage:
        await stage.press("3", "a", *"half")
        assert "live" in snap.text_of(stage.app).splitlines()[0]
        stage.app.mirror.lost("The engine closed the link.", first=False)

        def header() -> str:
            stage.app.mirror.dirty = True
            return snap.text_of(stage.app).splitlines()[0]

        await until(lambda: stage.app.mirror.connection in header(), "the header tells of the link")
        assert "half" in snap.text_of(stage.app)


async def test_a_name_typed_in_full_is_that_seed() -> None:
    last = MIDDLE[-1]
    longer = Event(last.seq + 1, "", last.at, e.SeedRevised("a-shortlinks", "77", "", "", by_hand=True), actor="ana")
    async with on_stage(StoryFeed([*MIDDLE, longer])) as stage:
        await stage.press("n", *"shortlinks", "enter")
        await until(lambda: bool(stage.feed.commands), "a command is sent")
        assert stage.feed.commands == [c.StartRun("shortlinks", ledger="rehearsal")]
