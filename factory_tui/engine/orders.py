"""What a command leads to: a reason why it is refused, or the facts that follow from it at once.

Pure, apart from opening a run, which reads what people wrote. What it does to work under way is the factory's.
"""

from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from factory_tui.domain import commands as c
from factory_tui.domain.events import (
    CorpusConfirmed,
    Draft,
    EscalationAnswered,
    FloorFrozen,
    FloorThawed,
    LeakReleased,
    RunMoved,
    RunReseeded,
    RunRestarted,
    RunState,
)
from factory_tui.domain.faults import against, words
from factory_tui.domain.identifiers import run_id
from factory_tui.domain.questions import CONFIRM, GO_ON, STOP
from factory_tui.domain.ratchet import below
from factory_tui.domain.state import GOES_ON, OVER, Escalation, Run, SeedView, State
from factory_tui.engine.capping import Judged, move_budget, raise_cap, set_cap
from factory_tui.engine.forking import Opening, fork, output
from factory_tui.engine.triage import triage
from factory_tui.engine.undoing import instead, undo
from factory_tui.policy.budget import UNTOLD, lost_calls

ASKS: frozenset[RunState] = frozenset({"jammed", "signoff"})
"""States that an answer ends."""
CAN_RESUME: frozenset[RunState] = frozenset({"paused", "held"})
BACK = "go back to pass "
"""The choice of a jam that has its run begin anew from the best pass, below which it has fallen; with its number."""

REPLICAS = 50
"""Runs that one command may start: each is in the state that every console is sent."""
LONGEST = 10_000
"""Characters that anything said in a command may have: the state that every console is sent holds it."""
UNHEARD = (100, 40_000)
"""How many things, and characters, may be said to a run before its agent has heard any of them."""


def ways_on(run: Run) -> tuple[str, ...]:
    """The choices of a jam that another pass may help."""
    fell = below(run)
    return (GO_ON, *([f"{BACK}{fell.number}"] if fell and len(run.passes) < run.max_passes else []), STOP)


def judge(
    state: State, actor: str, command: c.Command, opening: Opening, worked_on: Collection[str], *, now: int
) -> Judged:
    """What the command leads to at `now`, UTC ms.

    A run that is `worked_on` is moved by its own task, and by no fact from here.
    """
    if (longest := max(map(len, _words(command)), default=0)) > LONGEST:
        return f"{longest} characters are too many. Remedy: say it in at most {LONGEST}"
    match command:
        case c.StartRun():
            return _start(state, actor, command, opening)
        case c.Answer():
            return answer(state, actor, command)
        case c.Snooze() | c.SetExpiry():
            return triage(state, actor, command, now)
        case c.EmergencyStop():
            return [Draft(FloorFrozen(), actor=actor)]
        case c.Thaw():
            return [Draft(FloorThawed(), actor=actor)] if state.frozen else "the floor is not frozen"
        case c.StopEngine():
            return []
        case c.ConfirmCorpus():
            return _confirm(state, actor, command.seed)
        case c.SetCap():
            return set_cap(state, actor, command)
    run = state.runs.get(command.run)
    if run is None:
        return f"there is no run {command.run}; runs: {', '.join(state.runs) or 'none'}"
    if isinstance(command, c.OpenShell):
        return []
    if isinstance(command, c.Fork):
        return fork(state, run, actor, command, opening)
    if isinstance(command, c.Undo):
        return undo(run, actor, worked_on, now)
    if run.state in OVER:
        return f"{run.id} is {run.state}: it has ended. Remedy: {instead(run)}"
    if isinstance(run.asked, c.Restart) and isinstance(command, c.Pause | c.Escalate) and run.id in worked_on:
        return f"{run.id} begins anew in a moment; ask again then"
    match command:
        case c.Steer():
            return _steer(run, command)
        case c.Escalate():
            return f"{run.id} has asked already: {run.escalation}" if run.state in ASKS else []
        case c.Release():
            return _release(run, actor)
        case c.RaiseCap():
            return raise_cap(run, actor, command)
        case c.MoveBudget():
            return move_budget(state, run, actor, command)
        case c.SetFault():
            return _set_fault(state, run, command)
        case c.Reseed():
            return _reseed(state, run, actor, command, worked_on)
        case c.Restart():
            return _restart(state, run, actor, command.number, worked_on)
    return _move(run, actor, command, worked_on)


