"""SIGKILL of the engine at any moment: the run goes on as if nothing had been."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.chaos.killing import (
    MOMENTS,
    Moment,
    Survived,
    containers,
    in_a_cell_command,
    in_a_confirm,
    in_a_harness_visit,
    run_to_the_end,
)

if TYPE_CHECKING:
    from docker import DockerClient


@pytest.mark.timeout(300)
async def test_a_killed_engine_goes_on_in_process_cells(tmp_path: Path) -> None:
    survived = await run_to_the_end(tmp_path, "process", "none", in_a_confirm)
    assert survived.passes == 2
    assert survived.satisfaction is not None
    assert survived.satisfaction.share == 1.0


@pytest.mark.docker
@pytest.mark.timeout(300)
async def test_a_killed_engine_comes_back_to_its_containers(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    survived = await run_to_the_end(tmp_path, "docker", cell_image, in_a_cell_command)
    assert (survived.passes, survived.commands) == (2, 2), "the command that was under way went on"
    assert containers(docker_engine, survived.workspace) == 0


@pytest.mark.docker
@pytest.mark.timeout(300)
async def test_a_killed_engine_leaves_no_container_of_an_agent_nor_of_a_trajectory(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    survived = await run_to_the_end(tmp_path, "docker", cell_image, in_a_harness_visit)
    assert survived.passes == 2
    assert containers(docker_engine, survived.workspace) == 0


@pytest.mark.chaos
@pytest.mark.docker
@pytest.mark.timeout(1200)
async def test_killed_at_five_moments_it_ends_as_if_it_had_not_been(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def go(name: str, moment: Moment | None) -> tuple[Survived, str]:
        (tmp_path / name).mkdir()
        began = time.monotonic()
        survived = await run_to_the_end(tmp_path / name, "docker", cell_image, moment)
        left = containers(docker_engine, survived.workspace)
        assert survived.satisfaction is not None
        share = survived.satisfaction
        row = f"{name:<20} shipped  passes {survived.passes}  vault {share.satisfied}/{share.total}"
        return survived, f"{row}  containers left {left}  {time.monotonic() - began:5.1f} s"

    unkilled, row = await go("unkilled", None)
    rows = [row]
    for moment in MOMENTS:
        survived, row = await go(moment.__name__, moment)
        rows.append(row)
        assert survived.satisfaction == unkilled.satisfaction
        assert survived.passes == unkilled.passes
        assert row.count("containers left 0") == 1
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *rows, ""]))
