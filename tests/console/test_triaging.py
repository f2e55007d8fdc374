"""Many questions at once: marks, digits, refusing, putting off, expiring; and what a run did around a question."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from textual.geometry import Offset

from factory_tui.console import attached
from factory_tui.console.waiting import answered, need_human, waiting
from factory_tui.console.widgets.inbox import InboxList
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.reducer import fold
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.console.test_inbox import SIZES, sent
from tests.waiting import until

E4, E6, E5 = 4, 5, 6
"""How far down those lines are."""


async def at(stage: Stage, line: int) -> None:
    await stage.press("3", *["down"] * line)


def asks(number: int, count: int = 1) -> list[Event]:
    """So many sign-offs more, each of a run of its own."""
    teller = story.Teller()
    teller.events = story.triage()
    teller.at = teller.events[-1].at
    for index in range(number, number + count):
        story.Tale(teller, f"more-{index}", ()).queued("more")
        raised = e.EscalationRaised(f"E-{index}", "signoff", None, "ana", "And this?", ("yes", "no"))
        teller.say(f"more-{index}", raised, e.RunMoved("signoff"))
    return teller.events


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_waits_is_put_off_expires_and_was_answered(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(story.triage()), size) as stage:
        await stage.press("3")
        await stage.press(*["down"] * E4, "space")
        if size[0] > 80:
            await until(lambda: any(one.escalation == "E-6" for one in stage.app.mirror.around), "the trace around it")
            await stage.settle()
        snap.check(stage.app, f"console/inbox-triage-{size[0]}x{size[1]}")


def test_what_is_snoozed_comes_after_the_rest_and_calls_nobody() -> None:
    state = fold(story.triage())
    assert [item.id for item in waiting(state)][-1] == "E-5"
    many = replace(state.escalations["E-1"], raised_at=state.at)
    state = replace(state, escalations={name: replace(many, id=name) for name in ("E-10", "E-9")})
    assert [item.id for item in waiting(state) if item.asked] == ["E-9", "E-10"]


def test_what_waits_is_counted_by_who_is_called() -> None:
    state = fold(story.triage())
    assert need_human(state) == 5, "of seven lines one is snoozed, and one comes back by itself"
    assert [item.id for item in answered(state)] == ["E-7", "E-3"], "newest first"
    assert [item.id for item in answered(state, 1)] == ["E-7"]


async def test_a_digit_answers_from_the_list_and_says_how_to_stand_still_again() -> None:
    async with on_stage(StoryFeed(story.triage())) as stage:
        await at(stage, 0)
        await stage.press("1")
        assert await sent(stage) == [c.Answer("E-1", "go on")]
        await until(lambda: stage.app.flash is not None, "the answer is taken")
        await stage.settle()
        assert "accepted: answer E-1: go on; U pauses its run" in snap.text_of(stage.app)
        assert stage.app.chosen == "orders-etl-1", "the cursor is on the next that is open"
        await stage.press("U")
        await until(lambda: len(stage.feed.commands) == 2, "its run is paused, wherever the cursor is")
        assert stage.feed.commands[1] == c.Pause("ledger-1")


async def test_what_somebody_else_answered_first_is_not_taken_back() -> None:
    past = story.triage()
    feed = StoryFeed(past)
    async with on_stage(feed) as stage:
        await at(stage, 0)
        feed.refuse = "E-1 was answered by bo"
        await stage.press("1")
        await until(lambda: stage.app.flash is not None, "it is refused")
        seq = past[-1].seq + 1
        feed.push(Event(seq, f"{seq:026}", past[-1].at, e.EscalationAnswered("E-1", "go on", ""), "ledger-1", "bo"))
        await stage.told(seq)
        feed.refuse, feed.commands[:] = "", []
        await stage.press("U")
        assert c.Pause("ledger-1") not in feed.commands


async def test_a_digit_that_is_no_choice_goes_to_its_screen() -> None:
    async with on_stage(StoryFeed(story.triage())) as stage:
        await at(stage, 0)
        await stage.press("5")
        assert (stage.app.scope, stage.feed.commands) == ("burn", [])
        await stage.press("3", "down", "2")
        assert (stage.app.scope, stage.feed.commands) == ("run", []), "a held run offers nothing"
    async with on_stage(StoryFeed(story.triage(), role="viewer")) as stage:
        await at(stage, 0)
        await stage.press("1")
        assert (stage.app.scope, stage.feed.commands) == ("floor", [])


async def test_what_ends_a_run_asks_first() -> None:
    async with on_stage(StoryFeed(story.triage())) as stage:
        await at(stage, 0)
        await stage.press("2")
        assert "For good: ledger-1" in snap.text_of(stage.app)
        await stage.press("enter")
        assert stage.feed.commands == [], "no has the focus"
        await stage.press("2", "right", "enter")
        assert await sent(stage) == [c.Answer("E-1", "stop")]


async def test_x_refuses_where_something_refuses() -> None:
    async with on_stage(StoryFeed(story.triage())) as stage:
        await at(stage, 0)
        assert "x reject" not in snap.text_of(stage.app).splitlines()[-1]
        await stage.press("x")
        assert "E-1: it has no choice that refuses" in snap.text_of(stage.app)
        await at(stage, E4)
        assert "x reject" in snap.text_of(stage.app).splitlines()[-1]
        await stage.press("x")
        assert await sent(stage) == [c.Answer("E-4", "[N] No, go on")]


async def test_a_choice_is_given_to_all_that_are_marked_and_what_does_not_offer_it_is_named() -> None:
    feed = StoryFeed(asks(8, 2))
    async with on_stage(feed) as stage:
        await stage.press("3", "M", "end", *["up"] * 3)
        item = stage.app.screen.query_one(InboxList).item
        assert item
        assert item.asked
        assert item.asked.choices == ("yes", "no")
        await stage.press("2")
        said = snap.text_of(stage.app)
        assert "Answer no?" in said
        assert "E-8  more-8: no" in said
        assert "E-1: it does not offer that" in said
        await stage.press("right", "enter")
        await until(lambda: len(feed.commands) == 4, "an answer each")
        assert feed.commands == [c.Answer(name, "no") for name in ("E-2", "E-8", "E-9", "E-5")], "oldest first"
        await stage.settle()
        assert "accepted: 4 of 4" in snap.text_of(stage.app)
        assert "marked" not in snap.text_of(stage.app)


async def test_a_digit_asks_before_it_answers_another_question_than_the_one_that_is_read() -> None:
    feed = StoryFeed(asks(8, 2))
    async with on_stage(feed) as stage:
        await stage.press("3", "end", *["up"] * 4, "space")
        assert "1 marked" in snap.text_of(stage.app)
        marked = [item.id for item in stage.app.screen.query_one(InboxList).targets]
        read = stage.app.screen.query_one(InboxList).item
        assert read
        assert [read.id] != marked, "the cursor has gone on"
        await stage.press("2")
        assert feed.commands == []
        assert f"{marked[0]}  " in snap.text_of(stage.app)
        await stage.press("right", "enter")
        assert [one.escalation for one in await sent(stage) if isinstance(one, c.Answer)] == marked


async def test_always_is_for_what_stays_true() -> None:
    async with on_stage(StoryFeed(story.triage())) as stage:
        await at(stage, E4)
        assert "A always" not in snap.text_of(stage.app).splitlines()[-1]
        await stage.press("A")
        assert "E-4: a yes to it counts once" in snap.text_of(stage.app)
        await stage.press("down", "A")
        assert await sent(stage) == [c.ConfirmCorpus("report")]
    async with on_stage(StoryFeed(story.triage())) as stage:
        await at(stage, 1)
        await stage.press("A", *"20", "enter")
        assert await sent(stage) == [c.RaiseCap("orders-etl-1", Decimal(20))], "held for its budget"


async def test_a_held_run_is_let_try_again() -> None:
    async with on_stage(StoryFeed(story.triage())) as stage:
        await at(stage, 3)
        await stage.press("a")
        assert await sent(stage) == [c.Resume("interval-bug-1")]


async def test_snoozing_and_waking() -> None:
    feed = StoryFeed(story.triage())
    async with on_stage(feed) as stage:
        await at(stage, 0)
        await stage.press("space", "space", "u", "enter")
        assert "Until when?" in snap.text_of(stage.app)
        await stage.press("1", "enter")
        await until(lambda: len(feed.commands) == 2, "both")
        assert feed.commands == [c.Snooze(name, feed.now + 900_000) for name in ("E-1", "orders-etl-1")]
        assert stage.app.chosen == "shortlinks-1"
        await stage.press("U")
        await until(lambda: len(feed.commands) == 4, "both are taken back")
        assert feed.commands[2:] == [c.Undo("ledger-1"), c.Undo("orders-etl-1")]
        await stage.press("home", *["down"] * E5, "u")
        await until(lambda: len(feed.commands) == 5, "it wakes without a question")
        assert feed.commands[4] == c.Snooze("E-5", 0)


async def test_an_expiry_is_set_in_words_and_what_cannot_expire_is_named() -> None:
    feed = StoryFeed(story.triage())
    async with on_stage(feed) as stage:
        await at(stage, 0)
        await stage.press("E")
        assert "E-1: it has no choice that refuses" in snap.text_of(stage.app)
        await stage.press("space", "home", *["down"] * E4, "space", "E", *"later", "enter")
        assert "is no time" in snap.text_of(stage.app)
        await stage.press(*["backspace"] * 5, *"9999999999d", "enter")
        assert "is no time" in snap.text_of(stage.app), "no calendar has it"
        await stage.press(*["backspace"] * 11, *"2h", "enter")
        assert await sent(stage) == [c.SetExpiry("E-4", feed.now + 7_200_000)]
        await until(lambda: stage.app.flash is not None, "what became of it")
        await stage.settle()
        assert "accepted: 1 of 2; E-1: it has no choice that refuses" in snap.text_of(stage.app)


async def test_marks_go_by_esc_before_the_screen_does() -> None:
    async with on_stage(StoryFeed(story.triage())) as stage:
        await at(stage, 0)
        await stage.press("space")
        assert "1 marked" in snap.text_of(stage.app)
        await stage.press("escape")
        assert (stage.app.scope, "marked" in snap.text_of(stage.app)) == ("inbox", False)
        await stage.press("M", "M", "escape")
        assert stage.app.scope == "floor", "all, and then none"


async def test_the_list_is_filtered_and_marks_of_all_stay_within_it() -> None:
    async with on_stage(StoryFeed(story.triage())) as stage:
        await stage.press("3")
        pane = stage.app.screen.query_one(InboxList)
        assert pane.narrow("kind:signoff state:open !state:snoozed") == ""
        assert [item.id for item in pane.items()] == ["E-2", "E-4", "E-6"]
        await stage.press("M")
        assert "3 marked" in snap.text_of(stage.app)
        await stage.press("escape")
        for text, found in (
            ("state:expired", ["E-7"]),
            ("actor:ana", ["E-3"]),
            ("ready final", []),
            ("owner:ben yes", []),
        ):
            pane.narrow(text)
            assert [item.id for item in pane.items()] == found
        await stage.settle()
        assert "No line fits the filter" in snap.text_of(stage.app)


async def test_the_trace_around_a_question_is_read_from_the_journal() -> None:
    past = story.triage()
    async with on_stage(StoryFeed(past)) as stage:
        await at(stage, 0)
        await stage.press("tab", "tab")
        await until(lambda: bool(stage.app.mirror.around), "it is read")
        await stage.settle()
        said = snap.text_of(stage.app)
        assert "trace of ledger-1 around 14:13" in said
        assert "enters start, visit 1" in said
        assert "E-1 jam (stalled) for ana" in said
        await stage.press("tab", "down")
        assert "$9.98 of $10.00 are spent" in snap.text_of(stage.app)
        await stage.press("tab", "tab")
        await until(lambda: len(stage.app.mirror.around) == 2, "and of a held run")
        await stage.settle()
        assert "held (budget): $9.98" in snap.text_of(stage.app)
        await stage.press("enter")
        assert (stage.app.scope, stage.app.chosen) == ("run", "orders-etl-1")


async def test_what_was_forgotten_of_the_traces_around_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attached, "MOMENTS", 1)
    async with on_stage(StoryFeed(story.triage())) as stage:
        around = stage.app.mirror
        await at(stage, 0)
        await stage.press("tab", "tab")
        await until(lambda: [one.run for one in around.around] == ["ledger-1"], "it is read")
        await stage.press("tab", "down", "tab", "tab")
        await until(lambda: [one.run for one in around.around] == ["orders-etl-1"], "another is")
        await stage.press("tab", "up", "tab", "tab")
        await until(lambda: [one.run for one in around.around] == ["ledger-1"], "the first one again")


async def test_rows_and_choices_are_clicked() -> None:
    async with on_stage(StoryFeed(story.triage()), (120, 40)) as stage:
        await stage.press("3")
        rows = snap.text_of(stage.app).splitlines()
        line = next(index for index, row in enumerate(rows) if " E-2 " in row)
        await stage.pilot.click(offset=Offset(10, line + 1))
        await stage.settle()
        assert stage.app.chosen == "shortlinks-1", "its second row is its own too"
        rows = snap.text_of(stage.app).splitlines()
        line = next(index for index, row in enumerate(rows) if "2 no" in row)
        await stage.pilot.click(offset=Offset(rows[line].index("2 no"), line))
        await stage.settle()
        assert await sent(stage) == [c.Answer("E-2", "no")]
