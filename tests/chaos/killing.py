"""Killing an engine at a moment of its choosing, and asking the next one whether anything was lost."""

import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from factory_tui.domain.events import (
    Answered,
    CallReserved,
    CallSettled,
    Event,
    NodeEntered,
    Satisfaction,
    ToolCalled,
    ToolReturned,
    VerdictReached,
    VisitBegan,
)
from factory_tui.domain.state import Run
from factory_tui.journal.chain import Keys
from factory_tui.journal.verify import verify
from factory_tui.link.client import Link
from factory_tui.link.server import QUERY_LIMIT
from tests.engine.floor import FarFloor
from tests.engine.greeter import LONG, make, slow

if TYPE_CHECKING:
    from docker import DockerClient

PACE = 600.0
SEED = os.environ.get("FACTORY_CHAOS_SEED") or os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
"""What is drawn is drawn from it."""


async def in_a_model_stream(floor: FarFloor) -> None:
    await floor.frame()


async def in_a_cell_command(floor: FarFloor) -> None:
    await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)


async def in_a_harness_visit(floor: FarFloor) -> None:
    await floor.fact(VerdictReached, lambda fact: fact.number == 2 and fact.set == "vault")


async def in_a_confirm(floor: FarFloor) -> None:
    begun = await floor.fact(VisitBegan, lambda fact: fact.kind == "confirm")
    await floor.fact(VerdictReached, after=begun.seq)


async def in_a_ship(floor: FarFloor) -> None:
    await floor.fact(NodeEntered, lambda fact: fact.node == "ship")


Moment = Callable[[FarFloor], Awaitable[None]]
MOMENTS: tuple[Moment, ...] = (in_a_model_stream, in_a_cell_command, in_a_harness_visit, in_a_confirm, in_a_ship)


class Survived(NamedTuple):
    """What became of a run, and of the cells of its workspace (its identity)."""

    satisfaction: Satisfaction | None
    passes: int
    workspace: str
    commands: int
    """Tools that returned."""
    events: int


async def run_to_the_end(folder: Path, kind: str, image: str, moment: Moment | None) -> Survived:
    """A run that ships, with a kill at that moment."""
    workspace, playbooks = make(folder, kind=kind, image=image, playbook=slow(2), seed=LONG)
    workspace.config.write_text(workspace.config.read_text().replace("warm = 0", "warm = 1"))  # which it leaves behind
    seen: list[Event] = []
    async with AsyncExitStack() as engines:
        floor = await engines.enter_async_context(FarFloor(workspace, playbooks, PACE))
        run = await floor.start()
        if moment is not None:
            await moment(floor)
            await floor.kill()
            seen = list(floor.events)
            floor = await engines.enter_async_context(FarFloor(workspace, playbooks, PACE))
        return await survived(floor, run, seen)


async def survived(floor: FarFloor, run: str, seen: Sequence[Event]) -> Survived:
    """Let the run ship; fails when anything that the killed engine had told was lost, judged or paid for twice."""
    (one,) = await all_survived(floor, [run], seen)
    return one


async def all_survived(floor: FarFloor, runs: Sequence[str], seen: Sequence[Event]) -> list[Survived]:
    """The same of several runs, and that nothing is left of any."""
    ended = [await floor.reach(run, "shipped", "held", "jammed", "failed") for run in runs]
    assert [f"{run.id} {run.state}: {run.why}" for run in ended if run.state != "shipped"] == []
    events = await everything(floor.link)
    await floor.stop()
    kept = {event.seq: event for event in events}
    assert [kept[event.seq] for event in seen] == list(seen), "something acknowledged was lost"
    workspace = floor.workspace
    assert not list((workspace.state / "cells").glob("*.json")), "cells were left"
    assert verify(workspace.state, Keys(workspace.keys, workspace.identity)).damage is None
    return [what_became_of(run, events, workspace.identity) for run in ended]


def what_became_of(run: Run, events: Sequence[Event], workspace: str) -> Survived:
    """Of a run that ended; fails when it was paid for twice beyond its call in flight, or judged twice."""
    facts = [event.fact for event in events if event.run == run.id]
    answers = Counter(fact.step for fact in facts if isinstance(fact, Answered))
    settled = [fact for fact in facts if isinstance(fact, CallSettled)]
    assert set(answers.values()) == {1}, "a step was answered twice"
    assert sorted(fact.step for fact in settled if fact.outcome == "answered") == sorted(answers), "paid twice"
    asked = Counter(fact.step for fact in facts if isinstance(fact, CallReserved))
    in_flight = Counter(fact.step for fact in settled if fact.outcome == "possibly-paid-twice")
    assert asked - Counter(answers.keys()) == in_flight, "asked again for more than what was in flight"
    assert in_flight.total() <= 1
    verdicts = [fact for fact in facts if isinstance(fact, VerdictReached)]
    assert len({(one.visit, one.scenario, one.index) for one in verdicts}) == len(verdicts), "a verdict counted twice"
    returned = sum(isinstance(fact, ToolReturned) for fact in facts)
    vault = run.current.vault if run.current else None
    return Survived(vault, len(run.passes), workspace, returned, events[-1].seq)


def same(one: Survived) -> None:
    """As it ends without a kill."""
    assert one.satisfaction is not None
    assert (one.satisfaction.satisfied, one.satisfaction.total, one.passes) == (16, 16, 2)


async def everything(link: Link) -> list[Event]:
    """Every event of the journal, in order."""
    events: list[Event] = []
    while older := await link.events(None, events[0].seq if events else None, QUERY_LIMIT):
        events[:0] = older
    return events


def containers(client: "DockerClient", workspace: str) -> int:
    """How many containers of a workspace there are."""
    return len(client.containers.list(all=True, filters={"label": f"factory-tui.workspace={workspace}"}))
