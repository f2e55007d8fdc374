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
from factory_tui.domain.money import Burn
from factory_tui.domain.state import (
    CellView,
    Engine,
    Escalation,
    Guidance,
    NodeTally,
    Notice,
    Pass,
    Run,
    SeedView,
    State,
    Tally,
    Visit,
)

VERSION = 7
"""Raised with every change of meaning: a cached state of another version is folded anew."""
NOTICES = 20
DIFF_SHOWN = 2_000
"""Characters of a seed's diff that the state holds; the event has all of it."""
SAID_SHOWN = 2_000
"""Characters that the state holds of a question, of an answer, and of what an agent was told; the events have all."""
GUIDANCE = 20
"""What people said in a pass, of which the state holds the newest."""
OVER: frozenset[e.RunState] = frozenset({"shipped", "stopped", "failed"})
"""States that a run does not leave."""
GOES_ON: frozenset[e.RunState] = frozenset({"queued", "running"})
"""States that go on by themselves as soon as there is a slot."""

_FURTHER = (c.Pause, c.Escalate, c.Restart, c.Stop)
"""What parks a run, the least first."""


def reduce(state: State, event: e.Event) -> State:
    """The state after one more event. A fact about an unknown run changes nothing but `seq` and `at`."""
    state = replace(state, seq=event.seq, at=event.at)
    on_floor = _ON_FLOOR.get(type(event.fact))
    if on_floor is not None:
        return on_floor(state, event, event.fact)
    run = state.runs.get(event.run)
    on_run = _ON_RUN.get(type(event.fact))
    if run is None or on_run is None:
        return state
    changed = replace(on_run(run, event, event.fact), changed_at=event.at)
    return replace(state, runs={**state.runs, run.id: changed})


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
        ),
    )


def _engine_stopped(state: State, _event: e.Event, _fact: e.EngineStopped) -> State:
    return replace(state, engine=replace(state.engine, up=False))


def _noticed(state: State, event: e.Event, fact: e.Noticed) -> State:
    notice = Notice(event.at, fact.level, fact.text, fact.remedy)
    return replace(state, notices=(*state.notices, notice)[-NOTICES:])


def _seed_revised(state: State, event: e.Event, fact: e.SeedRevised) -> State:
    diff = fact.diff[:DIFF_SHOWN] if fact.by_hand else ""
    seeds = tuple(sorted({*state.engine.seeds, fact.seed}))
    state = replace(state, engine=replace(state.engine, seeds=seeds))
    return _on_seed(state, fact.seed, revision=fact.revision, revised_at=event.at, diff=diff)


def _on_seed(state: State, name: str, **changes: Any) -> State:
    view = replace(state.seeds.get(name, SeedView(name)), **changes)
    return replace(state, seeds={**state.seeds, name: view})


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
    calls = {name: money for name, money in run.open_calls.items() if name != key}
    burn = replace(run.burn.spend(fact.tokens, fact.money), reserved=sum(calls.values(), Decimal(0)))
    changed = replace(run, burn=burn, open_calls=calls, changed_at=event.at)
    if current := run.current:
        spent = current.burn.spend(fact.tokens, fact.money)
        changed = _on_pass(changed, current.number, lambda item: replace(item, burn=spent))
    total = state.burn.get(run.ledger, Burn()).spend(fact.tokens, fact.money)
    return replace(state, runs={**state.runs, run.id: changed}, burn={**state.burn, run.ledger: total})


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
    )
    changed = replace(run, escalation=fact.id, changed_at=event.at)
    return replace(state, escalations={**state.escalations, fact.id: raised}, runs={**state.runs, run.id: changed})


def _escalation_answered(state: State, event: e.Event, fact: e.EscalationAnswered) -> State:
    """The run that asked is the one that is answered; a newer question of its stays open."""
    asked = state.escalations.get(fact.id)
    if asked is None:
        return state
    shown = fact.text[:SAID_SHOWN]
    answered = replace(asked, answer=fact.choice, text=shown, answered_by=event.actor, answered_at=event.at)
    run = state.runs[asked.run]
    still = "" if run.escalation == fact.id else run.escalation
    said = (Guidance(event.actor, fact.text, "answer", event.at),) if asked.kind == "jam" and fact.text else ()
    changed = replace(run, escalation=still, said=(*run.said, *said), changed_at=event.at)
    return replace(state, escalations={**state.escalations, fact.id: answered}, runs={**state.runs, run.id: changed})


