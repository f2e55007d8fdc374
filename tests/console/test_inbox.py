"""The inbox: what waits for a human, the evidence beside it, and answering it."""

import pytest

from factory_tui.console.actions import BY_ID, SCREENS
from factory_tui.console.places import PLACES
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage, until

SIZES = [(80, 24), (120, 40), (200, 60)]
EVIDENCE = """pass 2: totals-add-up 0 of 3 satisfied
pass 3: totals-add-up 0 of 3 satisfied
pass 4: totals-add-up 0 of 3 satisfied
expected 18204.50, got 18204.49 in each of them"""


def waits() -> list[Event]:
    """Two questions, one of them answered, and two held runs, one of which comes back by itself."""
    teller = story.Teller()
    teller.say("", *(event.fact for event in story.tell()[:1]))
    tales = {}
    for name in ("ledger-1", "orders-etl-1", "shortlinks-1", "interval-bug-1", "hello-1"):
        tales[name] = story.Tale(teller, name, story.ORDERS)
        tales[name].queued(name.rpartition("-")[0])
    stalled = "3 passes brought nothing new: round half up, or half to even?"
    tales["ledger-1"].say(
        e.EscalationRaised("E-1", "jam", "stalled", "ana", stalled, ("go on", "stop"), EVIDENCE),
        e.RunMoved("jammed", None, stalled),
    )
    tales["orders-etl-1"].say(e.RunMoved("held", "budget", "$9.98 of $10.00 are spent, the next call may cost $0.24"))
    tales["shortlinks-1"].say(
        e.EscalationRaised("E-2", "signoff", None, "ben", "Ship to production?", ("yes", "no"), ""),
        e.RunMoved("signoff", None, "Ship to production?"),
    )
    tales["hello-1"].say(
        e.EscalationRaised("E-3", "jam", "asked", "ana", "Which greeting?", ("go on", "stop")),
        e.RunMoved("jammed", None, "Which greeting?"),
    )
    teller.say("hello-1", e.EscalationAnswered("E-3", "go on", "Say hello, not hi."), actor="ana", after=75)
    teller.say("hello-1", e.RunMoved("queued", None, "E-3 was answered by ana"), actor="ana")
    at = teller.at + 60_000
    tales["interval-bug-1"].say(e.RunMoved("held", "provider", "529 overloaded", at), after=3)
    return teller.events


async def sent(stage: Stage) -> list[c.Command]:
    await until(lambda: bool(stage.feed.commands), "a command is sent")
    return stage.feed.commands


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_inbox(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(waits()), size) as stage:
        await stage.press("3")
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
    async with on_stage(StoryFeed(waits()), size) as stage:
        for key in ("1", "2", "3"):
            await stage.press(key)
            assert "3 in inbox" in snap.text_of(stage.app).splitlines()[0], (
                "the run that comes back by itself asks nobody"
            )


async def test_digits_go_to_the_screens_and_esc_goes_back() -> None:
    async with on_stage(StoryFeed(waits())) as stage:
        for key, scope in (("3", "inbox"), ("2", "run"), ("1", "floor"), ("3", "inbox"), ("enter", "run")):
            await stage.press(key)
            assert stage.app.scope == scope
        for scope in ("inbox", "floor"):
            await stage.press("escape")
            assert stage.app.scope == scope


async def test_screens_can_be_changed_over_the_help_but_not_over_a_dialog() -> None:
    async with on_stage(StoryFeed(waits())) as stage:
        await stage.press("?", "3")
        assert stage.app.scope == "inbox"
        await stage.press("a", "1", "escape")
        assert stage.app.scope == "inbox"


async def test_the_cursor_chooses_the_run_and_enter_opens_it() -> None:
    async with on_stage(StoryFeed(waits())) as stage:
        await stage.press("3", "down", "down")
        assert "Ship to production?" in snap.text_of(stage.app)
        await stage.press("enter")
        assert stage.app.scope == "run"
        assert stage.app.chosen == "shortlinks-1"


async def test_an_answer_is_a_choice_and_words() -> None:
    async with on_stage(StoryFeed(waits())) as stage:
        await stage.press("3", "a")
        snap.check(stage.app, "console/answer")
        await stage.press("1", *"half to even", "ctrl+j", *"always", "enter")
        assert await sent(stage) == [c.Answer("E-1", "go on", "half to even\nalways")]


async def test_words_alone_answer_a_jam_that_can_go_on() -> None:
    async with on_stage(StoryFeed(waits())) as stage:
        await stage.press("3", "a", *"half up", "enter")
        assert await sent(stage) == [c.Answer("E-1", "", "half up")]


async def test_an_empty_answer_is_refused_in_the_dialog() -> None:
    async with on_stage(StoryFeed(waits())) as stage:
        await stage.press("3", "a", "enter")
        assert "An empty answer is no answer" in snap.text_of(stage.app)
        await stage.press("2", "enter")
        assert await sent(stage) == [c.Answer("E-1", "stop", "")]


async def test_a_sign_off_wants_a_choice() -> None:
    async with on_stage(StoryFeed(waits())) as stage:
        await stage.press("3", "down", "down", "a", *"well", "enter")
        assert "wants one of its choices" in snap.text_of(stage.app)
        assert stage.feed.commands == []
        await stage.press("tab", "1", "enter")
        assert await sent(stage) == [c.Answer("E-2", "yes", "well")]


async def test_who_answered_what_and_when_is_kept() -> None:
    async with on_stage(StoryFeed(waits())) as stage:
        await stage.press("3", *["down"] * 4)
        text = snap.text_of(stage.app)
        assert "ana answered at" in text
        assert "Say hello, not hi." in text


async def test_a_viewer_reads_the_inbox_and_answers_nothing() -> None:
    async with on_stage(StoryFeed(waits(), role="viewer")) as stage:
        await stage.press("3")
        assert "a answer" not in snap.text_of(stage.app).splitlines()[-1]
        await stage.press("a")
        assert stage.app.scope == "inbox"
        assert stage.feed.commands == []
