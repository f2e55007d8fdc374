"""`make bench-console`: the console under a flood, beside a RichLog; the engine with a console that stands still.

Progress on stderr; the last line of stdout is one JSON object.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.engine import about, image
from bench.figures import Figures, beside, median, milliseconds, percentile, say
from bench.playing import cpu_seconds, twin
from bench.terminal import Terminal, words
from bench.working import Console, Runs, engine, make

PARTS = ("flood", "stopped")
RUNS = 32
RATE = 200
"""Live frames a second of each run."""
TURNS = 2
SECONDS = 20.0
"""Of keys and CPU, in each turn of each side."""
WARM = 2.0
_APART = 0.12
"""Seconds from a paint to the next key: as fast as a person goes down a list."""
_PATIENCE = 30.0
STOPPED_RUNS = 8
STOPPED = 30.0
"""Seconds that a console stands still, in each turn."""

_CONSOLE = """
import sys
from pathlib import Path
from factory_tui.console.app import run_console
from factory_tui.console.feed import attach_to
sys.exit(run_console(attach_to(Path(sys.argv[1]))))
"""
OURS = (sys.executable, "-c", _CONSOLE)
PEER = (sys.executable, "-m", "bench.logs")
UP, DOWN = b"\x1b[A", b"\x1b[B"


@asynccontextmanager
async def flood(socket: Path, rate: float) -> AsyncIterator[int]:
    """A feeder process while the context lasts; its pid."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "bench.flood", str(socket), str(RUNS), str(rate))
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

    def key(self, key: bytes, run: int) -> float:
        """Milliseconds from a key to the title that it leads to."""
        began = time.perf_counter()
        self._terminal.type(key)
        self.until(f"trace flood-{run} ")
        return milliseconds(began)


def watch(command: Sequence[str], socket: Path, seconds: float) -> tuple[list[float], float, float]:
    """Milliseconds of each key, CPU as a share of one core, and bytes a second that were drawn."""
    waits: list[float] = []
    with Terminal([*command, str(socket)]) as terminal:
        shown = Watched(terminal)
        shown.until("trace flood-1 ")
        shown.idle(WARM)
        chosen, way = 1, 1
        drawn, cpu, began = shown.bytes, cpu_seconds(terminal.program.pid), time.monotonic()
        while time.monotonic() - began < seconds:
            shown.idle(_APART * random.uniform(0.5, 1.5))
            way = 1 if chosen == 1 else -1 if chosen == RUNS else way
            chosen += way
            waits.append(shown.key(DOWN if way > 0 else UP, chosen))
        took = time.monotonic() - began
        return waits, (cpu_seconds(terminal.program.pid) - cpu) / took, (shown.bytes - drawn) / took


async def flooded(folder: Path, seconds: float) -> Figures:
    """Key to paint and CPU, of the console and of its peer."""
    socket = folder / "flood.sock"
    waits: tuple[list[float], list[float]] = ([], [])
    shares: tuple[list[float], list[float]] = ([], [])
    drawn: tuple[list[float], list[float]] = ([], [])
    async with flood(socket, RATE):
        for number in range(2 * TURNS):
            side = number % 2
            say(f"{RUNS} runs x {RATE} frames/s: {('the console', 'a RichLog')[side]}, {seconds:g} s")
            keys, share, rate = await asyncio.to_thread(watch, (OURS, PEER)[side], socket, seconds)
            say(f"  {len(keys)} keys, p50 {median(keys):.0f} ms, p99 {percentile(keys, 0.99):.0f} ms, CPU {share:.0%}")
            waits[side].extend(keys)
            shares[side].append(share)
            drawn[side].append(rate / 1024)
    return {
        "keys": len(waits[0]),
        **beside("key_to_paint_ms_p50", median(waits[0]), median(waits[1]), 1),
        **beside("key_to_paint_ms_p99", percentile(waits[0], 0.99), percentile(waits[1], 0.99), 1),
        **beside("console_cpu_share", median(shares[0]), median(shares[1])),
        **beside("drawn_kib_per_s", median(drawn[0]), median(drawn[1]), 1),
    }


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


async def measure(parts: Sequence[str], folder: Path, seconds: float, stop: float) -> Figures:
    """All figures of these parts; `folder` is short enough for a socket's path."""
    figures: Figures = {}
    if "flood" in parts:
        figures |= await flooded(folder, seconds)
    if "stopped" in parts:
        figures |= await stopped(folder, stop)
    return figures


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="what to measure (default: everything)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of the flood, each turn (default: %(default)s)")
    parser.add_argument(
        "--stop", type=float, default=STOPPED, help="that a console stands still (default: %(default)s)"
    )
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        (folder / "state").mkdir()
        figures = asyncio.run(measure(asked.part or PARTS, folder, asked.seconds, asked.stop))
    print(json.dumps(figures | about(began)))


if __name__ == "__main__":
    main()
