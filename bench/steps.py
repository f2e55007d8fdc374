"""Steps: one model turn with one command in a Docker cell, the engine whole against the floor loop."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import mean

from bench.figures import Figures, beside, gaps, median, percentile, rate, say
from bench.playing import STEPS, cpu_seconds, own_time
from bench.working import Console, Runs

ROUNDS = {1: 10, 8: 5, 32: 3}
"""Turns that each side takes, by the number of loops."""
_LINE = 1 << 24


class Floor:
    """The floor's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    async def say(self, words: str) -> list[list[float]]:
        """Tell it something and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{words}\n".encode())
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the floor loop ended; it said why above")
        answer: list[list[float]] = json.loads(line)
        return answer


@asynccontextmanager
async def floor() -> AsyncIterator[Floor]:
    """A floor process while the context lasts; it removes its containers when stdin ends."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.floor", stdin=pipe, stdout=pipe, limit=_LINE
    )
    try:
        yield Floor(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def measure(console: Console, engine: int, base: Floor, image: str, url: str) -> Figures:
    """Overhead of a step at one run, steps a second at many."""
    figures: Figures = {}
    for count, rounds in ROUNDS.items():
        say(f"steps at {count}: {rounds} turns of {STEPS} steps a loop, each side")
        runs = await Runs.open(console, count)
        await base.say(f"open {count} {image} {url}")
        await runs.go()
        await base.say("go")  # both warm: connections, imports, first commands
        ours: list[list[list[float]]] = []
        theirs: list[list[list[float]]] = []
        cpu_ours, cpu_theirs = 0.0, 0.0
        for number in range(rounds):
            for side in (0, 1) if number % 2 else (1, 0):
                if side:
                    began = cpu_seconds(engine)
                    ours.append(await runs.go())
                    cpu_ours += cpu_seconds(engine) - began
                else:
                    began = cpu_seconds(base.pid)
                    theirs.append(await base.say("go"))
                    cpu_theirs += cpu_seconds(base.pid) - began
        await runs.close()
        await base.say("close")
        if count == 1:
            twin = await own_time(url, turns=STEPS * (rounds + 2) // 2)
            figures |= _alone(ours, theirs, twin)
        else:
            figures |= beside(f"steps_per_s_{count}", median([*map(rate, ours)]), median([*map(rate, theirs)]), 1)
        steps = count * rounds * STEPS
        figures |= beside(f"cpu_ms_per_step_{count}", cpu_ours * 1000 / steps, cpu_theirs * 1000 / steps)
        say(
            "  " + "  ".join(f"{name} {value:g}" for name, value in figures.items() if name.endswith(f"_{count}_ratio"))
        )
    return figures


def _alone(ours: list[list[list[float]]], theirs: list[list[list[float]]], twin: float) -> Figures:
    """One loop: a step's time, and what of it is not the model's own."""
    here = [gap for turn in ours for gap in gaps(turn[0])]
    there = [gap for turn in theirs for gap in gaps(turn[0])]
    return {
        "twin_ms": round(twin, 3),
        **beside("step_ms_p50", median(here), median(there)),
        **beside("step_ms_p99", percentile(here, 0.99), percentile(there, 0.99)),
        **beside("step_ms_mean", mean(here), mean(there)),
        **beside("step_overhead_ms", median(here) - twin, median(there) - twin),
    }
