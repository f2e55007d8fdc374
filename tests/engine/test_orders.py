"""What a command leads to, where only a state of some rareness shows it."""

from decimal import Decimal

import pytest

from factory_tui.domain.commands import Answer, ConfirmCorpus, StartRun
from factory_tui.domain.events import CorpusConfirmed, EscalationAnswered
from factory_tui.domain.state import Escalation, Run, SeedView, State
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
    told = judge(state, "ana", ConfirmCorpus("greeter"), opening, ())
    assert any(isinstance(draft.fact, EscalationAnswered) for draft in told if not isinstance(draft, str)) == answers
    said = judge(state, "ana", Answer("E-1", "confirm", "fine"), opening, ())
    facts = [draft.fact for draft in said if not isinstance(draft, str)]
    assert EscalationAnswered("E-1", "confirm", "fine") in facts
    assert (CorpusConfirmed("greeter", "two") in facts) == answers
