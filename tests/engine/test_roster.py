"""Which cells are up and what each uses, as an engine tells those who ask, and nobody else."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory_tui.domain.events import ToolCalled, VisitBegan
from factory_tui.domain.live import LiveCell
from tests.engine.floor import Floor
from tests.engine.greeter import PLAYBOOK, make
from tests.waiting import until

if TYPE_CHECKING:
    from docker import DockerClient

SLOW = PLAYBOOK.replace("echo trimmed", "head -c 20000000 /dev/zero > big; sleep 4; rm big; echo trimmed")


def cells(floor: Floor, role: str) -> list[LiveCell]:
    return [frame for frame in floor.frames if isinstance(frame, LiveCell) and frame.role == role]


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_who_watches_a_run_is_told_of_its_cells_until_they_are_gone(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    del docker_engine
    async with Floor(*make(tmp_path, kind="docker", image=cell_image, playbook=SLOW)) as floor:
        run = await floor.start()
        await floor.fact(ToolCalled)
        (agent,) = await floor.link.watch(run)
        assert (agent.run, agent.role, agent.kind, agent.fenced, agent.up) == (run, "agent", "docker", True, True)
        assert list(floor.state.runs[run].cells) == [agent.cell]
        await floor.until(
            lambda _: any(one.gauge is not None and one.gauge.work >= 20_000_000 for one in cells(floor, "agent"))
        )
        assert await floor.link.watch("another-1") == ()
        ended = await floor.reach(run, "shipped", "held", "jammed", "failed")
        assert ended.state == "shipped", ended.why
        assert not [one for one in cells(floor, "trajectory") if one.number == 2], "nobody watched by then"


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_trajectories_are_told_of_with_their_pass_and_end(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    del docker_engine
    async with Floor(*make(tmp_path, kind="docker", image=cell_image)) as floor:
        await floor.link.watch(None)
        run = await floor.start()
        await floor.fact(VisitBegan)
        await floor.reach(run, "shipped", "held", "jammed", "failed")
        told = cells(floor, "trajectory")
        assert {one.number for one in told} == {1, 2}
        came = {one.cell for one in told if one.up and one.gauge and one.gauge.memory}
        assert len(came) > 4
        await until(lambda: came <= {one.cell for one in cells(floor, "trajectory") if not one.up}, "each has gone")
        assert await floor.link.watch(None) == ()


async def test_a_process_cell_is_on_the_list_and_measures_nothing(tmp_path: Path) -> None:
    slow = PLAYBOOK.replace("echo trimmed", "sleep 2; echo trimmed")
    async with Floor(*make(tmp_path, playbook=slow)) as floor:
        run = await floor.start()
        await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
        (agent,) = await floor.link.watch(run)
        assert (agent.kind, agent.fenced, agent.gauge) == ("process", False, None)
