"""A keeper that is killed takes its own command with it, and nobody else's."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Labels
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from factory_tui.cells.protocol import Cell, Outcome

CHAIN = """
import os
with open("begun", "w"):
    pass
while True:
    if os.fork():
        os._exit(0)
"""
BUSY = """
until test -e stop; do test "$( (echo x) & wait )" = x || echo lost; done
echo whole
"""


@pytest_asyncio.fixture
async def cell(tmp_path: Path) -> AsyncIterator[Cell]:
    cell = await ProcessCells("w", tmp_path).start(Labels("w", "r", "agent"))
    yield cell
    await cell.close()


async def killed_keeper(cell: Cell, command: str) -> Outcome:
    """The outcome of a command whose keeper was killed once the file `begun` was there."""
    await cell.run("rm -f begun keeper")
    running = asyncio.create_task(cell.run(f"echo $PPID > keeper; {command}", timeout=60))

    async def begun() -> bool:
        return (await cell.run("test -e begun")).exit == 0

    await eventually(begun)
    os.kill(int(await cell.read("keeper")), signal.SIGKILL)
    return await asyncio.wait_for(running, 20)


async def until_closed(pipe: int) -> None:
    """Until nobody holds the other end."""
    loop, closed = asyncio.get_running_loop(), asyncio.Event()

    def on_end() -> None:
        if not os.read(pipe, 1):
            loop.remove_reader(pipe)
            closed.set()

    loop.add_reader(pipe, on_end)
    await asyncio.wait_for(closed.wait(), 20)


async def test_what_forks_and_ends_again_and_again_does_not_outlive_it(cell: Cell) -> None:
    await cell.write("chain.py", CHAIN.encode())
    os.mkfifo(f"{cell.work}/held")
    pipe = os.open(f"{cell.work}/held", os.O_RDONLY | os.O_NONBLOCK)
    try:
        outcome = await killed_keeper(cell, "exec python3 -I -S chain.py 9> held")
        assert outcome.exit in (0, -signal.SIGKILL)  # the first link ends by itself
        await until_closed(pipe)
    finally:
        os.close(pipe)


async def test_the_commands_beside_it_notice_nothing(cell: Cell) -> None:
    beside = asyncio.create_task(cell.run(BUSY, timeout=60))
    for _ in range(5):
        assert (await killed_keeper(cell, "touch begun; sleep 1000")).exit == -signal.SIGKILL
    await cell.write("stop", b"")
    outcome = await beside
    assert (outcome.exit, outcome.stdout, outcome.stderr) == (0, b"whole\n", b"")


@pytest.mark.parametrize("command", ["true", "sleep 1000 & echo $!"])
async def test_the_next_command_is_as_ever(cell: Cell, command: str) -> None:
    await killed_keeper(cell, "touch begun; sleep 1000")
    assert (await cell.run(command)).exit == 0
    assert (await cell.run("echo fine")).stdout == b"fine\n"
