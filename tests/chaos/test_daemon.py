"""The Docker engine is killed under eight runs at work: all come back by themselves, and end as if it had not been."""

import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from factory_tui.domain.events import CellClosed, RunMoved, VerdictReached
from tests.chaos.killing import PACE, SEED, all_survived, same
from tests.engine.daemon import Daemon
from tests.engine.floor import FarFloor
from tests.engine.greeter import LONG, make, slow

RUNS = 8
EVENTS = RUNS * 75
"""After which it is killed, at most; few runs have ended by then."""


@pytest.mark.chaos
@pytest.mark.docker
@pytest.mark.timeout(900)
@pytest.mark.parametrize("daemon", [True, False], indirect=True, ids=["live-restore", "no-live-restore"])
async def test_eight_runs_outlive_their_docker_engine(
    tmp_path: Path, daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(f"{SEED} daemon {daemon.live_restore}")
    workspace, playbooks = make(tmp_path, kind="docker", image=daemon.image(), playbook=slow(5), seed=LONG)
    workspace.config.write_text(workspace.config.read_text().replace("slots = 4", f"slots = {RUNS}"))
    moment = chance.randint(1, EVENTS)
    async with FarFloor(workspace, playbooks, PACE) as floor:
        floor.patience = 300.0
        started = [await floor.start() for _ in range(RUNS)]
        await floor.until(lambda state: all(state.runs[run].cells for run in started))
        await floor.until(lambda state: state.seq >= moment)
        at_work = Counter(f"{run.state} in {run.node}" for run in floor.state.runs.values())
        killed = floor.state.seq
        await daemon.kill()
        await floor.fact(RunMoved, lambda fact: fact.state == "held", after=killed)
        await daemon.start()
        over = ("shipped", "jammed", "failed")
        await floor.until(lambda state: all(state.runs[run].state in over for run in started))
        for run in await all_survived(floor, started, list(floor.events)):
            same(run)
        void = [fact.evidence for fact in floor.told(VerdictReached) if fact.satisfied is None]
        assert not void, "no verdict is made up for want of a Docker engine"
        held = {e.run for e in floor.events if isinstance(e.fact, RunMoved) and e.fact.state == "held"}
        lost = sum(fact.lost for fact in floor.told(CellClosed))
    assert daemon.containers() == []
    with capsys.disabled():
        work = ", ".join(f"{count} {what}" for what, count in sorted(at_work.items()))
        sys.stdout.write(f"\ndockerd killed after event {killed} (seed {SEED}): {work}; {len(held)} were held, ")
        sys.stdout.write(f"{lost} cells lost; {RUNS} of {RUNS} ended the same, 0 containers left\n")
