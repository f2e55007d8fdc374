"""The one reducer: `state = fold(reduce, events)`, in the engine, in every console and in `status --json`.

Pure: it reads no clock; every time in the state comes from an event.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import reduce as _fold
from typing import Any

from msgspec.structs import replace

from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.history import VISITS, Visited
from factory_tui.domain.money import DAY, Burn, begins
from factory_tui.domain.questions import about
from factory_tui.domain.run_reducer import AWAKE, SAID_SHOWN, call_key, commanded, on_pass, reduce_run
from factory_tui.domain.state import Engine, Escalation, Guidance, Notice, Run, SeedView, SetCap, State

VERSION = 28
"""Raised with every change of meaning: a cached state of another version is folded anew."""
NOTICES = 20
DIFF_SHOWN = 2_000
"""Characters of a seed's diff that the state holds; the event has all of it."""


def reduce(state: State, event: e.Event) -> State:
    """The state after one more event. A fact about an unknown run changes nothing but `seq` and `at`."""
    state = replace(state, seq=event.seq, at=event.at)
    on_floor = _ON_FLOOR.get(type(event.fact))
    if on_floor is not None:
        return on_floor(state, event, event.fact)
    run = state.runs.get(event.run)
    changed = None if run is None else reduce_run(run, event)
    if run is None or changed is None:
        return state
    state = replace(state, runs={**state.runs, changed.id: changed})
    return _remembered(state, run, event.fact) if isinstance(event.fact, e.VisitEnded) else state


def fold(events: Iterable[e.Event], state: State | None = None) -> State:
    """All events, one after the other, onto `state`."""
    return _fold(reduce, events, state or State())


def _engine_started(state: State, event: e.Event, fact: e.EngineStarted) -> State:
    return replace(
        state,
        engine=Engine(
            version=fact.version,
            pid=fact.pid,
            workspace=fact.workspace,
            cells=fact.cells,
            fenced=fact.fenced,
            why=fact.why,
            started_at=event.at,
            up=True,
            seeds=fact.seeds,
            slots=fact.slots,
        ),
    )


def _engine_stopped(state: State, _event: e.Event, _fact: e.EngineStopped) -> State:
    return replace(state, engine=replace(state.engine, up=False))


def _noticed(state: State, event: e.Event, fact: e.Noticed) -> State:
    notice = Notice(event.at, fact.level, fact.text, fact.remedy)
    return replace(state, notices=(*state.notices, notice)[-NOTICES:])


def _seed_revised(state: State, event: e.Event, fact: e.SeedRevised) -> State:
    diff = fact.diff[:DIFF_SHOWN] if fact.by_hand else ""
    others = {*state.engine.seeds} - {fact.seed}
    seeds = tuple(sorted(others | ({fact.seed} if fact.revision else set())))
    state = replace(state, engine=replace(state.engine, seeds=seeds))
    return _on_seed(state, fact.seed, revision=fact.revision, revised_at=event.at, diff=diff, beside=fact.twins)


def _on_seed(state: State, name: str, **changes: Any) -> State:
    view = replace(state.seeds.get(name, SeedView(name)), **changes)
    return replace(state, seeds={**state.seeds, name: view})


def _remembered(state: State, run: Run, ended: e.VisitEnded) -> State:
    """What its seed's scenarios were found to be, in the visit that the run was in."""
    its = run.visit
    if its is None or its.visit != ended.visit or run.seed not in state.seeds:
        return state
    done = Visited(run.id, its.number, its.visit, its.kind, run.revision, its.commit, its.tallies, its.faults)
    return _on_seed(state, run.seed, visits=(*state.seeds[run.seed].visits, done)[-VISITS:])


def _edit_mended(state: State, _event: e.Event, fact: e.EditMended) -> State:
    return replace(state, edits={file: why for file, why in state.edits.items() if file != fact.file})


