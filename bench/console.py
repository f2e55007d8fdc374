"""`make bench-console`: the console in floods beside RichLog and Log, its start, a long journal, a day, standing still.

Progress on stderr; the last line of stdout is one JSON object.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench import attach, day, paint
from bench.engine import about, image
from bench.figures import Figures, beside, median, milliseconds, percentile, say
from bench.playing import cpu_seconds, twin
from bench.terminal import Terminal, words
from bench.working import Console, Runs, engine, make

PARTS = ("wall", "flood", "start", "attach", "day", "stopped")
RUNS = 32
RATE = 200
"""Live frames a second of each run."""
LINES = 8
"""Of each frame, where it is output: 51,200 lines a second in all."""
PANES = 8
TURNS = 2
SECONDS = 20.0
"""Of keys and CPU, in each turn of each side."""
WARM = 2.0
_APART = 0.12
"""Seconds from a paint to the next key: as fast as a person goes down a list."""
_PATIENCE = 60.0
STOPPED_RUNS = 8
STOPPED = 30.0
"""Seconds that a console stands still, in each turn."""
WALL = (200, 60)
"""Columns and rows that eight panes need."""

_CONSOLE = """
import sys
from pathlib import Path
from factory_tui.config.settings import UiTable
from factory_tui.console.app import run_console
from factory_tui.console.feed import attach_to
sys.exit(run_console(attach_to(Path(sys.argv[2])), UiTable(preset=sys.argv[1])))
"""
OURS = (sys.executable, "-c", _CONSOLE, "preview")
OURS_WALL = (sys.executable, "-c", _CONSOLE, "wall")
_LOGS = (sys.executable, "-m", "bench.logs")
UP, DOWN, LEFT, RIGHT = b"\x1b[A", b"\x1b[B", b"\x1b[D", b"\x1b[C"


@asynccontextmanager
async def flood(socket: Path, lines: int) -> AsyncIterator[int]:
    """A feeder process while the context lasts; its pid."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "bench.flood", str(socket), str(RUNS), str(RATE), str(lines))
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if not await process.stdout.readline():
            raise RuntimeError("the feeder ended; it said why above")
        yield process.pid
    finally:
        process.stdin.close()
        await process.wait()


