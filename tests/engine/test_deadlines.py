"""Questions that nobody answers in time go to the next person, whoever is asked and whatever restarts."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from factory_tui.domain.commands import Answer
from factory_tui.domain.events import AnyFact, EscalationPassedOn, EscalationRaised, Event, RunMoved, RunQueued
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from factory_tui.engine import returning, serve
from factory_tui.engine.deadlines import MINUTE, Now, deadline, passed_on
from tests.engine.floor import Floor
from tests.engine.greeter import make
from tests.engine.test_runs import GATE

OWNERS = ("ana", "bo", "cy")


def asked(to: str = "ana", at: int = 1_000) -> State:
    queued = RunQueued("s", "r", "c", "factory", "", "m", "rehearsal", to, 0.9, 0.01, 10, 200, None)
    raised = EscalationRaised("E-1", "jam", "stalled", to, "what now?", ("go on", "stop"))
    told: tuple[AnyFact, ...] = (queued, raised)
    return fold(Event(n, str(n), at, fact, "s-1") for n, fact in enumerate(told, 1))


def then(state: State, *facts: AnyFact, at: int) -> State:
    told = (Event(state.seq + n, str(n), at, fact, "s-1") for n, fact in enumerate(facts, 1))
    return fold(told, state)


def always(now: int) -> Now:
    return lambda _asked: now


@given(st.permutations(OWNERS), st.sampled_from([*OWNERS, "none of them"]), st.floats(0.1, 1e4))
def test_it_goes_round_the_owners_in_their_order_and_stays_with_the_last(
    owners: list[str], first: str, minutes: float
) -> None:
    state, had, now = asked(first), [first], 1_000
    while (left := deadline(state, owners, minutes, always(now))) is not None:
        assert left == round(minutes * MINUTE), "each has as long"
        assert passed_on(state, owners, minutes, always(now + left - 1)) == []
        now += left + 5
        (draft,) = passed_on(state, owners, minutes, always(now))
        assert isinstance(draft.fact, EscalationPassedOn)
        state = then(state, draft.fact, at=now)
        had.append(state.escalations["E-1"].to)
    assert had == [first, *(name for name in owners if name != first)]
    assert state.escalations["E-1"].passed == tuple(had[:-1])


def test_what_is_answered_over_or_without_a_deadline_stays() -> None:
    state = asked()
    assert deadline(state, OWNERS, 0, always(0)) is deadline(state, ("ana",), 5, always(0)) is None
    assert deadline(then(state, RunMoved("stopped"), at=2_000), OWNERS, 5, always(0)) is None
    answered = replace(state.escalations["E-1"], answered_at=2_000)
    assert deadline(replace(state, escalations={"E-1": answered}), OWNERS, 5, always(0)) is None


def within(at: Path, minutes: float, *owners: str) -> None:
    told = at.read_text().partition("\n[policy]")[0]
    said = "".join(f"[owners.{name}]\n" for name in owners if f"[owners.{name}]" not in told)
    at.write_text(f"{told}\n{said}\n[policy]\nanswer_within = {minutes}\n")


async def test_a_question_that_waits_too_long_is_passed_on_also_when_no_engine_ran_meanwhile(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, loop=GATE)
    within(workspace.config, 0.01, "bo")
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        passed = await floor.fact(EscalationPassedOn)
        assert (passed.run, passed.actor, passed.fact) == (run, "engine", EscalationPassedOn("E-1", "bo"))
        assert floor.state.escalations["E-1"].passed == ("demo",)
    within(workspace.config, 0.01, "bo", "cy")
    async with Floor(workspace, playbooks) as floor:
        await floor.until(lambda state: state.escalations["E-1"].to == "cy")
        assert floor.state.escalations["E-1"].passed == ("demo", "bo"), "each is asked once"
        await floor.command(Answer("E-1", "yes"))
        assert floor.state.escalations["E-1"].answered_at


async def test_a_clock_that_is_set_back_makes_no_question_wait_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours, real = [0], serve.now
    monkeypatch.setattr(serve, "now", lambda: real() - hours[0] * 60 * MINUTE)
    monkeypatch.setattr(returning, "LOOK", 0.05)
    workspace, playbooks = make(tmp_path, loop=GATE)
    within(workspace.config, 0.05, "bo")
    async with Floor(workspace, playbooks) as floor:
        await floor.start()
        await floor.fact(EscalationRaised)
        hours[0] = 5
        await floor.fact(EscalationPassedOn)
