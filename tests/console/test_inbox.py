"""The inbox: what waits for a human, the evidence beside it, and answering it."""

import pytest
from textual.events import Paste

from factory_tui.config.settings import UiTable
from factory_tui.console.action import SCREENS
from factory_tui.console.actions import BY_ID
from factory_tui.console.places import PLACES
from factory_tui.domain import commands as c
from factory_tui.domain.events import EscalationPassedOn, Event
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.waiting import until

SIZES = [(80, 24), (120, 40), (200, 60)]


async def sent(stage: Stage) -> list[c.Command]:
    await until(lambda: bool(stage.feed.commands), "a command is sent")
    return stage.feed.commands


def passed_on(escalation: str, to: str) -> Event:
    last = story.waits()[-1]
    return Event(last.seq + 1, "passed", last.at + 60_000, EscalationPassedOn(escalation, to), "ledger-1")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_inbox(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(story.waits()), size) as stage:
        await stage.press("3")
        if size[0] > 80:
            await until(lambda: bool(stage.app.mirror.around), "the trace around it is read")
            await stage.settle()
        snap.check(stage.app, f"console/inbox-{size[0]}x{size[1]}")


async def test_an_empty_inbox_says_so() -> None:
    async with on_stage(StoryFeed(story.tell()[:1])) as stage:
        await stage.press("3")
        assert "Nothing waits for you" in snap.text_of(stage.app)


def test_every_screen_but_the_floor_is_behind_its_key() -> None:
    assert set(PLACES) == set(SCREENS) - {"floor"}
    assert all(BY_ID[f"go.{name}"].keys for name in SCREENS)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_waits_is_counted_on_every_screen(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(story.waits()), size) as stage:
        for key in ("1", "2", "3"):
            await stage.press(key)
            assert "3 in inbox" in snap.text_of(stage.app).splitlines()[0], (
                "the run that comes back by itself asks nobody"
            )


async def test_digits_go_to_the_screens_and_esc_goes_back() -> None:
    async with on_stage(StoryFeed(story.waits())) as stage:
        for key, scope in (
            ("3", "inbox"),
            ("4", "workshop"),
            ("2", "run"),
            ("1", "floor"),
            ("3", "inbox"),
            ("enter", "run"),
        ):
            await stage.press(key)
            assert stage.app.scope == scope
        for scope in ("inbox", "floor"):
            await stage.press("escape")
            assert stage.app.scope == scope


async def test_screens_can_be_changed_over_the_help_but_not_over_a_dialog() -> None:
    async with on_stage(StoryFeed(story.waits())) as stage:
        await stage.press("?", "3")
        assert stage.app.scope == "inbox"
        await stage.press("a", "1", "escape")
        assert stage.app.scope == "inbox"


async def test_the_cursor_chooses_the_run_and_enter_opens_it() -> None:
    async with on_stage(StoryFeed(story.waits())) as stage:
        await stage.press("3", "down", "down")
        assert "Ship to production?" in snap.text_of(stage.app)
        await stage.press("enter")
        assert stage.app.scope == "run"
        assert stage.app.chosen == "shortlinks-1"


async def test_an_answer_is_a_choice_and_words() -> None:
    async with on_stage(StoryFeed(story.waits())) as stage:
        await stage.press("3", "a")
        snap.check(stage.app, "console/answer")
        await stage.press("1", *"half to even", "ctrl+j", *"always", "enter")
        assert await sent(stage) == [c.Answer("E-1", "go on", "half to even\nalways")]


async def test_words_alone_answer_a_jam_that_can_go_on() -> None:
    async with on_stage(StoryFeed(story.waits())) as stage:
        await stage.press("3", "a", *"half up", "enter")
        assert await sent(stage) == [c.Answer("E-1", "", "half up")]


async def test_an_empty_answer_is_refused_in_the_dialog() -> None:
    async with on_stage(StoryFeed(story.waits())) as stage:
        await stage.press("3", "a", "enter")
        assert "An empty answer is no answer" in snap.text_of(stage.app)
        await stage.press("2", "enter")
        assert await sent(stage) == [c.Answer("E-1", "stop", "")]


