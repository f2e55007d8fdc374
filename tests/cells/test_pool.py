"""What a pool promises beside what its cells do: each is handed out once, unused and alive, and none is left over."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.pool import WARM, Pool
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import ANY, CellError, Labels, Mould
from factory_tui.config.recipe import Recipe
from tests.cells.conftest import LABELS, LIMITS
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from factory_tui.cells.cell import RunnerCell
    from factory_tui.cells.protocol import Cell, Say


class Counted(ProcessCells):
    """Process cells that remember what was started, and can be told to fail or to wait."""

    def __init__(self, state: Path) -> None:
        super().__init__("w", state, LIMITS)
        self.state = state
        self.asked: list[Labels] = []
        self.moulds: list[Mould] = []
        self.started: list[RunnerCell] = []
        self.broken = ""
        self.go = asyncio.Event()
        self.go.set()

    async def start(self, labels: Labels, mould: Mould = ANY) -> RunnerCell:
        self.asked.append(labels)
        self.moulds.append(mould)
        await self.go.wait()
        if self.broken:
            raise CellError(self.broken)
        cell = await super().start(labels, mould)
        self.started.append(cell)
        return cell

    @property
    def roles(self) -> list[str]:
        return [labels.role for labels in self.asked]


@pytest_asyncio.fixture
async def kind(tmp_path: Path) -> AsyncIterator[Counted]:
    cells = Counted(tmp_path)
    yield cells
    assert not await cells.sweep(), "cells were left behind"


async def full(kind: Counted, count: int = 2) -> None:
    """Wait until so many cells have been started in all."""

    await until(lambda: len(kind.started) == count == len(kind.asked))


async def runner_of(cell: Cell) -> int:
    return int((await cell.run("cut -d ' ' -f 4 /proc/$PPID/stat")).stdout)


async def test_who_asks_is_given_a_cell_that_was_up_and_another_is_made(kind: Counted) -> None:
    pool = Pool(kind, "w", 2)
    pool.fill()
    await full(kind)
    cell = await pool.start(LABELS)
    assert cell.id == kind.started[0].id
    assert (cell.kind, cell.fenced, pool.kind, pool.fenced) == ("process", False, "process", False)
    assert (await cell.run("ls -A; echo fine")).stdout == b"fine\n"
    await full(kind, 3)
    assert set(kind.asked) == {Labels("w", "", WARM)}
    await cell.close()
    await pool.close()


async def test_a_seed_that_asks_for_no_image_is_given_a_cell_that_was_up(
    kind: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def prepare(recipe: Recipe, _say: Say) -> Mould:
        return Mould(recipe.image or "the workspace's", "its id")

    monkeypatch.setattr(kind, "prepare", prepare)
    pool = Pool(kind, "w", 1)
    pool.fill()
    await full(kind, 1)
    own = await pool.prepare(Recipe(), lambda _: None)
    other = await pool.prepare(Recipe(image="other"), lambda _: None)
    cell = await pool.start(LABELS, own)
    assert cell.id == kind.started[0].id
    another = await pool.start(LABELS, other)
    assert kind.moulds.count(other) == 1
    await cell.close()
    await another.close()
    await pool.close()


async def test_a_burst_is_given_different_cells_and_nothing_is_warmed_before_it_is_served(kind: Counted) -> None:
    pool = Pool(kind, "w", 2)
    pool.fill()
    await full(kind)
    cells = await asyncio.gather(*(pool.start(LABELS) for _ in range(5)))
    assert len({cell.id for cell in cells}) == 5
    assert [outcome.stdout for outcome in await asyncio.gather(*(cell.run("echo $$") for cell in cells))]
    assert kind.roles[:5] == [WARM, WARM, "agent", "agent", "agent"]
    await full(kind, 7)
    assert kind.roles[5:] == [WARM, WARM]
    for cell in cells:
        await cell.close()
    await pool.close()


async def test_who_comes_while_one_is_made_is_given_that_one(kind: Counted) -> None:
    kind.go.clear()
    pool = Pool(kind, "w", 1)
    pool.fill()
    waiting = asyncio.create_task(pool.start(LABELS))

    await until(lambda: len(kind.asked) == 1)
    kind.go.set()
    cell = await waiting
    assert cell.id == kind.started[0].id
    await full(kind, 2)
    assert kind.roles == [WARM, WARM]
    await cell.close()
    await pool.close()


async def test_a_cell_that_died_meanwhile_is_thrown_away_unseen(kind: Counted) -> None:
    pool = Pool(kind, "w", 2)
    pool.fill()
    await full(kind)
    os.kill(await runner_of(kind.started[0]), signal.SIGKILL)
    cell = await pool.start(LABELS)
    assert cell.id == kind.started[1].id
    assert (await cell.run("echo fine")).stdout == b"fine\n"
    await cell.close()
    await full(kind, 4)
    await pool.close()


async def test_a_cell_that_somebody_wrote_to_is_not_handed_out(kind: Counted) -> None:
    pool = Pool(kind, "w", 1)
    pool.fill()
    await full(kind, 1)
    await kind.started[0].write("left", b"by whoever")
    cell = await pool.start(LABELS)
    assert cell.id != kind.started[0].id
    await cell.close()
    await pool.close()


async def test_cells_of_the_moulds_that_were_asked_for_last_are_kept_ready(kind: Counted) -> None:
    moulds = [Mould(env=(("NAME", str(number)),)) for number in range(5)]
    pool = Pool(kind, "w", 1)
    pool.fill()
    await full(kind, 1)
    for number, mould in enumerate(moulds):
        cell = await pool.start(LABELS, mould)
        assert (await cell.run("echo $NAME")).stdout == b"%d\n" % number
        await cell.close()
        await full(kind, 3 + 2 * number)
    assert kind.moulds == [ANY, *(mould for mould in moulds for _ in range(2))]
    warm = kind.started[-1]
    cell = await pool.start(LABELS, moulds[-1])
    assert cell.id == warm.id
    await full(kind, 12)
    await until(lambda: len([*kind.state.glob("*.json")]) == 5, "four that are ready, and the one handed out")
    await cell.close()
    await pool.close()


async def test_a_pool_of_none_starts_what_is_asked_for_only(kind: Counted) -> None:
    pool = Pool(kind, "w", 0)
    pool.fill()
    cell = await pool.start(LABELS)
    assert kind.asked == [LABELS]
    await cell.close()
    await pool.close()
    assert kind.asked == [LABELS]


async def test_what_cannot_be_made_is_tried_again_with_the_next_start_only(kind: Counted) -> None:
    kind.broken = "the engine is away"
    pool = Pool(kind, "w", 2)
    pool.fill()

    await until(lambda: len(kind.asked) == 1)
    with pytest.raises(CellError, match="the engine is away"):
        await pool.start(LABELS)
    for _ in range(50):
        await asyncio.sleep(0)
    assert kind.roles == [WARM, "agent", WARM]
    kind.broken = ""
    cell = await pool.start(LABELS)
    assert kind.roles[:4] == [WARM, "agent", WARM, "agent"]
    await until(lambda: len(kind.started) == 3)
    await cell.close()
    await pool.close()


async def test_a_start_that_is_cancelled_leaves_nothing(kind: Counted) -> None:
    kind.go.clear()
    pool = Pool(kind, "w", 1)
    pool.fill()
    waiting = asyncio.create_task(pool.start(LABELS))

    await until(lambda: len(kind.asked) == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    kind.go.set()
    await until(lambda: len(kind.started) == 1)
    assert kind.roles == [WARM, WARM]
    await pool.close()


async def test_a_sweep_leaves_what_is_ready(kind: Counted) -> None:
    pool = Pool(kind, "w", 1)
    pool.fill()
    await full(kind, 1)
    assert await pool.sweep() == 0
    cell = await pool.start(LABELS)
    assert cell.id == kind.started[0].id
    await full(kind, 2)
    assert await pool.sweep() == 1
    assert (await cell.run("true")).lost
    await cell.close()
    await pool.close()


@pytest.mark.docker
async def test_warm_containers_of_a_killed_engine_are_found_and_swept(docker_workspace: str, cell_image: str) -> None:
    first = DockerCells(connect(), docker_workspace, cell_image, LIMITS)
    killed = Pool(first, docker_workspace, 2)
    killed.fill()
    home = await killed.start(LABELS)
    await home.write("here", b"since before")

    await until(lambda: len(left(docker_workspace)) == 3)
    while killed._making:
        await asyncio.wait([killed._making[1]])
    await first.close()  # and nothing else: what a kill leaves

    second = DockerCells(connect(), docker_workspace, cell_image, LIMITS)
    pool = Pool(second, docker_workspace, 1)
    found = {cell.id: (labels.role, cell) for labels, cell in await pool.adopt()}
    assert {role for role, _ in found.values()} == {WARM}
    adopted = found[home.id][1]
    assert await pool.sweep({home.id}) == 2
    assert await adopted.read("here") == b"since before"
    pool.fill()
    fresh = await pool.start(LABELS)
    assert fresh.id not in found
    await fresh.close()
    await adopted.close()
    await pool.close()
    assert not left(docker_workspace)


def left(workspace: str) -> list[str]:
    client = connect()
    try:
        return [one["Id"] for one in client.api.containers(filters={"label": f"factory-tui.workspace={workspace}"})]
    finally:
        client.close()
