"""A real engine on a small workspace, and a console that sees everything it says."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self, TypeVar

from factory_tui.config.workspace import Workspace
from factory_tui.console.trace import lines
from factory_tui.domain.commands import Command, Pause, StartRun, StopEngine
from factory_tui.domain.events import AnyFact, Event, ToolCalled
from factory_tui.domain.live import LiveFrame
from factory_tui.domain.reducer import reduce
from factory_tui.domain.state import Run, State
from factory_tui.engine.serve import Engine
from factory_tui.link.client import Link
from factory_tui.link.protocol import NoAnswer

PATIENCE = 60.0
"""Seconds anything may take here before a test fails."""
Fact = TypeVar("Fact", bound=AnyFact)
ROOT = Path(__file__).parents[2]


class Floor:
    """The engine runs in this process, as a task."""

    def __init__(self, workspace: Workspace, playbooks: Path, pace: float = 0.0) -> None:
        self.workspace = workspace
        self.playbooks = playbooks
        self.pace = pace
        self.events: list[Event] = []
        self.frames: list[LiveFrame] = []
        self._engine: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def open(self) -> None:
        """Start an engine, and attach."""
        await self._launch()
        async with asyncio.timeout(PATIENCE):
            while not await self._attach():
                await self._check()
                await asyncio.sleep(0.01)

    until_over = False
    patience = PATIENCE

    async def _launch(self) -> None:
        engine = Engine(self.workspace, self.playbooks, self.pace)
        self._engine = asyncio.create_task(engine.serve(until_over=self.until_over))

    async def _check(self) -> None:
        if self._engine is not None and self._engine.done():
            self._engine.result()

    async def _attach(self) -> bool:
        try:
            self.link = await Link.connect(self.workspace.socket)
        except NoAnswer:
            return False
        self.state = self.link.state
        return True

    async def stop(self) -> None:
        """Stop the engine in good order, if it runs."""
        if self._engine is not None and not self._engine.done():
            await self.link.command(StopEngine())
            await self.ended()
        await self.link.close()

    async def ended(self) -> None:
        """Until the engine let go."""
        assert self._engine is not None
        async with asyncio.timeout(PATIENCE):
            async for message in self.link:
                self._take(message)
            await self._engine

    async def start(self, seed: str = "greeter") -> str:
        """Start a run; its id."""
        before = self.state.counts.get(seed, 0)
        await self.link.command(StartRun(seed, ledger="rehearsal"))
        await self.until(lambda state: state.counts.get(seed, 0) > before)
        return list(self.state.runs)[-1]

    async def paused(self) -> str:
        """Start a run and pause it in its first pass; its id."""
        run = await self.start()
        await self.fact(ToolCalled)
        await self.command(Pause(run))
        await self.reach(run, "paused")
        return run

    async def command(self, command: Command) -> None:
        """Have a command taken, and see what it led to at once."""
        await self.link.command(command)
        newest = (await self.link.events(None, None, 1))[-1].seq
        await self.until(lambda state: state.seq >= newest)

    async def until(self, condition: Callable[[State], bool]) -> State:
        """Follow until the state is so."""
        try:
            async with asyncio.timeout(self.patience):
                while not condition(self.state):
                    self._take(await self._next())
        except TimeoutError:
            told = [f"{run.id} {run.state} at {run.node}: {run.why}" for run in self.state.runs.values()]
            told += [f"{line.run} {line.text[:160]}" for event in self.events[-30:] for line in lines(event)]
            raise AssertionError("it never came to that:\n" + "\n".join(told)) from None
        return self.state

    async def reach(self, run: str, *states: str) -> Run:
        """Follow until the run is in one of these states."""
        await self.until(lambda state: state.runs[run].state in states)
        return self.state.runs[run]

    async def fact(self, kind: type[Fact], where: Callable[[Fact], bool] = lambda _: True, after: int = 0) -> Event:
        """The first such fact after that seq, come or to come."""

        def found() -> Event | None:
            return next((e for e in self.events if e.seq > after and isinstance(e.fact, kind) and where(e.fact)), None)

        await self.until(lambda _: found() is not None)
        event = found()
        assert event is not None
        return event

    async def frame(self) -> None:
        """The next live frame: a model is speaking."""
        async with asyncio.timeout(PATIENCE):
            seen = len(self.frames)
            while len(self.frames) == seen:
                self._take(await self._next())

    async def _next(self) -> object:
        try:
            return await anext(self.link)
        except StopAsyncIteration:
            await self._check()
            raise AssertionError(f"the engine went: {self.link.end}") from None

    def _take(self, message: object) -> None:
        if isinstance(message, Event):
            self.events.append(message)
            self.state = reduce(self.state, message)
        elif isinstance(message, LiveFrame):
            self.frames.append(message)

    def told(self, kind: type[Fact]) -> list[Fact]:
        """The facts of a kind so far."""
        return [event.fact for event in self.events if isinstance(event.fact, kind)]

    def names(self) -> list[str]:
        """The kinds of what happened, in order."""
        return [str(type(event.fact).__struct_config__.tag) for event in self.events]


class FarFloor(Floor):
    """The engine is a process of its own, which can be killed."""

    process: asyncio.subprocess.Process

    async def _launch(self) -> None:
        options = ["--workspace", str(self.workspace.root), "--rehearsals", str(self.playbooks)]
        self.process = await cli("engine", "run", *options, "--pace", str(self.pace))
        self._engine = asyncio.create_task(self._ends())

    async def _ends(self) -> None:
        said = await self.process.stdout.read() if self.process.stdout else b""
        code = await self.process.wait()
        assert code in (0, -signal.SIGKILL), said.decode()

    async def kill(self) -> None:
        """SIGKILL, at this very moment; then what the console still hears."""
        self.process.kill()
        await self.ended()
        await self.link.close()


async def cli(*arguments: str, env: dict[str, str] | None = None) -> asyncio.subprocess.Process:
    """The real command line, as a process."""
    return await python("-m", "factory_tui", *arguments, env=env)


async def python(*arguments: str, env: dict[str, str] | None = None) -> asyncio.subprocess.Process:
    """This Python, as a process that sees the repository."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
    )


def in_order(names: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether `wanted` is found in `names`, in that order, with anything between."""
    rest = iter(names)
    return all(name in rest for name in wanted)
