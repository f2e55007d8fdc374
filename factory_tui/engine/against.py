"""A folder of code judged by a seed's scenarios, as the first pass of a run would be: no run, no model, no journal.

Owns what of a folder is judged, and which verdicts are heard on the way. How they are told is its caller's.
"""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from contextlib import asynccontextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from factory_tui.cells.choose import cells_of, limits_of
from factory_tui.cells.holder import this_process
from factory_tui.cells.protocol import MIB, Entry, Labels, TreeUnfit
from factory_tui.config.load import load
from factory_tui.domain.events import Event, RunQueued, VerdictReached, VisitBegan
from factory_tui.domain.money import Burn
from factory_tui.domain.reducer import fold
from factory_tui.engine.court import NOBODY, Bar, Ear, court
from factory_tui.engine.opening import figures_of
from factory_tui.engine.sources import Files
from factory_tui.harness.draws import inputs
from factory_tui.harness.expressions import ExpressionError
from factory_tui.harness.trajectory import Trajectory, run_trajectory
from factory_tui.harness.visit import Visitor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from factory_tui.cells.protocol import Cells, Mould
    from factory_tui.config.seed import Seed
    from factory_tui.config.settings import Settings
    from factory_tui.config.workspace import Workspace
    from factory_tui.domain.events import AnyFact
    from factory_tui.domain.state import Run
    from factory_tui.harness.corpus import Corpus
    from factory_tui.harness.shapes import Scenario
    from factory_tui.harness.visit import VisitResult

ASIDE = (".git",)
"""Names that are no part of what is judged, beside those that nothing ships with."""


class Judgement(msgspec.Struct, frozen=True):
    """What was judged, by what, and what came of it. The same `draws` give the same inputs again."""

    seed: str
    revision: str
    corpus: Corpus
    draws: str
    result: VisitResult
    judging: Burn = Burn()
    """What judges cost."""


class _Ear(Ear):
    """It says how far the visit is."""

    def __init__(self, run: str, say: Callable[[str], None]) -> None:
        super().__init__(run)
        self._say = say
        self._done = self._most = 0

    async def record(self, *facts: AnyFact) -> None:
        await super().record(*facts)
        for fact in facts:
            if isinstance(fact, VisitBegan):
                self._done, self._most = 0, fact.trajectories
                self._say(f"{fact.kind}: at most {fact.trajectories} trajectories")
            elif isinstance(fact, VerdictReached):
                self._done += 1
                how = "void" if fact.satisfied is None else "satisfied" if fact.satisfied else "not satisfied"
                self._say(f"{self._done} of at most {self._most}: {fact.scenario} #{fact.index} {how}")


async def judge(
    workspace: Workspace,
    name: str,
    folder: Path,
    *,
    draws: str,
    most: int | None,
    say: Callable[[str], None],
    bar: Bar = NOBODY,
) -> Judgement:
    """Judge what is in `folder` by the ship rule; `most` is its max_trajectories instead of the seed's.

    `bar`: who may be asked where a model has to judge. Raises Mistakes, Refused, ProviderHeld, CellError, OSError.
    SIGTERM is a Ctrl-C: no engine comes by where CI cancels a job, to sweep cells.
    """
    settings, seed, corpus, entries = _read(workspace, name, folder)
    run = _run(seed, corpus, settings, draws, most)
    async with (
        court(run.id, seed, corpus, settings, bar) as judges,
        _cells(workspace, seed, settings, say) as (cells, mould),
    ):
        visitor = Visitor(workspace.identity, settings.harness.timeout, mould, this_process())
        ear = _Ear(run.id, say)
        parallel = asyncio.Semaphore(settings.harness.parallel)

        async def visit(number: int, found: VisitResult | None) -> VisitResult:
            return await visitor.visit(
                ear,
                run=run,
                corpus=corpus,
                entries=entries,
                number=1,
                visit=number,
                kind="confirm" if found else "screen",
                cells=cells,
                parallel=parallel,
                pooled=found.verdicts if found else (),
                judges=judges,
            )

        result = await visit(1, None)
        if result.decision == "confirm":
            result = await visit(2, result)
    return Judgement(seed.name, seed.revision, corpus, draws, result, ear.judging)


