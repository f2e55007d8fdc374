"""What end-to-end tests share: the bundled workspace in a folder of its own, runs of it, and what is left of them."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from factory_tui.config.workspace import Workspace, copy_bundled
from factory_tui.console.plain import follow
from factory_tui.domain.commands import Answer, StartRun, StopEngine
from factory_tui.domain.events import AnyFact, Event, Prompted
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from factory_tui.engine.serve import Engine, entropy, now
from factory_tui.journal import Journal
from factory_tui.link.client import Link
from factory_tui.link.protocol import NoAnswer

ROOT = Path(__file__).parents[2]
SEEDS = ("shortlinks", "orders-etl", "interval-bug", "ledger")
ALONE = SEEDS[:3]
"""Those that converge without a human."""
QUICK = MappingProxyType({"ship_at": 0.6, "alpha": 0.5, "max_trajectories": 22})
"""Figures by which a vault story that fails still keeps a pass from shipping, and as few trajectories as can ship the
rest; for who asks why something ships, not how surely.
"""
PATIENCE = 240.0
"""Seconds that anything may take here, on a machine that does much else."""
Fact = TypeVar("Fact", bound=AnyFact)


@dataclass(frozen=True)
class Past:
    """A workspace's journal, read when its engine is gone."""

    workspace: Workspace
    events: list[Event]

    @property
    def state(self) -> State:
        """What the events fold to."""
        return fold(self.events)

    def facts(self, kind: type[Fact], run: str = "") -> list[Fact]:
        """The facts of a kind, oldest first."""
        return [event.fact for event in self.events if isinstance(event.fact, kind) and run in ("", event.run)]

    def told(self, run: str) -> list[str]:
        """The symptoms that the run's generator was told, pass by pass."""
        prompts = [fact for fact in self.facts(Prompted, run) if fact.origin == "feedback"]
        return ["\n".join(block["text"] for block in json.loads(fact.content)) for fact in prompts]

    def shipped(self, run: str) -> Path:
        """The folder that the run handed over."""
        return self.workspace.root / self.state.runs[run].shipped

    def fixes(self, run: str) -> str:
        """What the run changed after its first pass, as patches of the commits that it shipped."""
        first, *_ = git(self.shipped(run), "rev-list", "--reverse", "HEAD").decode().split()
        return git(self.shipped(run), "log", "-p", "--format=", "--unified=0", f"{first}..HEAD").decode()


def git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True).stdout


def bundled_in(
    folder: Path, *, kind: str, config: str = "", figures: Mapping[str, float] = MappingProxyType({})
) -> Workspace:
    """A copy of the bundled workspace with that kind of cells; every seed's front matter gets these figures."""
    workspace = copy_bundled(folder)
    workspace.config.write_text(
        f'{workspace.config.read_text()}\n[cells]\nkind = "{kind}"\nbubblewrap = false\n{config}'
    )
    for seed in (*workspace.seeds.glob("*.md"), *workspace.seeds.glob("*/seed.md")):
        _, front, rest = seed.read_text().split("+++\n", 2)
        for name, figure in figures.items():
            front = re.sub(rf"(?m)^{name} = .*\n", "", front) + f"{name} = {figure}\n"
        seed.write_text(f"+++\n{front}+++\n{rest}")
    return workspace


def playbooks_in(folder: Path, playbooks: Mapping[str, str]) -> Path:
    """A folder of playbooks: file name to text."""
    folder.mkdir()
    for name, text in playbooks.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


async def past(workspace: Workspace) -> Past:
    journal = await Journal.open(
        workspace.state, workspace.keys, workspace=workspace.identity, clock=now, entropy=entropy
    )
    try:
        return Past(workspace, await journal.events())
    finally:
        await journal.close()


async def rehearse(
    workspace: Workspace,
    playbooks: Path,
    seeds: Sequence[str],
    answers: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Past:
    """Run the seeds side by side, by an engine in this process, until none can go on.

    `answers`: by seed, the words that its jams are answered with, one after the other.
    """
    left = {seed: iter(words) for seed, words in answers.items()}
    given: dict[str, str] = {}
    engine = asyncio.create_task(Engine(workspace, playbooks).serve(until_over=False))
    try:
        async with asyncio.timeout(PATIENCE):
            link = await _attached(workspace, engine)
            for seed in seeds:
                await link.command(StartRun(seed, ledger="rehearsal"))

            async def attend(state: State) -> bool:
                under_way = False
                for run in [one for one in state.runs.values() if one.state == "jammed"]:
                    asked = run.escalation
                    if asked and asked not in given and (words := next(left.get(run.seed, iter(())), "")):
                        given[asked] = words
                        await link.command(Answer(asked, text=words))
                    under_way |= asked in given or not asked
                return under_way

            await follow(link, lambda _: None, as_json=True, wanted=len(seeds), attend=attend)
            await link.command(StopEngine())
            await link.close()
            await engine
    finally:
        engine.cancel()
        await asyncio.gather(engine, return_exceptions=True)
    return await past(workspace)


async def _attached(workspace: Workspace, engine: "asyncio.Task[None]") -> Link:
    while True:
        try:
            return await Link.connect(workspace.socket)
        except NoAnswer:
            if engine.done():
                await engine
                raise
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Said:
    """What the command line said, and how it ended."""

    code: int
    lines: list[str]
    errors: str

    @property
    def summary(self) -> dict[str, Any]:
        """The object on the last line of --json."""
        found = json.loads(self.lines[-1])
        assert set(found) == {"summary"}
        return dict(found["summary"])


async def cli(
    *arguments: str | Path,
    watch: Callable[[Event], Awaitable[None]] | None = None,
    env: Mapping[str, str] | None = None,
) -> Said:
    """The real command line as a process; `watch` sees every event of its --json while it runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "factory_tui", *map(str, arguments)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 26,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.create_task(process.stderr.read())
    lines = []
    try:
        async with asyncio.timeout(PATIENCE):
            async for line in process.stdout:
                lines.append(line.decode().rstrip("\n"))
                if watch is not None and line.startswith(b'{"seq"'):
                    await watch(msgspec.json.decode(line, type=Event))
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return Said(code, lines, (await errors).decode())


@asynccontextmanager
async def stopping(workspace: Workspace) -> AsyncIterator[None]:
    """Whatever happens inside, the workspace's engine is told to stop in the end, and goes."""
    try:
        yield
    finally:
        await cli("engine", "stop", "--workspace", workspace.root)
        assert await released(workspace), "an engine still answers"


async def released(workspace: Workspace) -> bool:
    """Whether the workspace's engine goes, within a deadline: nobody holds the workspace, nobody answers."""
    from factory_tui.config.reading import Mistakes
    from factory_tui.engine.spawn import answers

    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                workspace.hold().release()
            except Mistakes:
                await asyncio.sleep(0.05)
            else:
                return not answers(workspace)
