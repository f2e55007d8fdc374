"""What a command leads to: a reason why it is refused, or the facts that follow from it at once.

Pure, apart from opening a run, which reads what people wrote. What it does to work under way is the factory's.
"""

from collections.abc import Callable, Collection

from factory_tui.domain import commands as c
from factory_tui.domain.events import (
    Draft,
    EscalationAnswered,
    FloorFrozen,
    FloorThawed,
    RunMoved,
    RunQueued,
    RunState,
)
from factory_tui.domain.identifiers import run_id
from factory_tui.domain.reducer import GOES_ON, OVER
from factory_tui.domain.state import State

CAN_RESUME: frozenset[RunState] = frozenset({"paused", "held"})
STOP = "stop"
"""The choice of an escalation that ends its run."""

Opening = Callable[[c.StartRun], "RunQueued | str"]
Judged = str | list[Draft]
"""Why not, or the facts."""


def judge(state: State, actor: str, command: c.Command, opening: Opening, worked_on: Collection[str]) -> Judged:
    """What the command leads to; a run that is `worked_on` is moved by its own task, and by no fact from here."""
    match command:
        case c.StartRun():
            opened = opening(command)
            if isinstance(opened, str):
                return opened
            return [Draft(opened, run_id(opened.seed, state.counts.get(opened.seed, 0) + 1), actor)]
        case c.Answer():
            return _answer(state, actor, command)
        case c.EmergencyStop():
            return [Draft(FloorFrozen(), actor=actor)]
        case c.Thaw():
            return [Draft(FloorThawed(), actor=actor)] if state.frozen else "the floor is not frozen"
        case c.StopEngine():
            return []
    return _move(state, actor, command, worked_on)


def _move(state: State, actor: str, command: c.Pause | c.Resume | c.Stop, worked_on: Collection[str]) -> Judged:
    run = state.runs.get(command.run)
    if run is None:
        return f"there is no run {command.run}; runs: {', '.join(state.runs) or 'none'}"
    if run.state in OVER:
        return f"{run.id} is {run.state}: it has ended"
    if isinstance(command, c.Resume):
        if run.state not in CAN_RESUME:
            return f"{run.id} is {run.state}, not paused or held"
        return [Draft(RunMoved("queued", None, f"resumed by {actor}"), run.id, actor)]
    if isinstance(command, c.Pause) and run.state not in GOES_ON:
        return f"{run.id} is {run.state} already"
    if run.id in worked_on:
        return []
    moved: RunState = "paused" if isinstance(command, c.Pause) else "stopped"
    why = "" if isinstance(command, c.Pause) else command.reason
    return [Draft(RunMoved(moved, None, why or f"by {actor}"), run.id, actor)]


def _answer(state: State, actor: str, command: c.Answer) -> Judged:
    asked = state.escalations.get(command.escalation)
    if asked is None:
        return f"there is no escalation {command.escalation}"
    if asked.answered_at:
        return f"{asked.id} was answered by {asked.answered_by}"
    run = state.runs[asked.run]
    if run.state in OVER:
        return f"{run.id} is {run.state}: it has ended, and {asked.id} with it"
    if asked.choices and command.choice not in asked.choices:
        return f"{asked.id} offers: {', '.join(asked.choices)}"
    if not command.choice and not command.text.strip():
        return "an empty answer is no answer"
    answered = EscalationAnswered(asked.id, command.choice, command.text)
    ends = asked.kind == "jam" and command.choice == STOP
    moved = RunMoved("stopped" if ends else "queued", None, f"{asked.id} was answered by {actor}")
    return [Draft(answered, run.id, actor), Draft(moved, run.id, actor)]
