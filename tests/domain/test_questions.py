"""Which choice of a question refuses, and how long people take: of any questions whatever."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.domain import commands as c
from factory_tui.domain.events import EscalationAnswered, EscalationRaised, Event, RunQueued
from factory_tui.domain.money import DAY
from factory_tui.domain.questions import Waits, about, refusing, time_to_human
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State

NOW = 5 * DAY
QUEUED = RunQueued("s", "r", "c", "factory", "", "m", "rehearsal", "ana", 0.9, 0.01, 10, 200, None)


@pytest.mark.parametrize(
    ("choices", "no"),
    [
        (("yes", "no"), "no"),
        (("confirm", "stop"), "stop"),
        (("[Y] Ship it", "[N] No"), "[N] No"),
        (("A) Approve", "R) Reject this"), "R) Reject this"),
        (("Y - yes", "N - no, mend it"), "N - no, mend it"),
        (("No objection", "Deny"), "Deny"),
        (("no", "stop"), ""),
        (("ship", "Nobody minds", "no-brainer", "northwards"), ""),
        ((), ""),
    ],
)
def test_the_one_choice_of_a_sign_off_that_refuses(choices: tuple[str, ...], no: str) -> None:
    assert refusing("signoff", choices) == no
    assert refusing("jam", choices) == "", "a jam is an offer"


def answered(told: list[tuple[str, int, int, bool]]) -> State:
    """Questions to whom, raised so long before NOW, answered after so many milliseconds, or expired."""
    events = [Event(1, "1", 0, QUEUED, "s-1")]
    for number, (to, ago, took, expired) in enumerate(told):
        name, at = f"E-{number}", NOW - ago
        raised = EscalationRaised(name, "signoff", None, to, "well?", ("yes", "no"))
        done = EscalationAnswered(name, "no", "", expired)
        events += [Event(0, "", at, raised, "s-1"), Event(0, "", at + took, done, "s-1", "bo")]
    return fold(events)


@given(
    st.lists(
        st.tuples(st.sampled_from(["ana", "bo"]), st.integers(1, 3 * DAY), st.integers(0, 9_999), st.booleans()),
        max_size=40,
    )
)
def test_how_long_people_took_ever_in_a_day_and_each_of_them(told: list[tuple[str, int, int, bool]]) -> None:
    times = time_to_human(answered(told), NOW)
    people = [one for one in told if not one[3]]
    assert times.expired == len(told) - len(people)
    assert times.ever.answered == len(people) == sum(one.answered for one in times.owners.values())
    assert times.day.answered == sum(ago - took < DAY for _, ago, took, _ in people)
    assert set(times.owners) == {to for to, *_ in people}
    took = sorted(took / 1000 for _, _, took, _ in people)
    if not took:
        assert times.ever == Waits()
        return
    assert times.ever.median is not None
    assert times.ever.p90 in took
    assert took[0] <= times.ever.median <= times.ever.p90 <= took[-1] or len(took) < 3
    assert sum(one <= times.ever.p90 for one in took) >= math.ceil(0.9 * len(took)), "nine of ten were no later"
    assert sum(one < times.ever.p90 for one in took) < math.ceil(0.9 * len(took)), "and it is the least such time"


def test_a_command_about_a_question_is_about_the_run_that_asks() -> None:
    state = answered([("ana", 9, 1, False)])
    assert [about(state, one) for one in (c.Answer("E-0"), c.Snooze("E-0", 1), c.SetExpiry("E-0", 1))] == ["s-1"] * 3
    assert about(state, c.Snooze("s-1", 1)) == about(state, c.Pause("s-1")) == "s-1"
    assert about(state, c.Snooze("E-9", 1)) == about(state, c.Thaw()) == ""
