"""What only process cells promise: nothing of them is left, however their engine ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Labels
from tests.conformance.cells import eventually

ENGINE = """
import asyncio, sys
from pathlib import Path
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Labels

async def main():
    cell = await ProcessCells("w", Path(sys.argv[1])).start(Labels("w", "r", "agent"))
    outcome = await cell.run("setsid sleep 1000 > /dev/null 2>&1 & echo $!")
    print(outcome.stdout.decode().strip(), cell.work, flush=True)
    await cell.run("sleep 1000")

asyncio.run(main())
"""


async def killed_engine(state: Path) -> tuple[int, Path]:
    """An engine killed while a command runs: a daemon of its cell, and its work tree."""
    engine = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ENGINE, str(state)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert engine.stdout
    pid, work = (await engine.stdout.readline()).decode().split()
    engine.kill()
    await engine.wait()
    return int(pid), Path(work)


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


async def test_a_killed_engines_cell_ends_by_itself_and_is_swept(tmp_path: Path) -> None:
    pid, work = await killed_engine(tmp_path)

    async def ended() -> bool:
        return not alive(pid)

    await eventually(ended)
    assert work.exists()
    assert await ProcessCells("other", tmp_path).sweep() == 0
    assert await ProcessCells("w", tmp_path).sweep() == 1
    assert not work.exists()
    assert await ProcessCells("w", tmp_path).sweep() == 0


async def test_sweep_kills_what_a_dead_runner_left(tmp_path: Path) -> None:
    cells = ProcessCells("w", tmp_path)
    cell = await cells.start(Labels("w", "r", "agent"))
    pid = int((await cell.run("setsid sleep 1000 > /dev/null 2>&1 & echo $!")).stdout)
    runner = int((await cell.run("cut -d ' ' -f 4 /proc/$PPID/stat")).stdout)
    os.kill(runner, signal.SIGKILL)
    outcome = await cell.run("true")
    assert outcome.lost
    assert alive(pid)
    assert await cells.sweep() == 1
    assert not alive(pid)
    await cell.close()


async def test_no_secret_of_the_engines_environment_reaches_a_command(tmp_path: Path) -> None:
    os.environ["A_KEY_OF_MINE"] = "secret"
    try:
        cells = ProcessCells("w", tmp_path)
        cell = await cells.start(Labels("w", "r", "agent"))
        assert b"secret" not in (await cell.run("env")).stdout
        await cell.close()
    finally:
        del os.environ["A_KEY_OF_MINE"]
