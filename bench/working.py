"""The engine at work: a real engine process on a workspace of its own, and the console that follows it.

A run's loop is gate -> generate -> gate: each answer to the gate lets the agent work until the model stops. So all
cells are up before the clock runs, and the runs of one engine can take turns with the floor.
"""

import asyncio
import os
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bench.playing import MODEL, SEED
from factory_tui.cells.choose import choose
from factory_tui.config.load import load
from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import Answer, StartRun, Stop, StopEngine
from factory_tui.domain.events import Event, ToolReturned
from factory_tui.domain.reducer import reduce
from factory_tui.domain.state import OVER, State
from factory_tui.engine import spawn
from factory_tui.link.client import Link
from factory_tui.link.protocol import LinkLost, Skipped

_CONFIG = """
[engine]
slots = 32
[cells]
kind = "{kind}"
image = "{image}"
[models.default]
id = "{model}"
base_url = "{url}"
key_env = "{key_env}"
[agent]
max_steps = 100000
[policy]
run_cap = 100000
[owners.bench]
name = "The benchmark"
"""
_SEED = """+++
owner = "bench"
+++
Write a step into a log, again and again.
"""
_LOOP = """digraph steps {
    start [shape=Mdiamond]
    cell [shape=parallelogram, tool_command="true"]
    gate [shape=hexagon, label="Go on?"]
    generate [label="Generate", prompt="$goal"]
    exit [shape=Msquare]
    start -> cell -> gate
    gate -> generate [label="go"]
    gate -> exit [label="end"]
    generate -> gate
}
"""
_SCENARIO = """
kind = "{kind}"
set = "vault"
story = "given a log, when a step is taken, then it is in the log"
[draw]
name = {{ kind = "word", min = 3, max = 12 }}
[[act]]
run = {{ command = "echo {{name}}" }}
[act.expect]
stdout = {{ equals = "{{name}}" }}
"""
KEY_ENV = "FACTORY_BENCH_KEY"
_PATIENCE = 120.0


def make(folder: Path, *, kind: str, image: str = "none", url: str = "http://127.0.0.1:9") -> Workspace:
    """A workspace with one seed whose loop waits at a gate."""
    workspace = Workspace(folder)
    scenarios = workspace.scenarios / SEED
    for part in (workspace.seeds, workspace.loops, scenarios):
        part.mkdir(parents=True)
    workspace.config.write_text(_CONFIG.format(kind=kind, image=image, model=MODEL, url=url, key_env=KEY_ENV))
    (workspace.seeds / f"{SEED}.md").write_text(_SEED)
    (workspace.loops / "factory.dot").write_text(_LOOP)
    for name in ("main", "edge", "adversarial"):
        (scenarios / f"{name}.toml").write_text(_SCENARIO.format(kind=name))
    return workspace


class Console:
    """An attached console: it folds what it hears, and notes when each run took a step."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.state: State = link.state
        self.steps: dict[str, list[float]] = defaultdict(list)
        self._changed = asyncio.Event()
        self._following = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for message in self.link:
            if isinstance(message, Skipped):
                raise RuntimeError("the bench's console was too slow: figures would be wrong")
            if isinstance(message, Event):
                self.state = reduce(self.state, message)
                if isinstance(message.fact, ToolReturned):
                    self.steps[message.run].append(time.perf_counter())
                self._changed.set()

    async def until(self, holds: Callable[[State], bool]) -> None:
        """Wait for the state. Raises TimeoutError, and whatever ended the following."""
        async with asyncio.timeout(_PATIENCE):
            while not holds(self.state):
                if self._following.done():
                    self._following.result()
                    raise RuntimeError(f"the link ended: {self.link.end}")
                self._changed.clear()
                await self._changed.wait()

    async def close(self) -> None:
        """Detach."""
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        await self.link.close()


class Runs:
    """Some runs of the engine that wait at their gates."""

    def __init__(self, console: Console, names: list[str]) -> None:
        self._console = console
        self._names = names

    @classmethod
    async def open(cls, console: Console, count: int) -> "Runs":
        """Start runs, and wait until each has a cell and stands at its gate."""
        before = set(console.state.runs)
        for _ in range(count):
            await console.link.command(StartRun(SEED, ledger="live", unfenced=True))
        runs = cls(console, [])
        await console.until(lambda state: len(set(state.runs) - before) == count)
        runs._names = sorted(set(console.state.runs) - before)
        await console.until(runs._all_at_gate)
        return runs

    def _all_at_gate(self, state: State) -> bool:
        for name in self._names:
            run = state.runs[name]
            if run.state not in ("queued", "running", "signoff"):
                raise RuntimeError(f"{name} is {run.state}: {run.why}")
        return all(state.runs[name].state == "signoff" and state.runs[name].escalation for name in self._names)

    async def go(self) -> list[list[float]]:
        """Let each work until its model stops; the moment of each step."""
        console = self._console
        console.steps.clear()
        asked = [console.state.runs[name].escalation for name in self._names]
        await asyncio.gather(*(console.link.command(Answer(one, "go")) for one in asked))
        await console.until(lambda state: all(state.escalations[one].answered_at for one in asked))
        await console.until(self._all_at_gate)
        return [console.steps[name] for name in self._names]

    async def close(self) -> None:
        """End them, cells and all."""
        for name in self._names:
            await self._console.link.command(Stop(name, "measured"))
        await self._console.until(
            lambda state: all(state.runs[one].state in OVER and not state.runs[one].cells for one in self._names)
        )


@asynccontextmanager
async def engine(workspace: Workspace) -> AsyncIterator[tuple[int, Console]]:
    """An engine process, started as `factory-tui` does, and one console on it; nothing is left of either."""
    playbooks = workspace.root / "playbooks"
    playbooks.mkdir(exist_ok=True)
    os.environ[KEY_ENV] = "no-secret-of-anybody"
    pid = await asyncio.to_thread(spawn.start, workspace, ["--rehearsals", str(playbooks)])
    console = Console(await Link.connect(workspace.socket))
    try:
        yield pid, console
    except BaseException:
        print(workspace.log.read_text()[-3000:], file=sys.stderr)
        raise
    finally:
        with suppress(LinkLost):  # an engine that is gone already is not what went wrong first
            await console.link.command(StopEngine())
        await console.close()
        await _gone(workspace)
        await _sweep(workspace)


async def _gone(workspace: Workspace) -> None:
    async with asyncio.timeout(_PATIENCE):
        while spawn.answers(workspace):  # noqa: ASYNC110 - a socket that closes tells nobody
            await asyncio.sleep(0.02)


async def _sweep(workspace: Workspace) -> None:
    """Whatever went wrong, no container stays."""
    table = load(workspace.config).cells
    cells, _ = await choose(workspace.identity, workspace.state / "cells", kind=table.kind, image=table.image)
    await cells.sweep()
    await cells.close()
