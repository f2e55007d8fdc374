"""What only a cell that outlives its engine can show."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory_tui.cells import fence
from factory_tui.domain.commands import Pause, StartRun
from factory_tui.domain.events import CellStarted, Noticed, Prompted, ToolCalled, ToolReturned
from factory_tui.engine.doctor import examine
from factory_tui.engine.premises import Finding
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import Floor
from tests.engine.greeter import make, slow

if TYPE_CHECKING:
    from docker import DockerClient


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_a_command_goes_on_while_the_engine_is_away_and_a_killed_container_is_rebuilt(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    workspace, playbooks = make(tmp_path, kind="docker", image=cell_image, playbook=slow(3))
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        called = await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
    async with Floor(workspace, playbooks) as floor:
        returned = await floor.fact(ToolReturned, after=called.seq)
        assert isinstance(returned.fact, ToolReturned)
        assert "trimmed" in returned.fact.output
        assert not floor.told(CellStarted), "the same cell"
        cell = next(iter(floor.state.runs[run].cells))
        docker_engine.containers.get(cell).kill()
        said = await floor.fact(Prompted, lambda fact: fact.origin == "recovery")
        assert isinstance(said.fact, Prompted)
        assert "as it was at the end of pass 1" in said.fact.content
        shipped = await floor.reach(run, "shipped", "held", "jammed", "failed")
        assert (shipped.state, len(shipped.passes)) == ("shipped", 2), shipped.why
    ours = f"factory-tui.workspace={workspace.identity}"
    assert not docker_engine.containers.list(all=True, filters={"label": ours})


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_the_doctor_finds_the_containers_of_a_workspace_that_is_gone(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    async def left() -> list[Finding]:
        return [finding for finding in await examine(other.root) if finding.what == "cells"]

    (tmp_path / "other").mkdir()
    other, _ = make(tmp_path / "other", kind="docker", image=cell_image)
    workspace, playbooks = make(tmp_path, kind="docker", image=cell_image)
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        await floor.fact(ToolCalled)
        await floor.command(Pause(run, now=True))
        await floor.reach(run, "paused")
        (cell,) = floor.state.runs[run].cells
    try:
        assert await left() == []
        shutil.rmtree(workspace.root)
        (finding,) = await left()
        assert not finding.well
        assert finding.found == "1 container is left of workspaces that are no longer there"
        assert finding.remedy == f"factory-tui cells rm {cell[:12]}"
    finally:
        docker_engine.containers.get(cell).remove(force=True)
    assert await left() == []


@pytest.mark.docker
async def test_an_image_without_python_holds_the_run_and_is_named_with_what_it_lacks(
    tmp_path: Path, docker_engine: "DockerClient"
) -> None:
    docker_engine.api.import_image_from_data(bytes(10240), repository="factory-tui-test", tag="bare")
    async with Floor(*make(tmp_path, kind="docker", image="factory-tui-test:bare")) as floor:
        held = await floor.reach(await floor.start(), "held", "failed")
        assert (held.state, held.reason) == ("held", "config")
        assert "the image factory-tui-test:bare has no python3" in held.why
        assert "Remedy: install Python 3.8 or newer in it" in held.why
    docker_engine.images.remove("factory-tui-test:bare", force=True)
    ours = f"factory-tui.workspace={floor.workspace.identity}"
    assert not docker_engine.containers.list(all=True, filters={"label": ours})


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_an_engine_whose_fence_has_a_hole_says_so_and_lets_no_live_model_in(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fence.options
    monkeypatch.setattr(fence, "options", lambda *given: whole(*given) | {"pids_limit": -1})
    monkeypatch.setenv("GREETER_KEY", "k")
    workspace, playbooks = make(tmp_path, kind="docker", image=cell_image)
    async with Floor(workspace, playbooks) as floor:
        with pytest.raises(RefusedError, match=r"no fence holds.*doctor --fence"):
            await floor.link.command(StartRun("greeter", ledger="live"))
        noticed = await floor.fact(Noticed, lambda fact: fact.remedy == "factory-tui doctor --fence")
        assert isinstance(noticed.fact, Noticed)
        assert "UNFENCED: processes: max is the limit" in noticed.fact.text
        await floor.start()
        started = await floor.fact(CellStarted)
        assert isinstance(started.fact, CellStarted)
        assert not started.fact.fenced, "a rehearsal goes on, and shows it"