def _commanded(run: Run, event: e.Event, fact: e.CommandTaken) -> Run:
    match fact.command:
        case c.Steer(text=text):
            return replace(run, said=(*run.said, Guidance(event.actor, text, "steer", event.at)))
        case c.RaiseCap(cap=cap):
            return replace(run, cap=cap)
        case c.Reseed(restart=True):
            return _asked(run, c.Restart(run.id))
        case c.Pause() | c.Stop() | c.Escalate() | c.Restart():
            return _asked(run, fact.command)
        case c.Resume():
            return replace(run, asked=None)
    return run


def _asked(run: Run, command: c.Pause | c.Stop | c.Escalate | c.Restart) -> Run:
    """What goes furthest stands, whatever is asked after it: a pause must not make a question be forgotten."""
    if run.asked is not None and _FURTHER.index(type(run.asked)) > _FURTHER.index(type(command)):
        return run
    return replace(run, asked=command if run.state in GOES_ON else None)


def _moved(run: Run, event: e.Event, fact: e.RunMoved) -> Run:
    asked = run.asked if fact.state in GOES_ON or fact.state == "held" else None
    return replace(
        run,
        state=fact.state,
        reason=fact.reason,
        why=fact.why,
        retry_at=fact.retry_at,
        asked=asked,
        moved_at=event.at,
    )


def _entered(run: Run, _event: e.Event, fact: e.NodeEntered) -> Run:
    tally = run.nodes.get(fact.node, NodeTally())
    tally = replace(tally, visits=fact.visit, attempt=fact.attempt, in_pass=tally.in_pass + 1)
    return replace(run, node=fact.node, handler=fact.handler, nodes={**run.nodes, fact.node: tally})


def _left(run: Run, _event: e.Event, fact: e.NodeLeft) -> Run:
    tally = run.nodes.get(fact.node, NodeTally())
    tally = replace(tally, seconds=tally.seconds + fact.seconds, status=fact.remembered or tally.status)
    return replace(run, nodes={**run.nodes, fact.node: tally}, context={**run.context, **fact.context})


def _pass_began(run: Run, event: e.Event, fact: e.PassBegan) -> Run:
    return replace(
        run,
        passes=(*run.passes, Pass(fact.number, fact.revision, began_at=event.at, corpus=fact.corpus or run.corpus)),
        revision=fact.revision,
        corpus=fact.corpus or run.corpus,
        scenarios=fact.scenarios or run.scenarios,
        reseed="" if run.reseed == fact.revision else run.reseed,
        nodes={name: replace(tally, in_pass=0) for name, tally in run.nodes.items()},
    )


def _restarted(run: Run, _event: e.Event, fact: e.RunRestarted) -> Run:
    """Passes go on counting; the one under way ends as it is, and the walk begins at the start."""
    return replace(
        run,
        node="",
        handler="",
        context={},
        visit=None,
        asked=None,
        base=fact.commit,
        nodes={name: replace(tally, attempt=0, in_pass=0, status=None) for name, tally in run.nodes.items()},
        restarts=(*run.restarts, len(run.passes)),
        passes=tuple(replace(item, ended=True) for item in run.passes),
    )


def _prompted(run: Run, _event: e.Event, fact: e.Prompted) -> Run:
    if not fact.told:
        return run
    told = tuple(replace(one, text=one.text[:SAID_SHOWN]) for one in run.said[: fact.told])
    current = run.current
    run = replace(run, said=run.said[fact.told :])
    if current is None:
        return run
    return _on_pass(run, current.number, lambda item: replace(item, guidance=(*item.guidance, *told)[-GUIDANCE:]))


def _pass_ended(run: Run, _event: e.Event, fact: e.PassEnded) -> Run:
    return _on_pass(
        run,
        fact.number,
        lambda item: replace(
            item,
            commit=fact.commit,
            feedback=fact.feedback,
            vault=fact.vault,
            ship_low=fact.ship_low,
            ended=True,
        ),
    )


def _snapshot(run: Run, _event: e.Event, fact: e.SnapshotTaken) -> Run:
    return _on_pass(run, fact.number, lambda item: replace(item, commit=fact.commit, files=fact.files, size=fact.size))


def _cell_started(run: Run, _event: e.Event, fact: e.CellStarted) -> Run:
    return replace(run, cells={**run.cells, fact.cell: CellView(fact.cell, fact.role, fact.kind, fact.fenced)})


def _cell_closed(run: Run, _event: e.Event, fact: e.CellClosed) -> Run:
    return replace(run, cells={name: view for name, view in run.cells.items() if name != fact.cell})


