"""From a command to its first paint on a real pty: the console against a bare Textual app.

Bytecode is made first, as an installation does: where PYTHONDONTWRITEBYTECODE is set, each start would compile a clone.
"""

import asyncio
import compileall
import sys
import time
from pathlib import Path

import factory_tui
from bench.figures import Figures, beside, median, milliseconds, say
from bench.playing import SEED
from bench.terminal import Terminal
from factory_tui.config.workspace import Workspace
from factory_tui.engine import spawn
from factory_tui.engine.looking import stop

RUNS = 8
_TURNS = 9
_LATE = 3.0
_COLD_TURNS = 3
_PATIENCE = 30.0
BARE = [sys.executable, "-m", "bench.bare"]
HEADER = b"FACTORY"
_RUN = f"{SEED}-1".encode()


def painted(command: list[str], *marks: bytes) -> list[float]:
    """Milliseconds until each text was drawn, 120 columns by 40 rows; the command is then killed."""
    began = time.perf_counter()
    drawn, moments = b"", list[float]()
    with Terminal(command) as terminal:
        while len(moments) < len(marks):
            more = terminal.read(_PATIENCE)
            if not more:
                raise RuntimeError(f"{marks[len(moments)]!r} was not drawn; the end of it: {drawn[-500:]!r}")
            drawn += more
            while len(moments) < len(marks) and marks[len(moments)] in drawn:
                moments.append(milliseconds(began))
    return moments


def console(workspace: Workspace) -> list[str]:
    return [sys.executable, "-m", "factory_tui", "--workspace", str(workspace.root)]


async def warm(workspace: Workspace) -> Figures:
    """With an engine that runs already: first paint, and the paint that has its runs."""
    say(f"first paint: {_TURNS} turns")
    compileall.compile_dir(Path(factory_tui.__file__).parent, quiet=1)
    first, runs, bare = [], [], []
    for number in range(_TURNS + 1):
        [floor] = await asyncio.to_thread(painted, BARE, b"bare")
        frame, state = await asyncio.to_thread(painted, console(workspace), HEADER, _RUN)
        if number:  # the first of each warms the disk
            bare.append(floor)
            first.append(frame)
            runs.append(state)
    return {
        **beside("first_paint_ms", median(first), median(bare), 1),
        **beside("runs_painted_ms", median(runs), median(bare), 1),
    }


async def cold(workspace: Workspace) -> Figures:
    """Without an engine: the command paints, and starts one after that."""
    say(f"first paint with no engine running: {_COLD_TURNS} turns")
    first, bare = [], []
    for _ in range(_COLD_TURNS):
        bare += await asyncio.to_thread(painted, BARE, b"bare")
        first += await asyncio.to_thread(painted, console(workspace), HEADER)
        # A console that was killed tells nobody whether it came to start an engine.
        deadline = time.monotonic() + _LATE
        while not spawn.answers(workspace) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await stop(workspace)
        while spawn.answers(workspace):  # noqa: ASYNC110 - nor does a socket that closes
            await asyncio.sleep(0.02)
    return beside("first_paint_cold_ms", median(first), median(bare), 1)