class Watched:
    """A program on a terminal whose title names the chosen run."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.bytes = 0

    def until(self, mark: str) -> None:
        """Read until the words are drawn."""
        drawn, deadline = b"", time.monotonic() + _PATIENCE
        while mark not in words(drawn):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{mark!r} was not drawn; the end of it: {words(drawn)[-300:]!r}")
            drawn += self._read(0.5)

    def idle(self, seconds: float) -> None:
        """Read on."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def _read(self, seconds: float) -> bytes:
        more = self._terminal.read(seconds)
        self.bytes += len(more)
        return more

    def key(self, key: bytes, mark: str) -> float:
        """Milliseconds from a key to the words that it leads to (a regular expression)."""
        began = time.perf_counter()
        self._terminal.type(key)
        drawn, deadline = b"", time.monotonic() + _PATIENCE
        while not re.search(mark, words(drawn)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{mark!r} was not drawn; the end of it: {words(drawn)[-300:]!r}")
            drawn += self._read(0.5)
        return milliseconds(began)


class Keys:
    """Which key comes next, and the words that show that it was heard."""

    def __init__(self, walls: bool) -> None:
        self._walls, self._chosen, self._way = walls, 1, 1

    def next(self) -> tuple[bytes, str]:
        """Down a list and up again; on a wall, whose runs are not known, to another place and back."""
        if self._walls:
            self._way = -self._way
            return (LEFT, RIGHT)[self._way < 0], "\u25b8 flood-"
        if self._chosen == 1:
            self._way = 1
        elif self._chosen == RUNS:
            self._way = -1
        self._chosen += self._way
        return (DOWN if self._way > 0 else UP), f"trace flood-{self._chosen} "


def watch(
    command: Sequence[str], socket: Path, seconds: float, begins: str, walls: bool
) -> tuple[list[float], float, float]:
    """Milliseconds of each key, CPU as a share of one core, and bytes a second that were drawn."""
    waits: list[float] = []
    with Terminal([*command, str(socket)], WALL if begins != "trace flood-1 " else (120, 40)) as terminal:
        shown, keys = Watched(terminal), Keys(walls)
        shown.until(begins)
        shown.idle(WARM)
        drawn, cpu, began = shown.bytes, cpu_seconds(terminal.program.pid), time.monotonic()
        while time.monotonic() - began < seconds:
            shown.idle(_APART * random.uniform(0.5, 1.5))
            waits.append(shown.key(*keys.next()))
        took = time.monotonic() - began
        return waits, (cpu_seconds(terminal.program.pid) - cpu) / took, (shown.bytes - drawn) / took


Side = tuple[str, tuple[str, ...], str, bool]
"""What it is called, its command, what it draws once it is attached, and whether keys go about a wall."""
ONE: tuple[Side, ...] = (
    ("console", OURS, "trace flood-1 ", False),
    ("richlog", (*_LOGS, "richlog", "1"), "trace flood-1 ", False),
)
EIGHT: tuple[Side, ...] = (
    ("console", OURS_WALL, "\u25b8 flood-", True),
    ("richlog", (*_LOGS, "richlog", str(PANES)), "trace ", False),
    ("log", (*_LOGS, "log", str(PANES)), "trace ", False),
)


async def flooded(folder: Path, seconds: float, name: str, sides: Sequence[Side], lines: int) -> Figures:
    """Key to paint and CPU, of the console and of its peers."""
    socket = folder / f"{name}.sock"
    waits: dict[str, list[float]] = {side[0]: [] for side in sides}
    shares: dict[str, list[float]] = {side[0]: [] for side in sides}
    drawn: dict[str, list[float]] = {side[0]: [] for side in sides}
    async with flood(socket, lines):
        for _ in range(TURNS):
            for who, command, begins, walls in sides:
                say(f"{name}: {RUNS} runs x {RATE} frames/s of {lines or 'no'} lines: {who}, {seconds:g} s")
                keys, share, rate = await asyncio.to_thread(watch, command, socket, seconds, begins, walls)
                said = f"p50 {median(keys):.0f} ms, p99 {percentile(keys, 0.99):.0f} ms, CPU {share:.0%}"
                say(f"  {len(keys)} keys, {said}")
                waits[who].extend(keys)
                shares[who].append(share)
                drawn[who].append(rate / 1024)
    figures: Figures = {f"{name}_keys": len(waits["console"]), f"{name}_lines_per_s": RUNS * RATE * lines}
    for peer in [side[0] for side in sides[1:]]:
        of = f"{name}_{{}}_beside_{peer}"
        ours, theirs = waits["console"], waits[peer]
        figures |= beside(of.format("key_to_paint_ms_p50"), median(ours), median(theirs), 1)
        figures |= beside(of.format("key_to_paint_ms_p99"), percentile(ours, 0.99), percentile(theirs, 0.99), 1)
        figures |= beside(of.format("cpu_share"), median(shares["console"]), median(shares[peer]))
        figures |= beside(of.format("drawn_kib_per_s"), median(drawn["console"]), median(drawn[peer]), 1)
    return figures


async def started(folder: Path) -> Figures:
    """From the command to the first paint, beside a bare Textual app."""
    workspace = make(folder / "paint", kind="process")
    async with engine(workspace) as (_, console):
        await Runs.open(console, paint.RUNS)
        return await paint.warm(workspace)


async def _turn(console: Console, pid: int, seconds: float) -> tuple[float, float]:
    """Steps a second and CPU milliseconds a step of the engine, over fresh runs, for at least `seconds`."""
    runs = await Runs.open(console, STOPPED_RUNS)
    await runs.go()
    steps, cpu, began = 0, cpu_seconds(pid), time.monotonic()
    while (took := time.monotonic() - began) < seconds:
        steps += sum(map(len, await runs.go()))
    spent = cpu_seconds(pid) - cpu
    await runs.close()
    return steps / took, spent * 1000 / steps


async def stopped(folder: Path, seconds: float) -> Figures:
    """The engine's steps a second with a console that was stopped (SIGSTOP), and without one."""
    tag = await asyncio.to_thread(image)
    rates: tuple[list[float], list[float]] = ([], [])
    costs: tuple[list[float], list[float]] = ([], [])
    async with twin(folder) as url:
        workspace = make(folder / "steps", kind="docker", image=tag, url=url)
        async with engine(workspace) as (pid, console):
            for side in (0, 1, 1, 0):
                say(f"{STOPPED_RUNS} runs, {seconds:g} s, {('a stopped console', 'no other console')[side]}")
                if side:
                    rate, cost = await _turn(console, pid, seconds)
                else:
                    with Terminal([*OURS, str(workspace.socket)]) as terminal:
                        await asyncio.to_thread(Watched(terminal).until, "FACTORY")
                        os.kill(terminal.program.pid, signal.SIGSTOP)
                        rate, cost = await _turn(console, pid, seconds)
                say(f"  {rate:.0f} steps/s, {cost:.2f} ms of CPU a step")
                rates[side].append(rate)
                costs[side].append(cost)
    return {
        **beside("stopped_steps_per_s", median(rates[0]), median(rates[1]), 1),
        **beside("stopped_cpu_ms_per_step", median(costs[0]), median(costs[1])),
    }


async def measure(parts: Sequence[str], folder: Path, asked: argparse.Namespace) -> Figures:
    """All figures of these parts; `folder` is short enough for a socket's path."""
    figures: Figures = {}
    if "wall" in parts:
        figures |= await flooded(folder, asked.seconds, "wall", EIGHT, LINES)
    if "flood" in parts:
        figures |= await flooded(folder, asked.seconds, "flood", ONE, 0)
    if "start" in parts:
        figures |= await started(folder)
    if "attach" in parts:
        figures |= await attach.attached(folder, asked.events)
    if "day" in parts:
        figures |= await day.through(folder, OURS)
    if "stopped" in parts:
        figures |= await stopped(folder, asked.stop)
    return figures


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="what to measure (default: everything)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of the flood, each turn (default: %(default)s)")
    parser.add_argument(
        "--stop", type=float, default=STOPPED, help="that a console stands still (default: %(default)s)"
    )
    parser.add_argument("--events", type=int, default=attach.EVENTS, help="of the long journal (default: %(default)s)")
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        (folder / "state").mkdir()
        figures = asyncio.run(measure(asked.part or PARTS, folder, asked))
    print(json.dumps(figures | about(began)))


if __name__ == "__main__":
    main()
