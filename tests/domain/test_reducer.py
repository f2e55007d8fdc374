"""The one reducer: total, deterministic, and the same whether it folds at once, in parts or from a cached state."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from factory_tui.domain import reducer, run_reducer
from factory_tui.domain.commands import Pause, Resume, Stop
from factory_tui.domain.events import (
    AnyFact,
    CallReserved,
    CallSettled,
    CapSet,
    CommandTaken,
    CorpusConfirmed,
    CorpusRevised,
    EditMended,
    EditRefused,
    EngineStarted,
    EngineStopped,
    EscalationAnswered,
    EscalationRaised,
    Event,
    FloorFrozen,
    FloorThawed,
    LeakFound,
    LeakReleased,
    Noticed,
    PassBegan,
    RunMoved,
    RunQueued,
    SeedRevised,
    VerdictReached,
)
from factory_tui.domain.money import Tokens
from factory_tui.domain.reducer import fold, reduce
from factory_tui.domain.state import State
from tests.domain.facts import KINDS, facts, histories

OF_THE_FLOOR = (
    *(EngineStarted, EngineStopped, FloorFrozen, FloorThawed, Noticed, RunQueued),
    *(SeedRevised, CorpusRevised, CorpusConfirmed, EditRefused, EditMended, CapSet),
)


def queued(seed: str = "a") -> RunQueued:
    return RunQueued(seed, "rev", "corpus", "factory", "digraph{}", "m", "live", "ada", 0.9, 0.01, 10, 48, Decimal(5))


def told(*said: tuple[str, AnyFact]) -> State:
    return fold(Event(seq, f"id{seq}", seq * 1000, fact, run, "ada") for seq, (run, fact) in enumerate(said, 1))


@given(histories(), st.data())
def test_any_history_folds_the_same_at_once_in_parts_and_from_a_cached_state(
    history: list[Event], data: st.DataObject
) -> None:
    whole = fold(history)
    assert fold(history) == whole
    cut = data.draw(st.integers(0, len(history)))
    half = fold(history[:cut])
    before = msgspec.json.encode(half)
    assert fold(history[cut:], half) == whole
    assert msgspec.json.encode(half) == before, "a state is never changed in place"
    cached = msgspec.json.decode(before, type=State)
    assert cached == half
    assert fold(history[cut:], cached) == whole
    assert whole.seq == len(history)


@given(histories(), facts)
def test_a_fact_about_an_unknown_run_changes_only_seq_and_at(history: list[Event], fact: AnyFact) -> None:
    state = fold(history)
    answers_one = isinstance(fact, EscalationAnswered) and fact.id in state.escalations
    if isinstance(fact, OF_THE_FLOOR) or answers_one:
        return
    after = reduce(state, Event(state.seq + 1, "id", 7, fact, "unknown-9"))
    assert after == replace(state, seq=state.seq + 1, at=7)


@given(histories())
def test_reservations_and_questions_add_up(history: list[Event]) -> None:
    state = fold(history)
    for run in state.runs.values():
        assert run.burn.reserved == sum((call.money for call in run.open_calls.values()), Decimal(0))
        if run.escalation:
            assert run.escalation in state.escalations
    assert len(state.notices) <= reducer.NOTICES


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_reducer_knows_every_fact(kind: Any) -> None:
    assert (kind in reducer._ON_FLOOR) != (kind in run_reducer._ON_RUN)


def test_money_is_reserved_then_spent_on_the_runs_ledger() -> None:
    reserved = told(("a-1", queued()), ("a-1", CallReserved(1, 1, "m", "agent", Decimal("0.50"))))
    assert reserved.runs["a-1"].burn.reserved == Decimal("0.50")
    settled = CallSettled(1, 1, Tokens(10, 5), Decimal("0.20"), Decimal("0.50"), 1.0, "answered")
    state = reduce(reserved, Event(3, "id", 0, settled, "a-1"))
    run = state.runs["a-1"]
    assert (run.burn.reserved, run.burn.money, run.burn.tokens.total) == (Decimal(0), Decimal("0.20"), 15)
    assert state.burn["live"].money == Decimal("0.20")


def test_an_answer_closes_the_question_of_the_run_that_asked() -> None:
    ask = EscalationRaised("E-1", "jam", "stalled", "ada", "what now?", ("stop", "go on"))
    state = told(("a-1", queued()), ("b-1", queued("b")), ("a-1", ask))
    assert state.runs["a-1"].escalation == "E-1"
    # However the answer is addressed.
    state = reduce(state, Event(4, "id", 9, EscalationAnswered("E-1", "stop", ""), "b-1", "grace"))
    assert state.runs["a-1"].escalation == ""
    assert (state.escalations["E-1"].answer, state.escalations["E-1"].answered_by) == ("stop", "grace")


def test_a_late_answer_leaves_the_newer_question_open() -> None:
    asks = [("a-1", EscalationRaised(name, "jam", "asked", "ada", "?")) for name in ("E-1", "E-2")]
    state = told(("a-1", queued()), *asks, ("a-1", EscalationAnswered("E-1", "", "never mind")))
    assert state.runs["a-1"].escalation == "E-2"


def test_what_is_released_stays_so_however_often_it_is_found_and_the_taint_stays_with_its_passes() -> None:
    found = LeakFound("a tool's result", ("words of percent",), ("d1", "d2"))
    asked: list[tuple[str, AnyFact]] = [("a-1", queued()), ("a-1", PassBegan(1, "r")), ("a-1", found)]
    run = told(*asked).runs["a-1"]
    assert (run.leaks, run.released, run.tainted) == (("d1", "d2"), (), 1)
    asked += [("a-1", LeakReleased(("d1",))), ("a-1", PassBegan(2, "r"))]
    run = told(*asked).runs["a-1"]
    assert (run.leaks, run.released, run.tainted) == (("d2",), ("d1",), 1)
    run = told(*asked, ("a-1", found)).runs["a-1"]
    assert (run.leaks, run.released, run.tainted) == (("d2",), ("d1",), 2)


def test_a_pause_is_remembered_until_it_is_in_effect_or_taken_back() -> None:
    asked: list[tuple[str, AnyFact]] = [
        ("a-1", queued()),
        ("a-1", RunMoved("running")),
        ("a-1", CommandTaken("1", Pause("a-1"))),
    ]
    assert told(*asked).runs["a-1"].asked == Pause("a-1")
    held = [*asked, ("a-1", RunMoved("held", "disk", "full", 7)), ("a-1", RunMoved("queued"))]
    assert told(*held).runs["a-1"].asked == Pause("a-1")
    assert told(*held, ("a-1", CommandTaken("2", Resume("a-1")))).runs["a-1"].asked is None
    assert told(*asked, ("a-1", RunMoved("paused"))).runs["a-1"].asked is None


def test_nothing_that_is_asked_after_it_takes_a_stop_back() -> None:
    going: list[tuple[str, AnyFact]] = [
        ("a-1", queued()),
        ("a-1", RunMoved("running")),
        ("a-1", CommandTaken("1", Stop("a-1", "enough"))),
    ]
    assert told(*going, ("a-1", CommandTaken("2", Pause("a-1")))).runs["a-1"].asked == Stop("a-1", "enough")


def test_a_void_verdict_counts_for_nobody() -> None:
    verdicts = [("a-1", VerdictReached(1, 1, "s", "vault", 0, one, 0.5, "")) for one in (True, False, None)]
    state = told(("a-1", queued()), ("a-1", PassBegan(1, "rev")), *verdicts)
    (tally,) = state.runs["a-1"].passes[0].tallies.values()
    assert (tally.satisfied, tally.unsatisfied, tally.void) == (1, 1, 1)


def test_a_notice_is_kept_until_newer_ones_push_it_out() -> None:
    state = told(*(("", Noticed("info", str(n))) for n in range(reducer.NOTICES + 3)))
    assert [notice.text for notice in state.notices] == [str(n) for n in range(3, reducer.NOTICES + 3)]
