"""A fork: a run that begins with the output of a pass of another one. What it takes over, and what it is told of that.

A fork has an identity, a conversation, passes and caps of its own; nothing of the other run changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from factory_tui.domain import commands as c
from factory_tui.domain.events import Draft, PassBegan, Prompted, RunForked, RunQueued, SnapshotTaken
from factory_tui.domain.identifiers import run_id
from factory_tui.engine.salvage import last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_tui.domain.events import Event
    from factory_tui.domain.state import Pass, Run, State
    from factory_tui.engine.capping import Judged
    from factory_tui.engine.walk import Walk

LEFT = (
    "The work tree holds what an earlier attempt at this left in pass {number}. Look at what is there, and build on "
    "it.\n\n"
)
OTHER = (
    "The work tree holds what was made for another request. Look at what is there, and make of it what is asked for "
    "here.\n\n"
)
WANTING = "This is what that work was told in the end:\n\n"
ENDS_A_PASS = frozenset({"feedback", "checkpoint"})
"""Origins of what is said of a pass's output."""


class Like(msgspec.Struct, frozen=True):
    """What a run of the same seed takes over from another, in place of what is newest; empty: the newest."""

    loop: str
    dot: str
    revision: str


Opening = Callable[[c.StartRun, Like | None], RunQueued | str]
"""How a run is opened: the fact that it leads to, or why it cannot begin."""


def fork(state: State, run: Run, actor: str, command: c.Fork, opening: Opening) -> Judged:
    """A run of its own, whatever became of the one that it begins from."""
    found = output(run, command.number)
    if isinstance(found, str):
        return found
    if run.leaks:
        why = f"something of the vault was found on its way to the agent of {run.id}, and nobody released it"
        return f"{why}. Remedy: have an admin release it, or start a new run"
    seed = command.seed or run.seed
    start = c.StartRun(seed, "", command.model or run.model, run.ledger, run.unfenced)
    revision = "" if command.seed else found.revision
    opened = opening(start, Like(run.loop, run.dot, revision) if seed == run.seed else None)
    if isinstance(opened, str):
        return opened
    name = run_id(seed, state.counts.get(seed, 0) + 1)
    return [Draft(opened, name, actor), Draft(RunForked(run.id, found.number, found.commit), name, actor)]


def output(run: Run, number: int | None) -> Pass | str:
    """The pass of that number (None: the last one that is over, else the only one) with a snapshot, or why not."""
    made = {item.number: item for item in run.passes if item.commit}
    if not made:
        return f"{run.id} has no output of a pass yet. Remedy: wait for its first pass"
    if number is None:
        return made[max((one for one, item in made.items() if item.ended), default=max(made))]
    return made.get(number, f"{run.id} has no output of pass {number}; passes: {', '.join(map(str, made))}")


async def inherited(walk: Walk) -> tuple[str, list[dict[str, Any]]]:
    """What is said of the work that a conversation begins with: before the request, and as blocks after it.

    Of what was found wanting in it only by the very scenarios that judge this run: by others it might be the vault's.
    """
    run = walk.run
    found, of = _source(walk)
    if found is None:
        return "", []
    if of.seed != run.seed:
        return OTHER, []
    left = LEFT.format(number=found.number)
    if not found.corpus or found.corpus != run.corpus:
        return left, []
    kinds = {str(kind.__struct_config__.tag) for kind in (PassBegan, SnapshotTaken, Prompted)}
    told = _told(await walk.place.record.journal.events(run=of.id, kinds=kinds), found.number)
    return left, [{"type": "text", "text": WANTING}, *json.loads(told.content)] if told else []


def _source(walk: Walk) -> tuple[Pass | None, Run]:
    """The pass whose output the run's conversation begins with, and whose pass it is."""
    run = walk.run
    runs = [run]
    if run.forked is not None:
        runs.append(walk.place.record.state.runs[run.forked.run])
    passes = [(item, one) for one in runs for item in one.passes if item.commit and item.commit == run.base]
    return passes[0] if passes else (None, run)


def _told(events: Sequence[Event], number: int) -> Prompted | None:
    """What the agent of a pass was told of its output, if it was."""
    taken = last((e for e in events if isinstance(e.fact, SnapshotTaken) and e.fact.number == number), SnapshotTaken)
    later = [e.seq for e in events if isinstance(e.fact, PassBegan) and e.fact.number > number]
    prompts = [e for e in events if taken < e.seq < min(later, default=events[-1].seq + 1)]
    said = [e.fact for e in prompts if isinstance(e.fact, Prompted) and e.fact.origin in ENDS_A_PASS]
    return said[-1] if said else None
