"""Eight runs that flood: agents that say much and commands that say more, until an operator has had enough."""

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import Steer
from factory_tui.domain.events import ToolCalled
from factory_tui.domain.live import LiveOutput, LiveText
from factory_tui.link.protocol import Skipped
from tests.engine.floor import FarFloor
from tests.engine.greeter import LONG, TRIMS, WRITES, make
from tests.playbooks import playbook, rule, runs, speaks

RUNS = 8
CONFIG = """
[agent]
max_steps = 10000
[policy]
run_cap = 1000
"""
ENOUGH = "That is enough of a flood."
FLOOD = "for turn in {{1..{turns}}}; do head -c {piece} /dev/urandom | base64; sleep 0.05; done; echo it goes on"
DONE = speaks("greet.py is done.")


def flooding(folder: Path, chance: random.Random) -> tuple[Workspace, Path, str]:
    """A workspace for eight runs, its playbooks, and what was drawn."""
    words, piece, turns = chance.randint(300, 600), chance.randint(30_000, 50_000), chance.randint(10, 30)
    talk = "I look at it from every side. " * words
    rules = (
        WRITES,
        TRIMS,
        rule("stop", ENOUGH, DONE),
        rule("flood", "greet.py reads|it goes on", speaks(talk), runs(FLOOD.format(turns=turns, piece=piece))),
        rule("done", "trimmed", DONE),
    )
    workspace, playbooks = make(folder, image="none", playbook=playbook("greeter", *rules), seed=LONG)
    config = workspace.config.read_text().replace("slots = 4", f"slots = {RUNS}")
    config = config.replace("key_env =", "window = 100_000_000\nkey_env =")  # else it has to be summed up
    workspace.config.write_text(config + CONFIG)
    return workspace, playbooks, f"{len(talk)} characters a step, {turns} x {piece} bytes of output"


class Flood(NamedTuple):
    """What came in some seconds."""

    streamed: int
    """Characters."""
    told: int
    """Bytes of events."""
    steps: int
    """Of the run that took the fewest."""
    grown: int
    """Bytes by which the engine's memory grew at its largest."""


class FloodedFloor(FarFloor):
    """Counts what streams instead of keeping it."""

    patience = 300.0
    _streamed = 0

    def _take(self, message: object) -> None:
        assert not isinstance(message, Skipped), "the test itself was too slow a console"
        if isinstance(message, LiveText | LiveOutput):
            self._streamed += len(message.text)
        else:
            super()._take(message)

    async def flood(self) -> list[str]:
        """Start the runs; each floods when this returns."""
        started = [await self.start() for _ in range(RUNS)]
        await self.until(lambda _: all(self._steps(run) for run in started))
        return started

    async def go_on(self, started: Sequence[str], seconds: float) -> Flood:
        """Let them flood for so long."""
        ends, look, largest = time.monotonic() + seconds, 0.0, 0
        before, streamed, seen = resident(self.process.pid), self._streamed, len(self.events)
        steps = [self._steps(run) for run in started]
        while (now := time.monotonic()) < ends:
            if now >= look:
                look, largest = now + 0.1, max(largest, resident(self.process.pid))
            self._take(await self._next())
        told = sum(len(msgspec.json.encode(event)) for event in self.events[seen:])
        least = min(self._steps(run) - then for run, then in zip(started, steps, strict=True))
        return Flood(self._streamed - streamed, told, least, largest - before)

    async def enough(self, started: Sequence[str]) -> None:
        """Tell every agent, which hears it before its next step; until all have shipped, or cannot."""
        await asyncio.gather(*(self.link.command(Steer(run, ENOUGH)) for run in started))
        over = ("shipped", "held", "jammed", "failed")
        await self.until(lambda state: all(state.runs[run].state in over for run in started))

    def _steps(self, run: str) -> int:
        """Flooding commands so far."""
        facts = [event.fact for event in self.events if event.run == run]
        return sum(isinstance(fact, ToolCalled) and "urandom" in fact.brief for fact in facts)


def resident(pid: int) -> int:
    """Bytes of memory that a process holds (proc(5), VmRSS)."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("VmRSS")) * 1024