def _queued(state: State, event: e.Event, fact: e.RunQueued) -> State:
    run = Run(
        id=event.run,
        seed=fact.seed,
        revision=fact.revision,
        origin=fact.revision,
        corpus=fact.corpus,
        loop=fact.loop,
        dot=fact.dot,
        model=fact.model,
        ledger=fact.ledger,
        owner=fact.owner,
        ship_at=fact.ship_at,
        alpha=fact.alpha,
        max_passes=fact.max_passes,
        max_trajectories=fact.max_trajectories,
        cap=fact.cap,
        scenarios=fact.scenarios,
        unfenced=fact.unfenced,
        stations=fact.stations,
        tracks=fact.tracks,
        limits=fact.limits,
        rungs=fact.rungs,
        group=fact.group,
        queued_at=event.at,
        moved_at=event.at,
        changed_at=event.at,
    )
    counts = {**state.counts, fact.seed: state.counts.get(fact.seed, 0) + 1}
    return replace(state, runs={**state.runs, run.id: run}, counts=counts)


def _settled(state: State, event: e.Event, fact: e.CallSettled) -> State:
    run = state.runs.get(event.run)
    if run is None:
        return state
    key = call_key(fact.step, fact.attempt)
    calls = {name: call for name, call in run.open_calls.items() if name != key}

    def spend(burn: Burn) -> Burn:
        return burn.spend(fact.tokens, fact.money, fact.unsaid, twice=fact.outcome == "possibly-paid-twice")

    reserved = sum((call.money for call in calls.values()), Decimal(0))
    changed = replace(run, burn=replace(spend(run.burn), reserved=reserved), open_calls=calls, changed_at=event.at)
    if fact.step == run.steps:
        changed = replace(changed, step_burn=spend(run.step_burn))
    if fact.purpose == "judge":
        changed = replace(changed, judging=spend(run.judging))
    if current := run.current:
        changed = on_pass(changed, current.number, lambda item: replace(item, burn=spend(item.burn)))
    day = fact.day or max(state.day, event.at // DAY)
    today = {} if begins(state.day, day, state.furthest) else state.today
    return replace(
        state,
        runs={**state.runs, run.id: changed},
        burn={**state.burn, run.ledger: spend(state.burn.get(run.ledger, Burn()))},
        day=day,
        furthest=max(state.furthest, day),
        today={**today, run.ledger: spend(today.get(run.ledger, Burn()))},
    )


def _budget_moved(state: State, event: e.Event, fact: e.BudgetMoved) -> State:
    """Runs without a cap of their own have none afterwards."""
    runs = dict(state.runs)
    if event.run not in runs:
        return state
    for name, more in ((event.run, fact.amount), (fact.origin, -fact.amount)):
        run = runs.get(name)
        if run is not None and run.cap is not None:
            runs[name] = replace(run, cap=run.cap + more, changed_at=event.at)
    return replace(state, runs=runs)


def _raised(state: State, event: e.Event, fact: e.EscalationRaised) -> State:
    run = state.runs.get(event.run)
    if run is None:
        return state
    raised = Escalation(
        fact.id,
        event.run,
        fact.kind,
        fact.jam,
        fact.to,
        fact.question[:SAID_SHOWN],
        fact.choices,
        fact.evidence,
        event.at,
        expires_at=fact.expires,
    )
    changed = replace(run, escalation=fact.id, changed_at=event.at)
    return replace(state, escalations={**state.escalations, fact.id: raised}, runs={**state.runs, run.id: changed})


def _passed_on(state: State, event: e.Event, fact: e.EscalationPassedOn) -> State:
    asked = state.escalations.get(fact.id)
    if asked is None or asked.answered_at:
        return state
    passed = replace(asked, to=fact.to, passed=(*asked.passed, asked.to), passed_at=event.at, **AWAKE)
    run = replace(state.runs[asked.run], changed_at=event.at)
    return replace(state, escalations={**state.escalations, fact.id: passed}, runs={**state.runs, run.id: run})


def _escalation_answered(state: State, event: e.Event, fact: e.EscalationAnswered) -> State:
    """The run that asked is the one that is answered; a newer question of its stays open."""
    asked = state.escalations.get(fact.id)
    if asked is None:
        return state
    shown = fact.text[:SAID_SHOWN]
    answered = replace(asked, answer=fact.choice, text=shown, answered_by=event.actor, answered_at=event.at, **AWAKE)
    answered = replace(answered, expired=fact.expired)
    run = state.runs[asked.run]
    still = "" if run.escalation == fact.id else run.escalation
    said = (Guidance(event.actor, fact.text, "answer", event.at),) if asked.kind == "jam" and fact.text else ()
    changed = replace(run, escalation=still, said=(*run.said, *said), changed_at=event.at)
    return replace(state, escalations={**state.escalations, fact.id: answered}, runs={**state.runs, run.id: changed})


def _snoozed(state: State, event: e.Event, fact: e.Snoozed) -> State:
    asked, run = state.escalations.get(fact.item), state.runs.get(event.run)
    until = {"snoozed": fact.until, "snoozed_by": event.actor} if fact.until else AWAKE
    if run is None:
        return state
    if asked is not None and asked.run == run.id and not asked.answered_at:
        return replace(state, escalations={**state.escalations, asked.id: replace(asked, **until)})
    if fact.item == run.id and run.state == "held":
        return replace(state, runs={**state.runs, run.id: replace(run, **until)})
    return state


def _expiry_set(state: State, event: e.Event, fact: e.ExpirySet) -> State:
    asked = state.escalations.get(fact.id)
    if asked is None or asked.run != event.run or asked.answered_at:
        return state
    return replace(state, escalations={**state.escalations, fact.id: replace(asked, expires_at=fact.at)})


def _commanded(state: State, event: e.Event, fact: e.CommandTaken) -> State:
    """One about a question is about the run that asked."""
    command, before = fact.command, 0
    run = state.runs.get(about(state, command) or event.run)
    if run is None:
        return state
    if isinstance(command, c.Snooze):
        before = state.escalations.get(command.item, run).snoozed
    elif isinstance(command, c.SetExpiry) and command.escalation in state.escalations:
        before = state.escalations[command.escalation].expires_at
    changed = replace(commanded(run, event, fact, before), changed_at=event.at)
    return replace(state, runs={**state.runs, run.id: changed})


_ON_FLOOR: dict[type, Callable[[State, e.Event, Any], State]] = {
    e.EngineStarted: _engine_started,
    e.EngineStopped: _engine_stopped,
    e.CommandTaken: _commanded,
    e.FloorFrozen: lambda state, event, _fact: replace(state, frozen=True, frozen_by=event.actor),
    e.FloorThawed: lambda state, _event, _fact: replace(state, frozen=False, frozen_by=""),
    e.CapSet: lambda state, _event, fact: replace(
        state, caps={**state.caps, fact.cap: SetCap(fact.amount, fact.configured)}
    ),
    e.Noticed: _noticed,
    e.SeedRevised: _seed_revised,
    e.CorpusRevised: lambda state, _event, fact: _on_seed(
        state,
        fact.seed,
        corpus=fact.corpus,
        scenarios=fact.scenarios,
        kinds=fact.kinds,
        unlabelled=fact.unlabelled,
        fixed=fact.fixed,
        twins=fact.twins,
        hosts=fact.hosts,
        fidelity=fact.fidelity,
        reviewed=fact.reviewed,
    ),
    e.CorpusConfirmed: lambda state, event, fact: _on_seed(
        state, fact.seed, confirmed=fact.revision, confirmed_by=event.actor
    ),
    e.EditRefused: lambda state, _event, fact: replace(state, edits={**state.edits, fact.file: fact.problem}),
    e.EditMended: _edit_mended,
    e.RunQueued: _queued,
    e.CallSettled: _settled,
    e.BudgetMoved: _budget_moved,
    e.EscalationRaised: _raised,
    e.EscalationPassedOn: _passed_on,
    e.EscalationAnswered: _escalation_answered,
    e.Snoozed: _snoozed,
    e.ExpirySet: _expiry_set,
}
