"""One command in a Docker cell, by the runner and a fresh `bash -c`, against the `docker exec` command line."""

import asyncio
import time

from bench.figures import Figures, beside, median, milliseconds, percentile, say
from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.protocol import Cell, CellLimits, Labels

_TURNS = 20
_OURS = 20
_THEIRS = 2
"""Commands a turn, on each side: one of theirs takes as long as many of ours."""
_COMMAND = "echo step >> log.txt"


async def _run(cell: Cell) -> float:
    began = time.perf_counter()
    outcome = await cell.run(_COMMAND)
    if outcome.exit:
        raise RuntimeError(f"exit {outcome.exit}: {outcome.stderr!r}")
    return milliseconds(began)


async def _exec(cell: Cell, user: str) -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        "docker", "exec", "-u", user, "-w", cell.work, cell.id, "bash", "-c", _COMMAND
    )
    if await process.wait():
        raise RuntimeError(f"docker exec: exit {process.returncode}")
    return milliseconds(began)


async def measure(image: str) -> Figures:
    """Milliseconds from asking to the outcome."""
    say(f"commands in a cell: {_TURNS} turns")
    cells = DockerCells(connect(), "bench-commands", image, CellLimits())
    try:
        cell = await cells.start(Labels("bench-commands", "commands", "agent"))
        ours, theirs = [], []
        await _run(cell)
        user = (await cell.run("echo $(id -u):$(id -g)")).stdout.decode().strip()
        await _exec(cell, user)
        for _ in range(_TURNS):
            ours += [await _run(cell) for _ in range(_OURS)]
            theirs += [await _exec(cell, user) for _ in range(_THEIRS)]
    finally:
        await cells.sweep()
        await cells.close()
    return {
        **beside("command_ms_p50", median(ours), median(theirs)),
        **beside("command_ms_p99", percentile(ours, 0.99), percentile(theirs, 0.99)),
        "command_times_faster": round(median(theirs) / median(ours), 1),
    }
