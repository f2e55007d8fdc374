"""A cell's stream that is cut, wherever: what was asked for arrives whole, and once."""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from factory_tui.cells import connection
from factory_tui.cells.attach import AttachWire
from factory_tui.cells.cell import RunnerCell
from factory_tui.cells.protocol import MIB, CellDied, Entry
from tests.waiting import eventually, until

if TYPE_CHECKING:
    from factory_tui.cells.protocol import Cell

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="class")]


def wire_of(cell: Cell) -> AttachWire:
    assert isinstance(cell, RunnerCell)
    wire = cell._connection._wire
    assert isinstance(wire, AttachWire)
    return wire


def cut(cell: Cell) -> None:
    """Break the socket under the stream, with all that is on its way."""
    wire_of(cell)._to.writer.transport.abort()


async def whole(cell: Cell) -> None:
    """Until there is a stream again."""
    assert isinstance(cell, RunnerCell)
    await until(lambda: cell._connection._wire is not None, "another stream")


def cut_on(cell: Cell, *, received: int = 0, holding: bytes = b"") -> None:
    """Cut the stream once so much of it has come, or bytes that hold these: half of the last piece is never seen."""
    wire = wire_of(cell)
    read, seen = wire.read, 0

    async def instead() -> bytes:
        nonlocal seen
        data = await read()
        seen += len(data)
        if (seen > received) if received else (holding in data):
            cut(cell)
            return data[: len(data) // 2]
        return data

    wire.read = instead  # type: ignore[method-assign]


class TestCut:
    kind = "docker"

    async def test_a_command_goes_on_and_ran_once(self, cell: Cell) -> None:
        task = asyncio.create_task(cell.run("echo x >> count; until test -e go; do sleep 0.01; done; cat count"))
        await eventually(lambda: ran(cell, "test -s count"))
        for _ in range(3):
            cut(cell)
            await whole(cell)
        await cell.write("go", b"")
        outcome = await task
        assert (outcome.stdout, outcome.exit, outcome.lost) == (b"x\n", 0, False)

    @pytest.mark.parametrize("id", ["", "a-kept-one"])
    async def test_an_outcome_that_was_cut_in_two_arrives_once(self, cell: Cell, id: str) -> None:  # noqa: A002
        cut_on(cell, holding=b'"op":"end"')
        outcome = await cell.run("echo x >> once; cat once; head -c 300000 /dev/zero", id=id)
        assert (len(outcome.stdout), outcome.stdout[:2], outcome.cut) == (300_002, b"x\n", 0)
        assert await cell.read("once") == b"x\n"
        await cell.run("rm once")

    async def test_streamed_output_is_neither_doubled_nor_out_of_order(self, cell: Cell) -> None:
        heard: list[bytes] = []
        command = 'i=0; until test -e stop; do printf "%06d\\n" $i; i=$((i+1)); read -t 0.0005 <> <(:); done; echo last'
        task = asyncio.create_task(
            cell.run(command, limit=8 * MIB, on_output=lambda _, data: heard.append(data), timeout=60)
        )
        for _ in range(4):
            before = len(heard)
            await until(lambda before=before: len(heard) > before + 20, "output")  # type: ignore[misc]
            cut(cell)
        before = len(heard)
        await until(lambda: len(heard) > before + 20, "output after the last cut")
        await cell.write("stop", b"")
        outcome = await task
        *lines, last = outcome.stdout.splitlines()
        assert [int(line) for line in lines] == list(range(len(lines)))
        assert (last, outcome.cut) == (b"last", 0)
        at = 0
        for piece in heard:
            found = outcome.stdout.find(piece, at)
            assert found >= at, "a piece came twice, or before an earlier one"
            at = found + len(piece)

    async def test_a_long_stdin_arrives_whole(self, cell: Cell) -> None:
        data = os.urandom(6 * MIB)
        task = asyncio.create_task(cell.run("sha256sum; wc -c < /dev/null", stdin=data))
        await asyncio.sleep(0)
        cut(cell)
        assert (await task).stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()

    async def test_files_arrive_whole(self, cell: Cell) -> None:
        data = os.urandom(12 * MIB)
        await cell.write("large", data)
        cut_on(cell, received=3 * MIB)
        assert await cell.read("large") == data
        await whole(cell)
        cut_on(cell, received=5 * MIB)
        tree = {entry.path: entry.data for entry in await cell.tree()}
        assert tree["large"] == data
        await cell.run("rm large")

    async def test_a_tree_is_planted_whole(self, cell: Cell) -> None:
        entries = [Entry(f"many/{number}", "file", 0o644, os.urandom(4000)) for number in range(3000)]
        task = asyncio.create_task(cell.plant(entries))
        for _ in range(2):
            await whole(cell)
            cut(cell)
        await task
        planted = {entry.path: entry.data for entry in await cell.tree() if entry.path.startswith("many/")}
        assert planted == {entry.path: entry.data for entry in entries}
        await cell.run("rm -r many")

    async def test_a_cancel_reaches_the_cell_although_the_stream_is_cut(self, cell: Cell) -> None:
        for name in ("", "a-cancelled-one"):
            task = asyncio.create_task(cell.run("exec sleep 54321", id=name))
            await eventually(lambda: ran(cell, "pgrep -fx 'sleep 54321'"))
            cut(cell)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await eventually(lambda: ran(cell, "! pgrep -fx 'sleep 54321'"), "its end")

    async def test_what_was_acknowledged_on_a_cut_stream_is_not_kept_for_ever(self, cell: Cell) -> None:
        before = await memory(cell)
        for _ in range(40):
            outcome = await cell.run("head -c 1000000 /dev/zero")
            assert len(outcome.stdout) == 1_000_000
            cut(cell)
        assert await memory(cell) - before < 20_000, "KiB of the runner"

    async def test_a_frozen_cell_comes_back(self, fresh: Cell) -> None:
        await fresh.pause()
        cut(fresh)
        await fresh.resume()
        assert (await fresh.run("echo back")).stdout == b"back\n"

    async def test_a_cell_that_could_not_be_reached_for_long_is_tried_again(
        self, fresh: Cell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert isinstance(fresh, RunnerCell)
        monkeypatch.setattr(connection, "_AGAIN", (0.0, 0.01))
        dial = fresh._connection._dial

        async def refused() -> AttachWire:
            raise ConnectionRefusedError("no route")

        fresh._connection._dial = refused
        cut(fresh)
        with pytest.raises(CellDied, match="no route"):
            await fresh.read("x")
        fresh._connection._dial = dial
        assert (await fresh.run("echo back")).stdout == b"back\n"


async def ran(cell: Cell, command: str) -> bool:
    return (await cell.run(command)).exit == 0


async def memory(cell: Cell) -> int:
    """KiB that process 1 of the cell holds."""
    return int((await cell.run("awk '/VmRSS/ { print $2 }' /proc/1/status")).stdout)
