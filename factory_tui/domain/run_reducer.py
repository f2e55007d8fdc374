"""The part of the one reducer that changes a single run, whatever else is on the floor.

Pure, as all of the reducer; `domain.reducer` finds the run and puts it back.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.gap import gap_of
from factory_tui.domain.metadata import blank
from factory_tui.domain.money import Burn
from factory_tui.domain.state import (
    GOES_ON,
    CellView,
    Forked,
    Guidance,
    NodeTally,
    OnTwin,
    OpenCall,
    Pass,
    Run,
    Taken,
    Tally,
    Visit,
)

SAID_SHOWN = 2_000
"""Characters that the state holds of a question, of an answer, and of what an agent was told; the events have all."""
GUIDANCE = 20
"""What people said in a pass, of which the state holds the newest."""

TAKEN = 10
"""Commands about a run that the state holds, of all who give any."""

AWAKE: dict[str, Any] = {"snoozed": 0, "snoozed_by": ""}
"""What a question or a run is that calls whoever looks."""
_FURTHER = (c.Pause, c.Escalate, c.Restart, c.Stop)
"""What parks a run, the least first."""


def reduce_run(run: Run, event: e.Event) -> Run | None:
    """The run after one more event about it; None for a fact that changes no single run."""
    change = _ON_RUN.get(type(event.fact))
    return None if change is None else replace(change(run, event, event.fact), changed_at=event.at)


def commanded(run: Run, event: e.Event, fact: e.CommandTaken, before: int) -> Run:
    """The run after a command about it; `before`: the time that the command changes, as it was."""
    if isinstance(fact.command, c.OpenShell | c.Undo):  # which change nothing by themselves
        return run
    cap = run.caps.get(fact.command.name) if isinstance(fact.command, c.RaiseCap) else None
    taken = Taken(fact.id, event.actor, event.at, blank(fact.command), cap, run.reseed, before)
    return _obeyed(replace(run, taken=(*run.taken, taken)[-TAKEN:]), event, fact)


def _obeyed(run: Run, event: e.Event, fact: e.CommandTaken) -> Run:
    match fact.command:
        case c.Steer(text=text):
            return replace(run, said=(*run.said, Guidance(event.actor, text, "steer", event.at)))
        case c.RaiseCap(cap=cap, name="run_cap"):
            return replace(run, cap=cap)
        case c.RaiseCap(cap=cap, name=name):
            return replace(run, limits={**run.limits, name: cap})
        case c.Reseed(restart=True):
            return _asked(run, c.Restart(run.id))
        case c.Pause() | c.Stop() | c.Escalate() | c.Restart():
            return _asked(run, fact.command)
        case c.Resume():
            return replace(run, asked=None)
        case c.SetFault(twin=twin, fault=fault):
            others = {name: one for name, one in run.faults.items() if name != twin}
            set_now = {twin: OnTwin(fault, event.actor, event.at)} if fault else {}
            return replace(run, faults={**others, **set_now})
    return run


def _undone(run: Run, _event: e.Event, fact: e.CommandUndone) -> Run:
    undone = next((one for one in run.taken if one.id == fact.id), None)
    if undone is None:
        return run
    run = replace(run, taken=tuple(one for one in run.taken if one is not undone))
    match undone.command:
        case c.Pause() | c.Escalate() if type(run.asked) is type(undone.command):
            return replace(run, asked=None)
        case c.Resume():
            return _asked(run, c.Pause(run.id))
        case c.RaiseCap(name="run_cap"):
            return replace(run, cap=undone.cap)
        case c.RaiseCap(name=name) if undone.cap is not None:
            return replace(run, limits={**run.limits, name: undone.cap})
        case c.Steer():
            return replace(run, said=tuple(one for one in run.said if one is not unheard(run, undone)))
    return run


def unheard(run: Run, steered: Taken) -> Guidance | None:
    """What was said by that command, while the agent has not been told it."""
    said = (one for one in run.said if (one.origin, one.by, one.at) == ("steer", steered.by, steered.at))
    return next(said, None)


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
        held_by=fact.cap,
        asked=asked,
        moved_at=event.at,
        **AWAKE,
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
        at_work="",
        asked=run.asked if fact.ratchet else None,
        base=fact.commit,
        nodes={name: replace(tally, attempt=0, in_pass=0, status=None) for name, tally in run.nodes.items()},
        restarts=(*run.restarts, len(run.passes)),
        passes=tuple(replace(item, ended=True) for item in run.passes),
    )


def _forked(run: Run, _event: e.Event, fact: e.RunForked) -> Run:
    return replace(run, base=fact.commit, forked=Forked(fact.origin, fact.number, fact.commit))


def _prompted(run: Run, _event: e.Event, fact: e.Prompted) -> Run:
    run = replace(run, at_work="")  # a prompt gives up on what has not returned
    if not fact.told:
        return run
    told = tuple(replace(one, text=one.text[:SAID_SHOWN]) for one in run.said[: fact.told])
    current = run.current
    run = replace(run, said=run.said[fact.told :])
    if current is None:
        return run
    return on_pass(run, current.number, lambda item: replace(item, guidance=(*item.guidance, *told)[-GUIDANCE:]))


def _leak_found(run: Run, _event: e.Event, fact: e.LeakFound) -> Run:
    found = (one for one in (*run.leaks, *fact.digests) if one not in run.released)
    return replace(run, leaks=tuple(dict.fromkeys(found)), tainted=len(run.passes))


def _leak_released(run: Run, _event: e.Event, fact: e.LeakReleased) -> Run:
    leaks = tuple(one for one in run.leaks if one not in fact.digests)
    return replace(run, leaks=leaks, released=tuple(dict.fromkeys((*run.released, *fact.digests))))


def _pass_ended(run: Run, _event: e.Event, fact: e.PassEnded) -> Run:
    return on_pass(
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
    told = {"commit": fact.commit, "files": fact.files, "size": fact.size, "kept": ""}
    return on_pass(run, fact.number, lambda item: replace(item, **told))


def _kept(run: Run, _event: e.Event, fact: e.WorkKept) -> Run:
    return on_pass(run, fact.number, lambda item: replace(item, kept=fact.commit))


def _cell_started(run: Run, _event: e.Event, fact: e.CellStarted) -> Run:
    view = CellView(fact.cell, fact.role, fact.kind, fact.fenced, fact.image, fact.recipe)
    return replace(run, cells={**run.cells, fact.cell: view})


def _cell_closed(run: Run, _event: e.Event, fact: e.CellClosed) -> Run:
    return replace(run, cells={name: view for name, view in run.cells.items() if name != fact.cell})


def _reserved(run: Run, _event: e.Event, fact: e.CallReserved) -> Run:
    call = OpenCall(fact.money, fact.tokens, fact.purpose)
    calls = {**run.open_calls, call_key(fact.step, fact.attempt): call}
    burn = replace(run.burn, reserved=sum((one.money for one in calls.values()), Decimal(0)))
    new, current = fact.step - run.steps, run.current
    run = replace(run, open_calls=calls, burn=burn)
    if new <= 0:
        return run
    run = replace(run, steps=fact.step, step_burn=Burn())
    if current is None:
        return run
    return on_pass(run, current.number, lambda item: replace(item, steps=item.steps + new))


def _visit_began(run: Run, _event: e.Event, fact: e.VisitBegan) -> Run:
    visit = Visit(fact.visit, fact.number, fact.kind, fact.commit, fact.trajectories)
    run = replace(run, visit=visit, visits=max(run.visits, fact.visit))
    return on_pass(
        run,
        fact.number,
        lambda item: replace(item, image=fact.image, image_id=fact.image_id, judges=fact.judges),
    )


def _verdict(run: Run, _event: e.Event, fact: e.VerdictReached) -> Run:
    if run.visit is not None and run.visit.visit == fact.visit:
        seen = run.visit.tallies
        seen = {**seen, fact.scenario: _count(seen.get(fact.scenario, Tally()), fact)}
        faults = _joined(run.visit.faults, fact.faults)
        run = replace(run, visit=replace(run.visit, done=run.visit.done + 1, tallies=seen, faults=faults))
    return on_pass(
        run,
        fact.number,
        lambda item: replace(
            item,
            tallies={**item.tallies, fact.scenario: _count(item.tallies.get(fact.scenario, Tally()), fact)},
            flips=item.flips + e.Flips.of(fact.judgements, fact.dissent),
            faults=_joined(item.faults, fact.faults),
        ),
    )


def _joined(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))


def _count(tally: Tally, fact: e.VerdictReached) -> Tally:
    tally = replace(tally, faulted=tally.faulted + bool(fact.faults))
    if fact.satisfied is None:
        return replace(tally, void=tally.void + 1)
    if fact.satisfied:
        return replace(tally, satisfied=tally.satisfied + 1)
    return replace(tally, unsatisfied=tally.unsatisfied + 1, near_miss=fact.near_miss)


def _visit_ended(run: Run, _event: e.Event, fact: e.VisitEnded) -> Run:
    run = replace(run, visit=None)
    now = next((item for item in run.passes if item.number == fact.number), None)
    alike = [item for item in run.lived if now and item.number < now.number and item.alike(now) and not item.faults]
    judged = [*((item.feedback, item.vault) for item in alike), (fact.feedback, fact.vault)]
    gap = None if now and now.faults else gap_of(judged)
    return on_pass(
        run,
        fact.number,
        lambda item: replace(item, feedback=fact.feedback, vault=fact.vault, ship_low=fact.ship_low, gap=gap),
    )


def _shipped(run: Run, _event: e.Event, fact: e.Shipped) -> Run:
    return replace(run, shipped=fact.path, commit=fact.commit)


def _touched(run: Run, _event: e.Event, _fact: e.AnyFact) -> Run:
    return run


def on_pass(run: Run, number: int, change: Callable[[Pass], Pass]) -> Run:
    """The run with one of its passes changed."""
    return replace(run, passes=tuple(change(item) if item.number == number else item for item in run.passes))


def call_key(step: int, attempt: int) -> str:
    """How a run's open model calls are named."""
    return f"{step}.{attempt}"


