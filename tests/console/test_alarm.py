"""Calling a human: for what is new since attaching, not more than once in ten seconds, in clean text."""

import pytest

from factory_tui.config.settings import UiTable
from factory_tui.console.alarm import Alarm, sequence
from factory_tui.domain import events as e
from factory_tui.domain.events import AnyFact, Event
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import on_stage
from tests.waiting import until

MIDDLE = story.until(e.VerdictReached, "shortlinks-1", 45)


def asks(number: int, run: str, question: str = "Half up?") -> tuple[AnyFact, ...]:
    return (
        e.EscalationRaised(f"E-{number}", "jam", "stalled", "ana", question, ("go on", "stop")),
        e.RunMoved("jammed", None, question),
    )


def then(state: State, run: str, *facts: AnyFact) -> State:
    at = state.at + 1
    return fold([Event(state.seq + n, f"t{state.seq + n}", at, fact, run) for n, fact in enumerate(facts, 1)], state)


def test_what_waited_at_attaching_is_no_news() -> None:
    alarm = Alarm()
    assert alarm.look(fold(story.waits()), 0) == ""
    assert alarm.look(fold(story.waits()), 60) == ""


def test_a_new_question_is_said_once() -> None:
    alarm, state = Alarm(), fold(MIDDLE)
    assert alarm.look(state, 0) == ""
    state = then(state, "orders-etl-1", *asks(1, "orders-etl-1"))
    assert alarm.look(state, 1) == "orders-etl-1 asks ana: Half up?"
    assert alarm.look(state, 100) == ""


def test_a_question_that_is_passed_on_is_news() -> None:
    alarm, state = Alarm(), then(fold(MIDDLE), "orders-etl-1", *asks(1, "orders-etl-1"))
    assert alarm.look(state, 0) == ""
    state = then(state, "orders-etl-1", e.EscalationPassedOn("E-1", "ben"))
    assert alarm.look(state, 20) == "orders-etl-1 asks ben: Half up?"


def test_what_is_snoozed_calls_nobody_until_it_wakes() -> None:
    alarm, state = Alarm(), then(fold(MIDDLE), "orders-etl-1", *asks(1, "orders-etl-1"))
    alarm.look(fold(MIDDLE), 0)
    state = then(state, "orders-etl-1", e.Snoozed("E-1", state.at + 60_000))
    assert alarm.look(state, 1) == "", "it is put off before anybody was called"
    state = then(state, "orders-etl-1", e.Snoozed("E-1", 0))
    assert alarm.look(state, 60) == "orders-etl-1 asks ana: Half up?"
    state = then(state, "orders-etl-1", e.Snoozed("E-1", state.at + 60_000))
    assert alarm.look(state, 80) == ""
    state = then(state, "orders-etl-1", e.EscalationPassedOn("E-1", "ben"))
    assert alarm.look(state, 100) == "orders-etl-1 asks ben: Half up?", "another one's snooze is not theirs"


def test_a_run_that_is_held_for_good_is_said_and_one_that_comes_back_is_not() -> None:
    alarm, state = Alarm(), fold(MIDDLE)
    alarm.look(state, 0)
    state = then(state, "shortlinks-1", e.RunMoved("held", "provider", "529", state.at + 60_000))
    assert alarm.look(state, 1) == ""
    state = then(state, "orders-etl-1", e.RunMoved("held", "budget", "$10.00 is spent"))
    assert alarm.look(state, 20) == "orders-etl-1 is held (budget): $10.00 is spent"
    state = then(state, "orders-etl-1", e.RunMoved("running"), e.RunMoved("held", "budget", "again"))
    state = then(state, "orders-etl-1", e.RunMoved("running"), e.RunMoved("held", "budget", "again"))
    assert "again" in alarm.look(state, 40), "held anew is news"


def test_what_comes_within_ten_seconds_is_said_in_one() -> None:
    alarm, state = Alarm(), fold(story.waits())
    alarm.look(state, 0)
    for number, run in enumerate(("ledger-1", "hello-1", "orders-etl-1", "shortlinks-1"), 7):
        state = then(state, run, *asks(number, run))
        said = alarm.look(state, number - 6)
        assert bool(said) == (run == "ledger-1")
    assert alarm.look(state, 10.9) == ""
    assert alarm.look(state, 11.1) == "3 runs need you"


def test_what_was_answered_meanwhile_needs_nobody() -> None:
    alarm, state = Alarm(), fold(MIDDLE)
    alarm.look(state, 0)
    state = then(state, "orders-etl-1", *asks(1, "orders-etl-1"))
    assert alarm.look(state, 1)
    state = then(state, "shortlinks-1", *asks(2, "shortlinks-1"))
    assert alarm.look(state, 2) == ""
    state = then(state, "shortlinks-1", e.EscalationAnswered("E-2", "go on", ""))
    assert alarm.look(state, 30) == ""


@pytest.mark.parametrize(
    ("bell", "notify", "written"),
    [
        (True, "osc9", "\x07\x1b]9;a, b\x1b\\"),
        (True, "osc777", "\x07\x1b]777;notify;factory-tui;a, b\x1b\\"),
        (True, "none", "\x07"),
        (False, "none", ""),
    ],
)
def test_what_is_written(bell: bool, notify: str, written: str) -> None:
    assert sequence("a; b", bell, notify) == written


def test_a_question_ends_no_escape_sequence() -> None:
    written = sequence("x\x1b\\\x1b]52;c;cm0=\x07\x9cy\n" * 99, bell=False, notify="osc9")
    assert written.count("\x1b") == 2
    assert "\x07" not in written
    assert "\x9c" not in written
    assert len(written) < 140


async def test_the_console_calls_when_a_run_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_stage(StoryFeed(MIDDLE), ui=UiTable(notify="none")) as stage:
        said: list[str] = []
        monkeypatch.setattr(stage.app, "call_human", said.append)
        last = MIDDLE[-1]
        facts = asks(1, "orders-etl-1")
        stage.feed.push(
            *(Event(last.seq + n, f"x{n}", last.at, fact, "orders-etl-1") for n, fact in enumerate(facts, 1))
        )
        await until(lambda: any(said), "the alarm")
        assert [one for one in said if one] == ["orders-etl-1 asks ana: Half up?"]
