"""What a cell runs out of is named, by the command that met the limit; what it uses is told while somebody listens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from factory_tui.cells.protocol import MIB, CellDied
from factory_tui.domain.gauges import Gauge, Lack
from tests.cells.conftest import LIMITS
from tests.waiting import until

if TYPE_CHECKING:
    from factory_tui.cells.protocol import Cell

HUNGRY = "python3 -c 'x = bytearray(400 << 20)'"
MEMORY = Lack("memory", LIMITS.memory)
BOMB = """
import os, signal, sys
born = []
try:
    while True:
        born.append(os.fork())
        if not born[-1]:
            signal.pause()
except BlockingIOError:
    for pid in born:
        os.kill(pid, signal.SIGKILL)
        os.wait()
    sys.exit(7)
"""


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestWhatRanOut:
    kind = "docker"

    @pytest.mark.parametrize(
        ("command", "lacked"),
        [
            (HUNGRY, MEMORY),
            ("head -c 100000000 /dev/zero > flood", Lack("space", LIMITS.work_bytes, "/work")),
            ("rm -f flood; head -c 100000000 /dev/zero > /tmp/flood", Lack("space", LIMITS.tmp_bytes, "/tmp")),
            ("rm /tmp/flood; seq 9000 | xargs touch", Lack("inodes", LIMITS.work_inodes, "/work")),
        ],
    )
    async def test_a_command_that_met_a_limit_says_which(self, cell: Cell, command: str, lacked: Lack) -> None:
        outcome = await cell.run(command)
        assert outcome.exit != 0
        assert outcome.lacked == (lacked,)

    async def test_a_command_that_lived_on_without_a_child_says_it_too(self, cell: Cell) -> None:
        outcome = await cell.run(f"{HUNGRY}; echo on")
        assert (outcome.exit, outcome.stdout, outcome.lacked) == (0, b"on\n", (MEMORY,))

    async def test_a_fork_bomb_is_told_by_who_ran_it_and_by_nobody_after(self, fresh: Cell) -> None:
        outcome = await fresh.run(["python3", "-c", BOMB])
        assert (outcome.exit, outcome.lacked) == (7, (Lack("processes", LIMITS.pids),))
        assert (await fresh.run("exit 1")).lacked == ()

    async def test_a_command_that_fails_for_itself_lacks_nothing(self, fresh: Cell) -> None:
        assert (await fresh.run("exit 3")).lacked == ()

    async def test_what_ran_out_is_kept_with_an_outcome_that_nobody_heard(self, fresh: Cell) -> None:
        first = await fresh.run(HUNGRY, id="hungry")
        assert first.lacked == (MEMORY,)
        assert await fresh.outcome("hungry") == first


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestWhatIsUsed:
    kind = "docker"

    async def test_it_is_told_at_once_and_when_it_moves(self, fresh: Cell) -> None:
        seen: list[Gauge] = []
        watching = asyncio.create_task(fresh.gauge(seen.append, 0.05))

        await until(lambda: bool(seen))
        first = seen[0]
        assert 0 < first.memory < 64 * MIB
        assert (first.memory_limit, first.pids_limit) == (LIMITS.memory, LIMITS.pids)
        assert (first.work_limit, first.tmp_limit) == (LIMITS.work_bytes, LIMITS.tmp_bytes)
        assert first.cpu_limit == LIMITS.cpus
        await fresh.run("head -c 20000000 /dev/zero > twenty; head -c 5000000 /dev/zero > /tmp/five")

        await until(lambda: seen[-1].work >= 20_000_000 and seen[-1].tmp >= 5_000_000)
        # What a keeper had held may have gone back meanwhile: less than a fifth of the files.
        assert seen[-1].memory >= first.memory + 20_000_000, "its files are its memory"
        busy = asyncio.create_task(fresh.run("while :; do :; done", timeout=3))

        await until(lambda: seen[-1].cpu > 0.2)
        busy.cancel()
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching

    async def test_who_watches_hears_on_after_the_stream_broke_and_that_the_cell_died(self, fresh: Cell) -> None:
        seen: list[Gauge] = []
        watching = asyncio.create_task(fresh.gauge(seen.append, 0.05))
        await fresh.run("true")
        wire = fresh._connection._wire  # type: ignore[attr-defined]
        await wire.close()
        await fresh.run("head -c 20000000 /dev/zero > twenty")

        await until(lambda: bool(seen) and seen[-1].work >= 20_000_000)
        await fresh.close()
        with pytest.raises(CellDied):
            await watching


@pytest.mark.asyncio(loop_scope="class")
class TestWithoutAControlGroup:
    kind = "process"

    async def test_a_process_cell_says_that_it_cannot_tell(self, cell: Cell) -> None:
        seen: list[Gauge] = []
        await cell.gauge(seen.append, 0.05)
        assert seen == []