_ON_RUN: dict[type, Callable[[Run, e.Event, Any], Run]] = {
    e.CommandUndone: _undone,
    e.RunReseeded: lambda run, _event, fact: replace(
        run, reseed="" if fact.revision == run.revision else fact.revision
    ),
    e.RunRestarted: _restarted,
    e.RunForked: _forked,
    e.RungClimbed: lambda run, _event, fact: replace(run, model=fact.model, climbed=len(run.passes)),
    e.RunMoved: _moved,
    e.LeakFound: _leak_found,
    e.LeakReleased: _leak_released,
    e.NodeEntered: _entered,
    e.NodeLeft: _left,
    e.PassBegan: _pass_began,
    e.PassEnded: _pass_ended,
    e.SnapshotTaken: _snapshot,
    e.WorkKept: _kept,
    e.CellStarted: _cell_started,
    e.CellClosed: _cell_closed,
    e.CellLacked: _touched,
    e.ImageLogged: _touched,
    e.ImageReady: _touched,
    e.Prompted: _prompted,
    e.CallReserved: _reserved,
    e.Answered: _touched,
    e.ConversationRebuilt: _touched,
    e.Disputed: _touched,
    e.ToolCalled: lambda run, _event, fact: replace(run, at_work=fact.call),
    e.ToolReturned: lambda run, _event, _fact: replace(run, at_work=""),
    e.CheckpointRan: _touched,
    e.VisitBegan: _visit_began,
    e.Judged: _touched,
    e.VerdictReached: _verdict,
    e.VisitEnded: _visit_ended,
    e.Revealed: lambda run, _event, fact: replace(run, revealed=fact.told, bits=fact.bits),
    e.Shipped: _shipped,
}
