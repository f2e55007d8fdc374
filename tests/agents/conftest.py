from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Cell, Labels
from tests.agents.rig import Rig
from tests.model.endpoint import Endpoint


@pytest.fixture
async def docker_cell(docker_workspace: str, cell_image: str) -> AsyncIterator[Cell]:
    cells = DockerCells(connect(), docker_workspace, cell_image)
    cell = await cells.start(Labels("", "shortlinks-1", "agent"))
    yield cell
    await cell.close()
    await cells.close()


@pytest.fixture
async def cell(tmp_path: Path) -> AsyncIterator[Cell]:
    cells = ProcessCells("tests", tmp_path / "records")
    cell = await cells.start(Labels("tests", "shortlinks-1", "agent"))
    yield cell
    await cell.close()
    await cells.close()


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture
async def scripted(cell: Cell, endpoint: Endpoint) -> AsyncIterator[tuple[Rig, Endpoint]]:
    rig = Rig(cell, endpoint.url, max_steps=12, command_timeout=5.0)
    yield rig, endpoint
    await rig.door.close()
