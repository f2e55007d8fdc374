"""A run whose agent meets the limits of its cell: it is told, can react, and the journal has it."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory_tui.domain.events import CellClosed, CellLacked, Prompted, ToolReturned
from factory_tui.domain.gauges import Lack, lacks
from tests.engine.floor import Floor
from tests.engine.greeter import AGAIN, DONE, TRIMS, WRITE, WRITES, make, slow
from tests.playbooks import playbook, rule, runs

if TYPE_CHECKING:
    from docker import DockerClient

HUNGRY = playbook(
    "greeter",
    rule(
        "too much",
        "greets whoever is named",
        runs("python3 -c 'x = bytearray(900 << 20)'; echo tried"),
        absent=("memory ran out", "greet.py reads"),
    ),
    rule("fill the disk", "memory ran out", runs("head -c 400000000 /dev/zero > flood")),
    rule("react", "space ran out in /work", runs(f"rm flood\n{WRITE}")),
    WRITES,
    AGAIN,
    TRIMS,
    DONE,
)


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_an_agent_that_runs_out_of_memory_and_space_is_told_and_reacts(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    del docker_engine
    workspace, playbooks = make(tmp_path, kind="docker", image=cell_image, playbook=HUNGRY)
    limits = "memory = 400\nwork = 128\ntmp = 16\n"
    workspace.config.write_text(workspace.config.read_text().replace("[cells]\n", f"[cells]\n{limits}"))
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        ended = await floor.reach(run, "shipped", "held", "jammed", "failed")
        assert ended.state == "shipped", ended.why
        told = [(fact.what, fact.limit, fact.where) for fact in floor.told(CellLacked)]
        assert told == [("memory", 400 << 20, ""), ("space", 128 << 20, "/work")]
        outputs = [fact.output for fact in floor.told(ToolReturned)]
        assert f"[{lacks(*told[0])}]\n[exit code 0]" in outputs[0]
        assert f"[{Lack('space', 128 << 20, '/work')}]\n[exit code 1]" in outputs[1]


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_an_agent_whose_cell_ended_under_it_is_told_how(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    workspace, playbooks = make(tmp_path, kind="docker", image=cell_image, playbook=slow(3))
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        await floor.until(lambda state: state.runs[run].steps == 3)
        (cell,) = floor.state.runs[run].cells
        docker_engine.containers.get(cell).kill()
        lost = await floor.fact(CellClosed, lambda fact: fact.lost)
        said = await floor.fact(Prompted, lambda fact: fact.origin == "recovery")
        assert isinstance(lost.fact, CellClosed)
        assert isinstance(said.fact, Prompted)
        how = "the cell's container ended with 137: killed from outside, or for memory"
        assert how in lost.fact.why
        assert "lost and rebuilt (" in said.fact.content
        assert f"{how}). The work tree" in said.fact.content
        shipped = await floor.reach(run, "shipped", "held", "jammed", "failed")
        assert shipped.state == "shipped", shipped.why
