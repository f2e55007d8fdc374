"""Commands that will not end: they ignore SIGTERM, daemonise, fork twice; what of them a timeout leaves in the cell."""

import asyncio
import time

from bench.figures import Figures, say
from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.protocol import Cell, CellLimits, Labels

COMMANDS = 1000
_AT_ONCE = 8
_NAME = "bench-timeouts"
STUBBORN = (
    "trap '' TERM INT HUP; while :; do sleep 1000; done",
    "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 1000' < /dev/null > /dev/null 2>&1 & sleep 1000",
    "(setsid sh -c '(trap \"\" TERM; exec sleep 1000) & exit' &) ; sleep 1000",
)


async def measure(image: str) -> Figures:
    """How many processes are left, and how long the whole took (seconds)."""
    say(f"{COMMANDS} commands that run into their timeout")
    cells = DockerCells(connect(), _NAME, image, CellLimits())
    try:
        cell = await cells.start(Labels(_NAME, "timeouts", "agent"))
        began = time.perf_counter()
        await stubborn(cell, COMMANDS)
        seconds = time.perf_counter() - began
        left = await remaining(cell)
    finally:
        await cells.sweep()
        await cells.close()
    return {"timeouts": COMMANDS, "timeouts_left": left, "timeouts_s": round(seconds, 1)}


async def stubborn(cell: Cell, count: int) -> None:
    """Run so many of them, some at once, each to its timeout."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> None:
        async with turns:
            outcome = await cell.run(STUBBORN[number % len(STUBBORN)], timeout=0.1)
            if not outcome.timed_out:
                raise RuntimeError(f"a stubborn command ended by itself: {outcome}")

    await asyncio.gather(*(one(number) for number in range(count)))


async def remaining(cell: Cell) -> int:
    """Processes of the cell that sleep on."""
    return int((await cell.run("pgrep -c 'sleep|setsid' || true")).stdout)
