"""An agent's work against the loss of its cell: what keeps it, what is gone, and what the agent is told then.

Owns when work is kept and what counts as lost. What came when in a run, its events say; it knows no loop.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

from factory_tui.agents.protocol import Prompt
from factory_tui.cells.protocol import TreeUnfit
from factory_tui.domain.events import (
    Answered,
    AnyFact,
    CellClosed,
    CellStarted,
    Event,
    NodeEntered,
    NodeLeft,
    Prompted,
    RunRestarted,
    SnapshotTaken,
    ToolCalled,
    WorkKept,
)
from factory_tui.domain.hostile import one_line
from factory_tui.engine.guarding import look_through

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from factory_tui.agents.protocol import Watch
    from factory_tui.cells.protocol import Cell, Entry
    from factory_tui.domain.state import Run
    from factory_tui.engine.walk import Walk

STEPS = 20
"""Steps after which work is kept."""
SECONDS = 60.0
"""Or so many seconds, if there was a step."""
LEAST = 10.0
"""Seconds from one keeping to the next, at least: it takes longer than 20 steps of a model that answers at once."""
ON_TREE = frozenset({"checkpoint", "tool"})
"""Types of nodes that may change the work tree without the agent."""
LOST = (
    "Your cell was lost and rebuilt{why}. The work tree is as {where}; {gone}\n\nLook at what is there, then go on "
    "until this is done:\n\n"
)
TASKS = frozenset({"seed", "feedback", "checkpoint", "reseed"})
"""Origins of what is said again to an agent whose work was lost; the rest it has heard."""
NAMED = 40
"""Calls that it is told of, the last ones."""
BRIEF = 160
"""Characters of each."""


class Safekeeper:
    """Keeps the work in one run's cell while its agent works: beside model calls, when no tool is at work."""

    def __init__(self, walk: Walk, cell: Cell, watch: Watch, events: Sequence[Event]) -> None:
        self._walk = walk
        self._cell = cell
        self._watch = watch
        safe = max(last(events, SnapshotTaken), last(events, CellStarted))
        answered = [event.fact.step for event in events if isinstance(event.fact, Answered) and event.seq < safe]
        self._step = max([*answered, *(e.fact.step for e in events if isinstance(e.fact, WorkKept))], default=0)
        self._at = time.monotonic()
        self._storing: asyncio.Task[None] | None = None

    async def beside(self, step: int) -> None:
        """Keep the work as that step left it, once it is time to; cancelled when the model has answered.

        What was read by then is stored while the agent goes on; what was not is read beside the next call.
        """
        if step <= self._step:
            return
        rest = SECONDS if step - self._step < STEPS else LEAST
        await asyncio.sleep(max(0.0, self._at + rest - time.monotonic()))
        await self.settle()
        began = time.monotonic()
        known = await asyncio.to_thread(self._walk.place.snapshots.known, self._cell.id)
        entries: list[Entry] | None
        try:
            entries = await self._cell.tree(known)
        except TreeUnfit:
            entries = None  # its agent is told when the pass ends
        self._step, self._at = step, time.monotonic()
        if entries is not None:
            self._storing = asyncio.create_task(self._store(entries, step, began))

    async def settle(self) -> None:
        """Until what was read is stored. Raises what kept it from that."""
        storing, self._storing = self._storing, None
        if storing is not None:
            await asyncio.wait([storing])  # which, cancelled, leaves it be
            storing.result()

    async def _store(self, entries: list[Entry], step: int, began: float) -> None:
        place, run, number = self._walk.place, self._walk.run, self._walk.current.number
        await look_through(self._watch, entries)
        said = f"Work of {run.id} in pass {number}, as of step {step}"
        try:
            kept = await place.snapshots.take(
                entries, cell=self._cell.id, parent=run.tree, message=said, at=place.now()
            )
        except TreeUnfit:
            return
        seconds = time.monotonic() - began
        await self._walk.scribe.record(WorkKept(number, step, kept.commit, kept.files, kept.size, seconds))


def work_is_lost(run: Run, events: Sequence[Event]) -> bool:
    """Whether work that nothing holds was done in a cell that is gone, and the agent was not told so yet."""
    started = last(events, CellStarted) if run.cells else events[-1].seq + 1
    since = _told(events)
    loop = {event.fact.node: event.fact.handler for event in events if isinstance(event.fact, NodeEntered)}
    ran = [event for event in events if isinstance(event.fact, NodeLeft) and loop.get(event.fact.node) in ON_TREE]
    after = max(since, last(events, WorkKept))
    return any(event.seq < started for event in lost_calls(events, since)) or any(
        after < event.seq < started for event in ran
    )


def lost_calls(events: Sequence[Event], since: int) -> list[Event]:
    """The agent's calls of tools after that seq that came after the work was last kept, too."""
    kept = max((event.fact.step for event in events if isinstance(event.fact, WorkKept)), default=0)
    after = max(since, last(events, SnapshotTaken))
    return [e for e in events if isinstance(e.fact, ToolCalled) and e.fact.step > kept and e.seq > after]


def recovery(run: Run, events: Sequence[Event]) -> Prompt:
    """What an agent is told whose work was lost: how the tree is, which calls are gone, and its task once more."""
    prompts = [event.fact for event in events if isinstance(event.fact, Prompted)]
    tasks = [prompt for prompt in prompts if prompt.origin in TASKS]
    due = tasks[-2:] if tasks[-1].origin == "reseed" else tasks[-1:]  # a re-seed was told with what came before it
    closed = [event.fact.why for event in events if isinstance(event.fact, CellClosed) and event.fact.lost]
    why = f" ({one_line(closed[-1]).rstrip('.')})" if closed and closed[-1] else ""
    text = LOST.format(where=_where(run), gone=_gone(lost_calls(events, _told(events))), why=why)
    blocks = [block for task in due for block in json.loads(task.content)]
    return Prompt("recovery", ({"type": "text", "text": text}, *blocks))


def _where(run: Run) -> str:
    for item in run.passes if run.tree else ():
        if run.tree == item.kept:
            return f"it was kept in pass {item.number}"
        if run.tree == item.commit:
            return f"it was at the end of pass {item.number}"
    return "it was at the very beginning"


def _gone(calls: Sequence[Event]) -> str:
    named = [event.fact for event in calls if isinstance(event.fact, ToolCalled)]
    if not named:
        return "none of your calls came after that."
    left = f"\n({len(named) - NAMED} earlier ones are left out.)" if len(named) > NAMED else ""
    listed = "".join(f"\n- {fact.tool}: {fact.brief[:BRIEF]}" for fact in named[-NAMED:])
    return f"what these calls of yours did after that is gone:{left}{listed}"


def _told(events: Sequence[Event]) -> int:
    """The seq at which the agent was last told of a loss."""
    recoveries = (event.seq for event in events if isinstance(event.fact, Prompted) and event.fact.origin == "recovery")
    return max(recoveries, default=0)


def life_of(events: Sequence[Event]) -> list[Event]:
    """Those of a run's events that came since it was last restarted."""
    began = last(events, RunRestarted)
    return [event for event in events if event.seq > began]


def last(events: Iterable[Event], kind: type[AnyFact]) -> int:
    """The seq of the last fact of that kind; 0 without one."""
    return max((event.seq for event in events if isinstance(event.fact, kind)), default=0)
