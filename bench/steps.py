"""Steps: one model turn with one command in a Docker cell, the engine whole against the floor loop."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from statistics import harmonic_mean, mean

from bench.figures import Figures, beside, gaps, median, percentile, rate, say
from bench.playing import STEPS, cpu_seconds, own_time, resident_mb
from bench.working import Console, Runs

ROUNDS = {1: 10, 8: 5, 32: 9}
"""Turns that each side takes, by the number of loops; with the first, which warms, 32 loops take 200 steps each."""
SHORT = 5
"""Turns at the beginning, where conversations are short."""
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


async def measure(
    console: Console, engine: int, base: Floor, image: str, url: str, *, counts: Collection[int] = (1, 8, 32)
) -> Figures:
    """Overhead of a step at one run, steps a second at many; a run's conversation grows from turn to turn."""
    figures: Figures = {}
    for count in counts:
        rounds = ROUNDS[count]
        say(f"steps at {count}: {rounds} turns of {STEPS} steps a loop, each side")
        runs = await Runs.open(console, count)
        await base.say(f"open {count} {image} {url} shell")
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
        figures |= beside(f"rss_mb_{count}", resident_mb(engine), resident_mb(base.pid), 0)
        await runs.close()
        await base.say("close")
        if count == 1:
            twin = await own_time(url, turns=STEPS * (rounds + 2) // 2)
            figures |= _alone(ours, theirs, twin)
        else:
            figures |= _together(count, [*map(rate, ours)], [*map(rate, theirs)])
        steps = count * rounds * STEPS
        figures |= beside(f"cpu_ms_per_step_{count}", cpu_ours * 1000 / steps, cpu_theirs * 1000 / steps)
        said = [name for name in figures if name.endswith((f"_{count}_ratio", f"_{count}_long_ratio"))]
        say("  " + "  ".join(f"{name} {figures[name]:g}" for name in said))
    return figures


def _together(count: int, ours: list[float], theirs: list[float]) -> Figures:
    """Steps a second in the first turns; and over all of them, where there are many, each with as many steps."""
    figures = beside(f"steps_s_{count}", median(ours[:SHORT]), median(theirs[:SHORT]), 1)
    if len(ours) > SHORT:
        figures |= beside(f"steps_s_{count}_long", harmonic_mean(ours), harmonic_mean(theirs), 1)
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
        **beside("overhead_ms_p50_1", median(here) - twin, median(there) - twin),
    }


async def by_exec(base: Floor, image: str, url: str, figures: Figures) -> Figures:
    """The floor's loop with a `docker exec` for every command, as the quickest harness that works so could be, and how
    many times as many steps `figures` has. More than a few loops at once do not make it quicker.
    """
    found: Figures = {}
    for count in (1, 8):
        say(f"steps at {count} by docker exec")
        await base.say(f"open {count} {image} {url} exec")
        loops = await base.say("go")
        await base.say("close")
        if count > 1:
            best = rate(loops)
            found[f"exec_steps_s_{count}"] = round(best, 1)
            for many in (8, 32):
                if f"steps_s_{many}" in figures:
                    found[f"times_exec_{many}"] = round(figures[f"steps_s_{many}"] / best, 1)
        elif "twin_ms" in figures:
            found["exec_overhead_ms_p50_1"] = round(median(gaps(loops[0])) - figures["twin_ms"], 3)
    return found