async def test_a_sign_off_wants_a_choice() -> None:
    async with on_stage(StoryFeed(story.waits())) as stage:
        await stage.press("3", "down", "down", "a", *"well", "enter")
        assert "wants one of its choices" in snap.text_of(stage.app)
        assert stage.feed.commands == []
        await stage.press("tab", "1", "enter")
        assert await sent(stage) == [c.Answer("E-2", "yes", "well")]


async def test_a_question_that_was_passed_on_says_who_had_it() -> None:
    async with on_stage(StoryFeed([*story.waits(), passed_on("E-1", "ben")])) as stage:
        await stage.press("3")
        seen = snap.text_of(stage.app)
        assert "for ben" in seen
        assert "ana did not answer in time" in seen


async def test_who_answered_what_and_when_is_kept() -> None:
    async with on_stage(StoryFeed(story.waits())) as stage:
        await stage.press("3", *["down"] * 4)
        text = snap.text_of(stage.app)
        assert "ana answered at" in text
        assert "Say hello, not hi." in text


async def test_an_answer_that_comes_in_one_burst_loses_no_letter() -> None:
    async with on_stage(StoryFeed(story.waits())) as stage:
        await stage.press("3", "a")
        stage.burst("1", *"half to even, 2 digits", "enter")
        assert await sent(stage) == [c.Answer("E-1", "go on", "half to even, 2 digits")]


async def test_an_answer_can_be_pasted() -> None:
    async with on_stage(StoryFeed(story.waits())) as stage:
        await stage.press("3", "a", "1")
        stage.app.post_message(Paste("half to "))
        await stage.settle()
        stage.app.post_message(Paste("even"))
        await stage.settle()
        await stage.press("enter")
        assert await sent(stage) == [c.Answer("E-1", "go on", "half to even")]


async def test_a_viewer_reads_the_inbox_and_answers_nothing() -> None:
    async with on_stage(StoryFeed(story.waits(), role="viewer")) as stage:
        await stage.press("3")
        assert "a answer" not in snap.text_of(stage.app).splitlines()[-1]
        await stage.press("a")
        assert stage.app.scope == "inbox"
        assert stage.feed.commands == []


async def test_a_held_run_says_which_keys_help() -> None:
    async with on_stage(StoryFeed(story.waits()), ui=UiTable(keymap={"run.cap": "f9"})) as stage:
        await stage.press("3", "down")
        assert "Remedy: f9 raises its cap, X stops it" in snap.text_of(stage.app)
        await stage.press("down", "down")
        said = snap.text_of(stage.app)
        assert "It comes back by itself in 0:5" in said
        assert "provider, back in 0:5" in said


@pytest.mark.parametrize(
    ("left", "floor", "run"),
    [(60_000, "held 1m", "1:00"), (17_400, "held 17s", "0:18"), (-5, "held 0s", "0:00")],
)
async def test_a_run_that_comes_back_by_itself_counts_down_wherever_it_shows(left: int, floor: str, run: str) -> None:
    feed = StoryFeed(story.waits())
    feed.now = (feed.state.runs["interval-bug-1"].retry_at or 0) - left
    async with on_stage(feed, (120, 40)) as stage:
        assert floor in snap.text_of(stage.app)
        await stage.press("3", "down", "down", "down")
        assert f"It comes back by itself in {run}, at" in snap.text_of(stage.app)
        await stage.press("enter")
        said = snap.text_of(stage.app)
        assert f"held (provider) {run}" in said
        assert f"back in {run}: 529 overloaded" in said


async def test_the_inbox_in_ascii() -> None:
    async with on_stage(StoryFeed(story.waits()), ui=UiTable(glyphs="ascii")) as stage:
        await stage.press("3")
        await stage.press("a")
        assert snap.text_of(stage.app).replace("…", "").isascii()
        snap.check(stage.app, "console/answer-ascii")
