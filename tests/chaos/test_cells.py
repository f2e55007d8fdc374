"""Containers that are killed or removed under agents at work: rebuilt from what was kept, and each agent told once."""

import asyncio
import json
import random
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory_tui.domain.events import CellClosed, Event, Prompted, SnapshotTaken, ToolCalled, ToolReturned, WorkKept
from factory_tui.engine.salvage import BRIEF
from tests.chaos.killing import PACE, SEED, all_survived, containers, same
from tests.engine.floor import FarFloor
from tests.engine.greeter import AGAIN, DONE, LONG, TRIMS, WRITES, make
from tests.playbooks import playbook, rule, runs, speaks

if TYPE_CHECKING:
    from docker import DockerClient

RUNS = 4
NOTES = 30
"""That an agent takes in each of two passes."""
MOMENTS = [*range(1, NOTES - 1), *range(NOTES + 1, 2 * NOTES - 1)]
"""In which an agent's cell goes; more notes come after each in its pass."""
NOTE = "mkdir -p notes; touch notes/$RANDOM$RANDOM; sleep 0.5; echo noted $(ls notes | wc -l)"
WORDS = "I take a note of it, and think about it for as long as it takes to read a small work tree. " * 3
NOTING = playbook(
    "greeter",
    WRITES,
    AGAIN,
    TRIMS,
    rule("stop", rf"noted ({NOTES}|{2 * NOTES})\b", speaks("greet.py is done.")),
    rule("note", r"greet.py reads|trimmed|noted \d", speaks(WORDS), runs(NOTE)),
    DONE,
)


def begun(events: list[Event], run: str) -> int:
    """How many notes the agent of a run began to take."""
    facts = [event.fact for event in events if event.run == run]
    return sum(isinstance(fact, ToolCalled) and fact.brief == NOTE for fact in facts)


def noted(events: list[Event]) -> list[tuple[int, int, int]]:
    """Of each note that was taken: seq, step, and how many the work tree had then."""
    found = [(e, re.match(r"noted (\d+)", e.fact.output)) for e in events if isinstance(e.fact, ToolReturned)]
    return [(e.seq, e.fact.step, int(said[1])) for e, said in found if said and isinstance(e.fact, ToolReturned)]


def rebuilt(events: list[Event]) -> str:
    """From where one run's work went on; fails unless it did, and its agent was told once of just what was lost."""
    (said,) = [e for e in events if isinstance(e.fact, Prompted) and e.fact.origin == "recovery"]
    (_,) = [e for e in events if isinstance(e.fact, CellClosed) and e.fact.lost]
    shot, where, safe = 0, "it was at the very beginning", 0
    for event in events:
        if event.seq < said.seq and isinstance(event.fact, SnapshotTaken):
            shot, where, safe = event.seq, f"it was at the end of pass {event.fact.number}", 0
        elif event.seq < said.seq and isinstance(event.fact, WorkKept):
            where, safe = f"it was kept in pass {event.fact.number}", event.fact.step
    calls = [e.fact for e in events if shot < e.seq < said.seq and isinstance(e.fact, ToolCalled)]
    listed = "".join(f"\n- {fact.tool}: {fact.brief[:BRIEF]}" for fact in calls if fact.step > safe)
    assert isinstance(said.fact, Prompted)
    text = json.loads(said.fact.content)[0]["text"]
    assert f"The work tree is as {where}; what these calls of yours did after that is gone:{listed}\n\n" in text
    held = [count for seq, step, count in noted(events) if seq < shot or step <= safe]
    after = next(count for seq, _, count in noted(events) if seq > said.seq)
    assert after == max(held, default=0) + 1, "the work tree is another than the agent was told"
    return where


@pytest.mark.chaos
@pytest.mark.docker
@pytest.mark.timeout(900)
async def test_agents_whose_containers_go_are_told_what_is_lost_and_their_runs_end_the_same(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(f"{SEED} cells")
    workspace, playbooks = make(tmp_path, kind="docker", image=cell_image, playbook=NOTING, seed=LONG)
    rows = []
    async with FarFloor(workspace, playbooks, PACE) as floor:
        floor.patience = 300.0
        started = [await floor.start() for _ in range(RUNS)]
        ends = chance.sample(["killed", "removed"] * (RUNS // 2), RUNS)
        moments = [chance.choice(MOMENTS) for _ in started]
        due = {run: (ends.pop(), moment) for run, moment in zip(started, moments, strict=True)}

        def come() -> list[str]:
            return [run for run, (_, moment) in due.items() if begun(floor.events, run) >= moment]

        drawn = dict(due)
        while due:
            await floor.until(lambda _: bool(come()))
            await asyncio.sleep(chance.uniform(0.0, 0.5))  # anywhere in the command, or in what the model says next
            for run in come():
                (cell,) = [name for name, one in floor.state.runs[run].cells.items() if one.role == "agent"]
                container = docker_engine.containers.get(cell)
                end, _ = due.pop(run)
                await asyncio.to_thread(container.kill if end == "killed" else lambda: container.remove(force=True))  # noqa: B023
        over = ("shipped", "held", "jammed", "failed")
        await floor.until(lambda state: all(run.state in over for run in state.runs.values()))
        for ended in await all_survived(floor, started, list(floor.events)):
            same(ended)
        for run, (end, moment) in drawn.items():
            where = rebuilt([event for event in floor.events if event.run == run])
            rows.append(f"{run}: cell {end} in note {moment} of {2 * NOTES}, went on as {where}")
    assert containers(docker_engine, workspace.identity) == 0
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *rows, f"all {RUNS} ended the same (seed {SEED})", ""]))