def _start(state: State, actor: str, command: c.StartRun, opening: Opening) -> Judged:
    """All replicas or none: they are of one revision, judged by one corpus."""
    if not 1 <= command.replicas <= REPLICAS:
        return f"{command.replicas} replicas cannot be started. Remedy: 1 to {REPLICAS} at once"
    opened = opening(command, None)
    if isinstance(opened, str):
        return opened
    first = state.counts.get(opened.seed, 0) + 1
    if command.replicas > 1:
        opened = replace(opened, group=run_id(opened.seed, first))
    return [Draft(opened, run_id(opened.seed, first + index), actor) for index in range(command.replicas)]


def _words(command: c.Command) -> list[str]:
    return [value for value in msgspec.structs.astuple(command) if isinstance(value, str)]


def _steer(run: Run, command: c.Steer) -> Judged:
    if not command.text.strip():
        return "nothing was said"
    most, characters = UNHEARD
    if len(run.said) >= most or sum(len(one.text) for one in run.said) + len(command.text) > characters:
        return f"the agent of {run.id} has not heard yet what was said before. Remedy: wait until it has, or stop it"
    return f"{run.id} waits for an answer to {run.escalation}: say it there" if run.state in ASKS else []


def _reseed(state: State, run: Run, actor: str, command: c.Reseed, worked_on: Collection[str]) -> Judged:
    newest = state.seeds[run.seed].revision if run.seed in state.seeds else run.revision
    waiting = run.reseed or run.revision
    if newest == waiting and not command.restart:
        when = "will use it from its next pass on" if run.reseed else "uses it"
        return f"seed {run.seed} is at {newest}, and {run.id} {when}"
    facts = [] if newest == waiting else [Draft(RunReseeded(newest), run.id, actor)]
    if not command.restart:
        return facts
    anew = _restart(state, run, actor, 0, worked_on)
    return anew if isinstance(anew, str) else [*facts, *anew]


def _set_fault(state: State, run: Run, command: c.SetFault) -> Judged:
    view = state.seeds.get(run.seed, SeedView(run.seed))
    known = sorted({*view.beside, *(name for name, _ in view.twins)})
    set_now = run.faults.get(command.twin)
    if command.twin not in known and set_now is None:
        return f"{run.id} has no twin {command.twin}; twins: {', '.join(known) or 'none'}"
    if command.fault and (why := against(command.fault)):
        return why
    if command.fault == (set_now.fault if set_now else ""):
        return (
            f"the twin {command.twin} of {run.id} {words(command.fault) if command.fault else 'has no fault'} already"
        )
    return []


def _release(run: Run, actor: str) -> Judged:
    if not run.leaks:
        return f"nothing of the vault that was found on its way to the agent of {run.id} waits to be released"
    released = Draft(LeakReleased(run.leaks), run.id, actor)
    if (run.state, run.reason) != ("held", "fence"):
        return [released]
    return [released, Draft(RunMoved("queued", None, f"released by {actor}"), run.id, actor)]


def _restart(
    state: State,
    run: Run,
    actor: str,
    number: int,
    worked_on: Collection[str],
    *,
    answer: EscalationAnswered | None = None,
) -> Judged:
    """`answer`: what was said to the run's question, where that is what restarts it."""
    commit = ""
    if number:
        found = output(run, number)
        if isinstance(found, str):
            return found
        commit = found.commit
    if len(run.passes) >= run.max_passes:
        return f"{run.id} has used all of its {run.max_passes} passes. Remedy: start a new run"
    if run.id in worked_on:
        return []
    said = f"{actor} restarted it from {f'pass {number}' if number else 'nothing'}"
    asked = state.escalations.get(run.escalation)
    if answer is None and asked is not None:
        answer = EscalationAnswered(asked.id, "restart", "")
    return [
        *([Draft(answer, run.id, actor)] if answer else []),
        Draft(RunRestarted(number, commit), run.id, actor),
        Draft(RunMoved("queued", None, said), run.id, actor),
    ]


