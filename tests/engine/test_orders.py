"""What a command leads to, where only a state of some rareness shows it."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from factory_tui.domain.commands import Answer, ConfirmCorpus, StartRun, Stop
from factory_tui.domain.events import CorpusConfirmed, EscalationAnswered, Event
from factory_tui.domain.money import Burn
from factory_tui.domain.reducer import reduce
from factory_tui.domain.state import Escalation, OpenCall, Run, SeedView, State
from factory_tui.engine.forking import Like
from factory_tui.engine.orders import judge


def waiting(handler: str, revision: str = "two") -> State:
    """A run that asks at a node of this type, with a choice that is called `confirm`."""
    run = Run(
        *("greeter-1", "greeter", revision, "", "factory", "", "default", "rehearsal", "demo"),
        *(0.9, 0.01, 10, 200, Decimal(1), (), False, 0),
        state="signoff",
        handler=handler,
        escalation="E-1",
    )
    asked = Escalation("E-1", run.id, "signoff", None, "demo", "Well?", ("confirm", "stop"), "", 1)
    return State(runs={run.id: run}, escalations={"E-1": asked}, seeds={"greeter": SeedView("greeter", "two")})


def opening(_command: StartRun, _like: Like | None) -> str:
    return "nothing begins here"


@pytest.mark.parametrize(
    ("handler", "revision", "answers"), [("ship", "two", True), ("wait.human", "two", False), ("ship", "one", False)]
)
def test_a_confirmed_corpus_answers_what_asks_for_that_and_opens_no_other_gate(
    handler: str, revision: str, answers: bool
) -> None:
    state = waiting(handler, revision)
    told = judge(state, "ana", ConfirmCorpus("greeter"), opening, (), now=0)
    assert any(isinstance(draft.fact, EscalationAnswered) for draft in told if not isinstance(draft, str)) == answers
    said = judge(state, "ana", Answer("E-1", "confirm", "fine"), opening, (), now=0)
    facts = [draft.fact for draft in said if not isinstance(draft, str)]
    assert EscalationAnswered("E-1", "confirm", "fine") in facts
    assert (CorpusConfirmed("greeter", "two") in facts) == answers


def test_a_run_that_ends_leaves_nothing_reserved_for_a_call_whose_end_could_not_be_written_down() -> None:
    call = OpenCall(Decimal("0.25"), 700)
    held = replace(waiting("generate").runs["greeter-1"], state="held", reason="disk", open_calls={"3.1": call})
    held = replace(held, burn=Burn(reserved=call.money), escalation="")
    state = State(runs={held.id: held})
    told = judge(state, "ana", Stop(held.id), opening, (), now=0)
    for seq, draft in enumerate((draft for draft in told if not isinstance(draft, str)), 1):
        state = reduce(state, Event(seq, f"id{seq}", 1, draft.fact, held.id, draft.actor))
    run = state.runs[held.id]
    assert (run.state, run.why) == ("stopped", "stopped by ana")
    assert run.burn == Burn(money=call.money, unsaid=call.tokens, twice=call.money)
    assert run.open_calls == {}
