"""Which kind of cell a workspace gets, and why: Docker where an engine and an image can be had, else processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from factory_tui.cells.bubblewrap import look
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import MIB, CellError, CellLimits, NoRuntime

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory_tui.cells.docker import DockerCells
    from factory_tui.cells.protocol import Cells
    from factory_tui.config.settings import CellsTable


def limits_of(table: CellsTable) -> CellLimits:
    """What a cell may use, as `[cells]` has it."""
    return CellLimits(
        memory=table.memory * MIB,
        cpus=table.cpus,
        pids=table.pids,
        work_bytes=table.work * MIB,
        work_inodes=table.inodes,
        tmp_bytes=table.tmp * MIB,
    )


async def choose(
    workspace: str,
    state: Path,
    *,
    kind: Literal["auto", "docker", "process"] = "auto",
    image: str = "",
    limits: CellLimits | None = None,
    runtime: str = "",
    bootstrap: bool = True,
    bubblewrap: bool = True,
    build_network: str = "default",
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Cells, str]:
    """The cells of a workspace, and in words why they are what they are.

    ``bubblewrap`` is whether process cells are put into it where it works. ``state`` is a folder for the records of
    process cells. ``progress`` is called in another thread. Raises CellError when ``kind`` is "docker" and no Docker
    cell can be had, and NoRuntime when the engine lacks the ``runtime``: who asks for one gets no weaker fence.
    """
    limits = limits or CellLimits()
    if kind == "process":
        cells, fence = await asyncio.to_thread(_process, workspace, state, limits, bubblewrap)
        return cells, f"process cells were asked for; {fence}"
    try:
        return await asyncio.to_thread(
            lambda: docker_cells(
                workspace,
                image,
                limits,
                runtime,
                bootstrap=bootstrap,
                build_network=build_network,
                progress=progress,
            )
        )
    except CellError as error:
        if kind == "docker" or isinstance(error, NoRuntime):
            raise
        cells, fence = await asyncio.to_thread(_process, workspace, state, limits, bubblewrap)
        return cells, f"{error}; {fence}"


async def cells_of(
    workspace: str, state: Path, table: CellsTable, progress: Callable[[str], None]
) -> tuple[Cells, str]:
    """The cells that `[cells]` asks for; see choose."""
    return await choose(
        workspace,
        state,
        kind=table.kind,
        image=table.image,
        limits=limits_of(table),
        runtime=table.runtime,
        bubblewrap=table.bubblewrap,
        build_network=table.build_network,
        progress=progress,
    )


def _process(workspace: str, state: Path, limits: CellLimits, wanted: bool) -> tuple[Cells, str]:
    if not wanted:
        return ProcessCells(workspace, state, limits), "they are UNFENCED, as [cells] bubblewrap wants it"
    bubble = look()
    if isinstance(bubble, str):
        return ProcessCells(workspace, state, limits), f"they are UNFENCED: {bubble}"
    cells = ProcessCells(workspace, state, limits, bubble)
    return cells, f"in bubblewrap, UNFENCED: {bubble.lacks}" if bubble.lacks else "bubblewrap fences process cells"


def docker_cells(
    workspace: str,
    image: str,
    limits: CellLimits,
    runtime: str,
    *,
    bootstrap: bool = True,
    build_network: str = "default",
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[DockerCells, str]:
    """Docker cells and where they are from; blocks. Raises CellError when none can be had."""
    from factory_tui.cells import docker, fence, images  # noqa: PLC0415 - 124 ms that process cells need not pay
    from factory_tui.cells.client import answering  # noqa: PLC0415

    client = docker.connect()
    with answering():
        terms = fence.terms(client.info(), runtime)
        reference = images.ensure(client, image, bootstrap=bootstrap, progress=progress)
    cells = docker.DockerCells(client, workspace, reference, limits, terms, build_network=build_network)
    return cells, f"a Docker engine answers; image {reference}"
