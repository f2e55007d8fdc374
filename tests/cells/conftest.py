"""Cells of each kind for the tests of this folder."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from factory_tui.cells import images
from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.pool import Pool
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import MIB, CellLimits, Labels, Mould
from tests.cells.faraway import Faraway, faraway
from tests.conformance.annexes import HOSTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from factory_tui.cells.bubblewrap import Bubble
    from factory_tui.cells.protocol import Cell, Cells
    from factory_tui.cells.reach import Address
    from tests.e2e.sshd import Sshd

LABELS = Labels("", "run-1", "agent", 1)
KINDS = {"process": "process", "bubble": "process", "namespace": "process"}
LIMITS = CellLimits(memory=256 * MIB, pids=128, work_bytes=64 * MIB, work_inodes=5000, tmp_bytes=16 * MIB)


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def docker_cells(docker_workspace: str, cell_image: str) -> AsyncIterator[DockerCells]:
    """Docker cells of a workspace of their own; what a test leaves is removed, and told."""
    cells = DockerCells(connect(), docker_workspace, cell_image, LIMITS)
    yield cells
    swept = await cells.sweep()
    await cells.close()
    assert not swept, "cells were left behind"


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def process_cells(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessCells]:
    """Process cells of a workspace of their own."""
    cells = ProcessCells("test", tmp_path_factory.mktemp("state"), LIMITS)
    yield cells
    assert not await cells.sweep(), "cells were left behind"


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def warm_cells(docker_workspace: str, cell_image: str) -> AsyncIterator[Pool]:
    """Docker cells that were up before they were asked for."""
    pool = Pool(DockerCells(connect(), docker_workspace, cell_image, LIMITS), docker_workspace, 1)
    pool.fill()
    yield pool
    await pool.close()


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def bubble_cells(bubble: Bubble, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessCells]:
    """Process cells in bubblewrap."""
    cells = ProcessCells("test", tmp_path_factory.mktemp("state"), LIMITS, bubble)
    yield cells
    assert not await cells.sweep(), "cells were left behind"


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def namespace_cells(bubble: Bubble, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessCells]:
    """Process cells in the bubblewrap of a plain user, whoever runs the tests."""
    plain = replace(bubble, strangers=False)
    cells = ProcessCells("test", tmp_path_factory.mktemp("state"), LIMITS, plain)
    yield cells
    assert not await cells.sweep(), "cells were left behind"


@pytest.fixture(scope="session")
def faraway_engine(root_program: list[str]) -> Iterator[Faraway]:
    """A second Docker engine, whose image is made from this host's files and goes there over TLS."""
    with faraway(root_program) as engine:
        with closing(connect(engine.tls)) as client:
            images.make(client)
        yield engine


@pytest.fixture(scope="session")
def faraway_sshd(faraway_engine: Faraway, sshd_program: str) -> Iterator[tuple[Address, Sshd]]:
    """The same engine behind an sshd, and that sshd."""
    with faraway_engine.by_ssh(sshd_program) as found:
        yield found


@pytest.fixture(scope="session")
def faraway_ssh(faraway_sshd: tuple[Address, Sshd]) -> Address:
    """The engine's address by ssh."""
    return faraway_sshd[0]


async def _faraway_cells(where: Address) -> AsyncIterator[DockerCells]:
    client = await asyncio.to_thread(connect, where)
    image = await asyncio.to_thread(images.make, client)
    cells = DockerCells(client, "test", image, LIMITS)
    yield cells
    swept = await cells.sweep()
    await cells.close()
    assert not swept, "cells were left behind"


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def tls_cells(faraway_engine: Faraway) -> AsyncIterator[DockerCells]:
    async for cells in _faraway_cells(faraway_engine.tls):
        yield cells


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def ssh_cells(faraway_ssh: Address) -> AsyncIterator[DockerCells]:
    async for cells in _faraway_cells(faraway_ssh):
        yield cells


@pytest.fixture(scope="class")
def cells(request: pytest.FixtureRequest) -> Cells:
    """Cells of the class's kind."""
    found: Cells = request.getfixturevalue(f"{request.cls.kind}_cells")
    return found


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def cell(request: pytest.FixtureRequest, cells: Cells) -> AsyncIterator[Cell]:
    """A cell of the class's kind, shared by the class."""
    cell = await cells.start(LABELS)
    assert (cell.kind, cell.fenced) == (KINDS.get(request.cls.kind, "docker"), cells.fenced)
    yield cell
    await cell.close()


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def annexed(cells: Cells) -> AsyncIterator[Cell]:
    """A cell of the class's kind with an annex."""
    cell = await cells.start(LABELS, Mould(hosts=HOSTS))
    yield cell
    await cell.close()


@pytest_asyncio.fixture(loop_scope="class")
async def fresh(cells: Cells) -> AsyncIterator[Cell]:
    """A cell of the class's kind with an empty work tree."""
    cell = await cells.start(LABELS)
    yield cell
    await cell.close()