def _confirm(state: State, actor: str, name: str, by: c.Answer | None = None) -> Judged:
    """Every run that waits for just this goes on; `by`: the answer to one of their questions."""
    seed = state.seeds.get(name)
    if seed is None or not seed.revision:
        return f"there is no seed `{name}`; seeds: {', '.join(state.seeds) or 'none'}"
    waiting = [
        asked
        for asked in state.escalations.values()
        if not asked.answered_at and _reviews(state.runs[asked.run], asked, name, seed.revision)
    ]
    facts = [Draft(CorpusConfirmed(name, seed.revision), actor=actor)]
    for asked in waiting:
        words = by.text if by is not None and by.escalation == asked.id else ""
        facts.append(Draft(EscalationAnswered(asked.id, CONFIRM, words), asked.run, actor))
        facts.append(Draft(RunMoved("queued", None, f"{asked.id} was answered by {actor}"), asked.run, actor))
    return facts


def _reviews(run: Run, asked: Escalation, seed: str, revision: str) -> bool:
    """Whether it asks for a review of just this revision: not a gate of the loop's own that has the same choice."""
    return run.handler == "ship" and CONFIRM in asked.choices and (run.seed, run.revision) == (seed, revision)


def _move(run: Run, actor: str, command: c.Pause | c.Resume | c.Stop, worked_on: Collection[str]) -> Judged:
    if isinstance(command, c.Resume):
        if run.state not in CAN_RESUME:
            return f"{run.id} is {run.state}, not paused or held"
        return [Draft(RunMoved("queued", None, f"resumed by {actor}"), run.id, actor)]
    if isinstance(command, c.Pause) and run.state not in GOES_ON:
        waits = run.escalation if run.state in ASKS else ""
        return f"{run.id} waits for an answer to {waits} already" if waits else f"{run.id} is {run.state} already"
    if run.id in worked_on:
        # One that changes nothing would stand before the commands that can be taken back.
        if isinstance(command, c.Pause) and isinstance(run.asked, c.Pause) and run.asked.now >= command.now:
            return f"{run.id} pauses {'now' if run.asked.now else 'after its step'} already"
        return []
    if isinstance(command, c.Pause):
        return [Draft(RunMoved("paused", None, f"paused by {actor}"), run.id, actor)]
    return [*_untold(run), Draft(RunMoved("stopped", None, stopped(actor, command.reason)), run.id, actor)]


def stopped(actor: str, reason: str) -> str:
    """Why a run is that somebody stopped."""
    return f"stopped by {actor}" + (f": {reason}" if reason else "")


def _untold(run: Run) -> list[Draft]:
    """Calls whose end there was no room to write down: settled as their run ends, as they are where it goes on."""
    return [Draft(fact, run.id) for fact in lost_calls(run, UNTOLD)]


def _offers(asked: Escalation) -> str:
    words = "; or words of your own (--text), which the agent is told" if GO_ON in asked.choices else ""
    return f"{asked.id} offers: {', '.join(asked.choices)}{words}"


def answer(state: State, actor: str, command: c.Answer, *, expired: bool = False) -> Judged:
    """What an answer leads to; `expired`: policy gives it, since nobody did."""
    asked = state.escalations.get(command.escalation)
    if asked is None:
        waiting = [run.escalation for run in state.runs.values() if run.state in ASKS and run.escalation]
        return f"there is no escalation {command.escalation}; open: {', '.join(waiting) or 'none'}"
    if asked.answered_at:
        return f"{asked.id} was answered by {asked.answered_by}"
    run = state.runs[asked.run]
    if run.state in OVER:
        return f"{run.id} is {run.state}: it has ended, and {asked.id} with it"
    if not command.choice and not command.text.strip():
        return f"an empty answer is no answer{f'; {_offers(asked)}' if asked.choices else ''}"
    # Words alone answer a jam that can go on: they are what the agent is told. Else only a choice does.
    if asked.choices and command.choice not in asked.choices and (command.choice or GO_ON not in asked.choices):
        return _offers(asked)
    answered = EscalationAnswered(asked.id, command.choice, command.text, expired)
    newest = state.seeds[run.seed].revision if run.seed in state.seeds else ""
    if command.choice == CONFIRM and _reviews(run, asked, run.seed, newest):
        return _confirm(state, actor, run.seed, command)
    if asked.kind == "jam" and command.choice.startswith(BACK):
        return _restart(state, run, actor, int(command.choice.removeprefix(BACK)), (), answer=answered)
    ends = asked.kind == "jam" and command.choice == STOP
    moved = RunMoved("stopped" if ends else "queued", None, f"{asked.id} was answered by {actor}")
    return [*(_untold(run) if ends else ()), Draft(answered, run.id, actor), Draft(moved, run.id, actor)]
