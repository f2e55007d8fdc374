"""Another process that says a cell is its own."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SAYS = "from factory_tui.cells.holder import this_process; print(this_process(), flush=True); input()"


@asynccontextmanager
async def another_process() -> AsyncIterator[tuple[Process, str]]:
    """It, and what it says of itself; gone at the end, if it is not by then."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SAYS, stdin=PIPE, stdout=PIPE)
    assert process.stdin
    assert process.stdout
    holder = (await process.stdout.readline()).decode().strip()
    try:
        yield process, holder
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        process.stdin.close()
