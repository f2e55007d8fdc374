"""The ground, one for each worker: starting cells is what these tests would wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.protocol import MIB, CellLimits
from tests.fence.ground import Ground

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

LIMITS = CellLimits(memory=256 * MIB, pids=64, work_bytes=32 * MIB, work_inodes=3000, tmp_bytes=16 * MIB)


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def ground(
    docker_workspace: str, cell_image: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ground]:
    """A cell to attack from, its neighbour and the host's canaries."""
    cells = DockerCells(connect(), docker_workspace, cell_image, LIMITS)
    ground = Ground(cells, tmp_path_factory.mktemp("host"))
    await ground.open()
    yield ground
    await ground.close()
    swept = await cells.sweep()
    await cells.close()
    assert not swept, "cells were left behind"