def _reserved(run: Run, _event: e.Event, fact: e.CallReserved) -> Run:
    calls = {**run.open_calls, call_key(fact.step, fact.attempt): fact.money}
    burn = replace(run.burn, reserved=sum(calls.values(), Decimal(0)))
    new, current = fact.step - run.steps, run.current
    run = replace(run, open_calls=calls, burn=burn, steps=max(run.steps, fact.step))
    if new <= 0 or current is None:
        return run
    return _on_pass(run, current.number, lambda item: replace(item, steps=item.steps + new))


def _visit_began(run: Run, _event: e.Event, fact: e.VisitBegan) -> Run:
    visit = Visit(fact.visit, fact.number, fact.kind, fact.commit, fact.trajectories)
    return replace(run, visit=visit, visits=max(run.visits, fact.visit))


def _verdict(run: Run, _event: e.Event, fact: e.VerdictReached) -> Run:
    if run.visit is not None and run.visit.visit == fact.visit:
        run = replace(run, visit=replace(run.visit, done=run.visit.done + 1))
    return _on_pass(
        run,
        fact.number,
        lambda item: replace(
            item, tallies={**item.tallies, fact.scenario: _count(item.tallies.get(fact.scenario, Tally()), fact)}
        ),
    )


def _count(tally: Tally, fact: e.VerdictReached) -> Tally:
    if fact.satisfied is None:
        return replace(tally, void=tally.void + 1)
    if fact.satisfied:
        return replace(tally, satisfied=tally.satisfied + 1)
    return replace(tally, unsatisfied=tally.unsatisfied + 1, near_miss=fact.near_miss)


def _visit_ended(run: Run, _event: e.Event, fact: e.VisitEnded) -> Run:
    run = replace(run, visit=None)
    return _on_pass(
        run,
        fact.number,
        lambda item: replace(item, feedback=fact.feedback, vault=fact.vault, ship_low=fact.ship_low),
    )


def _shipped(run: Run, _event: e.Event, fact: e.Shipped) -> Run:
    return replace(run, shipped=fact.path, commit=fact.commit)


def _touched(run: Run, _event: e.Event, _fact: e.AnyFact) -> Run:
    return run


def _on_pass(run: Run, number: int, change: Callable[[Pass], Pass]) -> Run:
    return replace(run, passes=tuple(change(item) if item.number == number else item for item in run.passes))


def call_key(step: int, attempt: int) -> str:
    """How a run's open model calls are named."""
    return f"{step}.{attempt}"


_ON_FLOOR: dict[type, Callable[[State, e.Event, Any], State]] = {
    e.EngineStarted: _engine_started,
    e.EngineStopped: _engine_stopped,
    e.FloorFrozen: lambda state, event, _fact: replace(state, frozen=True, frozen_by=event.actor),
    e.FloorThawed: lambda state, _event, _fact: replace(state, frozen=False, frozen_by=""),
    e.Noticed: _noticed,
    e.SeedRevised: _seed_revised,
    e.CorpusRevised: lambda state, _event, fact: _on_seed(
        state, fact.seed, corpus=fact.corpus, scenarios=fact.scenarios, kinds=fact.kinds
    ),
    e.CorpusConfirmed: lambda state, event, fact: _on_seed(
        state, fact.seed, confirmed=fact.revision, confirmed_by=event.actor
    ),
    e.EditRefused: lambda state, _event, fact: replace(state, edits={**state.edits, fact.file: fact.problem}),
    e.EditMended: _edit_mended,
    e.RunQueued: _queued,
    e.CallSettled: _settled,
    e.EscalationRaised: _raised,
    e.EscalationAnswered: _escalation_answered,
}
_ON_RUN: dict[type, Callable[[Run, e.Event, Any], Run]] = {
    e.CommandTaken: _commanded,
    e.RunReseeded: lambda run, _event, fact: replace(
        run, reseed="" if fact.revision == run.revision else fact.revision
    ),
    e.RunRestarted: _restarted,
    e.RunMoved: _moved,
    e.NodeEntered: _entered,
    e.NodeLeft: _left,
    e.PassBegan: _pass_began,
    e.PassEnded: _pass_ended,
    e.SnapshotTaken: _snapshot,
    e.CellStarted: _cell_started,
    e.CellClosed: _cell_closed,
    e.Prompted: _prompted,
    e.CallReserved: _reserved,
    e.Answered: _touched,
    e.ToolCalled: _touched,
    e.ToolReturned: _touched,
    e.CheckpointRan: _touched,
    e.VisitBegan: _visit_began,
    e.VerdictReached: _verdict,
    e.VisitEnded: _visit_ended,
    e.Shipped: _shipped,
}