async def once(
    workspace: Workspace, name: str, folder: Path, *, draws: str, say: Callable[[str], None]
) -> list[tuple[Scenario, Trajectory]]:
    """Play each scenario once against what is in `folder`: no ship rule, and no model is asked about rubrics.

    Raises Mistakes, CellError, OSError.
    """
    settings, seed, corpus, entries = _read(workspace, name, folder)
    labels = Labels(workspace.identity, f"{seed.name}-{draws}", "trajectory", 1, this_process())
    parallel = asyncio.Semaphore(settings.harness.parallel)
    async with _cells(workspace, seed, settings, say) as (cells, mould):

        async def play(scenario: Scenario) -> tuple[Scenario, Trajectory]:
            async with parallel:
                try:
                    values = inputs(scenario, labels.run, 1, 0)
                except ExpressionError as error:
                    return scenario, Trajectory(None, why=f"its [let] failed on these draws: {error}")
                timeout = settings.harness.timeout
                return scenario, await run_trajectory(
                    cells, labels, entries, scenario, values, timeout=timeout, mould=mould, twins=corpus.twins
                )

        async with asyncio.TaskGroup() as group:
            playing = [group.create_task(play(scenario)) for scenario in corpus.scenarios]
    return [task.result() for task in playing]


def _read(workspace: Workspace, name: str, folder: Path) -> tuple[Settings, Seed, Corpus, list[Entry]]:
    """What is judged, and by what. A Ctrl-C by SIGTERM too, from here on."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
    settings = load(workspace.config)
    files = Files(workspace)
    room = limits_of(settings.cells).work_bytes
    entries = sorted(_entries(folder, (*ASIDE, *settings.ship.exclude), room), key=lambda entry: entry.path)
    return settings, files.seed(name, settings), files.corpus(name), entries


@asynccontextmanager
async def _cells(
    workspace: Workspace, seed: Seed, settings: Settings, say: Callable[[str], None]
) -> AsyncIterator[tuple[Cells, Mould]]:
    cells, why = await cells_of(workspace.identity, workspace.state / "cells", settings.cells, say)
    say(why)
    try:
        yield cells, await cells.prepare(seed.recipe, say)
    finally:
        await cells.close()


def _run(seed: Seed, corpus: Corpus, settings: Settings, draws: str, most: int | None) -> Run:
    """What a visit has to know of a run."""
    figures, name = figures_of(settings.harness, seed), f"{seed.name}-{draws}"
    queued = RunQueued(
        seed=seed.name,
        revision=seed.revision,
        corpus=corpus.hash,
        loop="",
        dot="",
        model="",
        ledger="rehearsal",
        owner=seed.owner,
        ship_at=figures.ship_at,
        alpha=figures.alpha,
        max_passes=figures.max_passes,
        max_trajectories=most or figures.max_trajectories,
        cap=None,
        scenarios=tuple((one.name, one.set) for one in corpus.scenarios),
    )
    return fold([Event(1, "", 0, queued, name)]).runs[name]


def _entries(folder: Path, exclude: tuple[str, ...], room: int) -> Iterator[Entry]:
    """What is in a folder, as a cell's tree would tell it; links as links. Raises TreeUnfit for more than a cell holds.

    That is said before it is read: every trajectory would end void on it.
    """
    left = room
    for parent, below, names in os.walk(folder, onerror=_raise):
        below[:] = [name for name in below if not _left_out(name, exclude)]
        for name in [*below, *(one for one in names if not _left_out(one, exclude))]:
            full = Path(parent, name)
            found, path = full.lstat(), full.relative_to(folder).as_posix()
            mode = found.st_mode
            if stat.S_ISLNK(mode):
                yield Entry(path, "link", 0o777, target=str(full.readlink()))
            elif stat.S_ISDIR(mode):
                yield Entry(path, "dir", mode & 0o777)
            elif stat.S_ISREG(mode):
                left -= found.st_size
                if left < 0:
                    raise TreeUnfit(
                        f"what is in {folder} up to {path!r:.200} is longer than the {room / MIB:g} MiB that a cell "
                        "holds. Remedy: name what is no part of it in [ship] exclude, or raise [cells] work"
                    )
                yield Entry(path, "file", mode & 0o777, full.read_bytes())


def _left_out(name: str, exclude: tuple[str, ...]) -> bool:
    return any(fnmatch(name, glob) for glob in exclude)


def _raise(error: OSError) -> None:
    raise error
