"""What only process cells promise: nothing of them is left, however their engine ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from factory_tui.cells import runner
from factory_tui.cells.process import ProcessCells, Record
from factory_tui.cells.protocol import CellDied, Labels
from tests.cells.holders import another_process
from tests.waiting import eventually

ENGINE = """
import asyncio, sys
from pathlib import Path
from factory_tui.cells.process import ProcessCells, Record
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
    its_runner = int((await cell.run("cut -d ' ' -f 4 /proc/$PPID/stat")).stdout)
    os.kill(its_runner, signal.SIGKILL)
    outcome = await cell.run("true")
    assert outcome.lost
    assert alive(pid)
    assert await cells.sweep() == 1
    assert not alive(pid)
    await cell.close()


async def test_a_cell_of_another_process_is_its_own_while_that_one_lives(tmp_path: Path) -> None:
    cells = ProcessCells("w", tmp_path)
    async with another_process() as (process, holder):
        cell = await cells.start(Labels("w", "judged", "trajectory", 1, holder))
        assert await cells.sweep() == 0
        assert (await cell.run("echo here")).stdout == b"here\n"
        process.kill()
        await process.wait()
    assert await cells.sweep() == 1
    await cell.close()


COMPILES = runner._LOADER.replace("== magic", "== 'of another Python'")


async def test_a_python_that_does_not_read_the_engines_bytecode_compiles_the_runner_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runner._LOADER != COMPILES
    monkeypatch.setattr(runner, "_LOADER", COMPILES)
    cell = await ProcessCells("w", tmp_path).start(Labels("w", "r", "agent"))
    assert (await cell.run("echo here")).stdout == b"here\n"
    await cell.close()


async def test_a_runner_killed_while_it_is_compiled_is_named_at_once_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = COMPILES.replace("    texts = json", "    signal.pause()\n        texts = json")
    assert endless != COMPILES
    monkeypatch.setattr(runner, "_LOADER", endless)
    starting = asyncio.create_task(ProcessCells("w", tmp_path).start(Labels("w", "r", "agent")))
    processes: list[int] = []

    async def compiling() -> bool:
        for folder in folders(tmp_path):
            processes[:] = sorted(carrying(f"HOME={folder}/home"), key=lambda pid: parent(pid) != os.getpid())
        return len(processes) == 2

    await eventually(compiling)
    os.kill(processes[0], signal.SIGKILL)
    async with asyncio.timeout(10):
        with pytest.raises(CellDied, match="the cell's runner ended with -9"):
            await starting
    assert not any(alive(pid) for pid in processes)
    assert not folders(tmp_path)


def folders(state: Path) -> list[str]:
    """The folders of the cells that are on record."""
    return [msgspec.json.decode(record.read_bytes(), type=Record).folder for record in state.glob("*.json")]


def carrying(variable: str) -> list[int]:
    """The processes with this variable in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if variable.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def test_no_secret_of_the_engines_environment_reaches_a_command(tmp_path: Path) -> None:
    os.environ["A_KEY_OF_MINE"] = "secret"
    try:
        cells = ProcessCells("w", tmp_path)
        cell = await cells.start(Labels("w", "r", "agent"))
        assert b"secret" not in (await cell.run("env")).stdout
        await cell.close()
    finally:
        del os.environ["A_KEY_OF_MINE"]


async def test_commands_hear_every_signal_though_the_engine_does_not(tmp_path: Path) -> None:
    """As one that nohup started, or a shell's `&`."""
    ignored = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGHUP, signal.SIGQUIT)}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR1,))
    try:
        cell = await ProcessCells("w", tmp_path).start(Labels("w", "r", "agent"))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, before in ignored.items():
            signal.signal(number, before)
    told = (await cell.run("grep -e SigIgn -e SigBlk /proc/self/status")).stdout.split()
    known = sum(1 << number - 1 for number in signal.valid_signals())  # two are the C library's own
    assert {int(word, 16) & known for word in told[1::2]} == {0}
    await cell.close()
