"""SIGKILL at the boundaries of events: whichever commit was an engine's last, the run ends as if nothing had been."""

import asyncio
import os
import random
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import StartRun
from factory_tui.domain.events import Event
from factory_tui.link.client import Link
from factory_tui.link.protocol import LinkError
from tests.chaos.killing import PACE, SEED, Survived, containers, same, survived
from tests.engine.floor import PATIENCE, FarFloor, python
from tests.engine.greeter import LONG, make, slow

if TYPE_CHECKING:
    from docker import DockerClient

EVENTS = 90
"""A run here has at least so many."""
DRAWN = int(os.environ.get("FACTORY_BOUNDARIES", "5"))
"""Boundaries that are tried: a user waits for a few."""
IN_DOCKER = DRAWN // 5
TIMES = 100
LASTS = 4.0
"""Seconds; about as long as a run here takes."""


async def until_it_dies(workspace: Workspace, playbooks: Path, seq: int, moment: str) -> list[Event]:
    """A run, as far as an engine comes that is killed there; what it had told by then."""
    told = ["engine", "run", "--workspace", str(workspace.root), "--rehearsals", str(playbooks)]
    engine = await python("-m", "tests.chaos.dying", str(seq), moment, *told)
    watching = asyncio.create_task(heard(engine, workspace))
    async with asyncio.timeout(PATIENCE):
        said = await engine.stdout.read() if engine.stdout else b""
        assert await engine.wait() == -signal.SIGKILL, said.decode()
        return await watching


async def heard(engine: asyncio.subprocess.Process, workspace: Workspace) -> list[Event]:
    """Start a run, and hear what comes of it, for as long as the engine lives."""
    while engine.returncode is None:
        try:
            link = await Link.connect(workspace.socket)
        except LinkError:
            await asyncio.sleep(0.01)
            continue
        with suppress(LinkError):
            await link.command(StartRun("greeter", ledger="rehearsal"))
        seen = [message async for message in link if isinstance(message, Event)]
        await link.close()
        return seen
    return []


async def killed(folder: Path, seq: int, moment: str, kind: str = "process", image: str = "none") -> Survived:
    """What becomes of a run whose engine is killed before or after the commit of that event."""
    workspace, playbooks = make(folder, kind=kind, image=image, seed=LONG)
    seen = await until_it_dies(workspace, playbooks, seq, moment)
    async with FarFloor(workspace, playbooks) as floor:
        run = next(iter(floor.state.runs), "") or await floor.start()
        return await survived(floor, run, seen)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("stratum", range(DRAWN))
async def test_whatever_commit_was_the_last_the_run_ends_the_same(stratum: int, tmp_path: Path) -> None:
    chance = random.Random(f"{SEED} {stratum}")
    seq = chance.randint(1 + stratum * EVENTS // DRAWN, (stratum + 1) * EVENTS // DRAWN)
    moment = chance.choice(["before", "after"])
    sys.stdout.write(f"FACTORY_CHAOS_SEED={SEED}: killed {moment} event {seq}\n")  # shown with a failure
    same(await killed(tmp_path, seq, moment))


@pytest.mark.docker
@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(IN_DOCKER))
async def test_in_docker_too_and_no_container_is_left(
    part: int, tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    chance = random.Random(f"{SEED} docker {part}")
    seq = chance.randint(1 + part * EVENTS // IN_DOCKER, (part + 1) * EVENTS // IN_DOCKER)
    sys.stdout.write(f"FACTORY_CHAOS_SEED={SEED}: killed after event {seq}\n")
    run = await killed(tmp_path, seq, "after", "docker", cell_image)
    same(run)
    assert containers(docker_engine, run.workspace) == 0


@pytest.mark.chaos
@pytest.mark.timeout(3600)
async def test_at_every_boundary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seq in range(1, EVENTS + 1):
        for moment in ("before", "after"):
            (folder := tmp_path / f"{seq}-{moment}").mkdir()
            same(await killed(folder, seq, moment))
    with capsys.disabled():
        sys.stdout.write(f"\n{2 * EVENTS} of {2 * EVENTS} killed runs ended the same\n")


@pytest.mark.chaos
@pytest.mark.timeout(3600)
async def test_at_random_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(SEED)
    for number in range(TIMES):
        folder = tmp_path / str(number)
        folder.mkdir()
        workspace, playbooks = make(folder, image="none", playbook=slow(1), seed=LONG)
        async with FarFloor(workspace, playbooks, PACE) as floor:
            run = await floor.start()
            ending = asyncio.create_task(floor.reach(run, "shipped", "held", "jammed", "failed"))
            await asyncio.wait([ending], timeout=chance.uniform(0.0, LASTS))
            ending.cancel()
            await asyncio.wait([ending])
            await floor.kill()
            seen = list(floor.events)
        async with FarFloor(workspace, playbooks, PACE) as floor:
            same(await survived(floor, run, seen))
    with capsys.disabled():
        sys.stdout.write(f"\n{TIMES} of {TIMES} runs killed at random times ended the same (seed {SEED})\n")
