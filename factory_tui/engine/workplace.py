"""What every run works with: cells, snapshots, the model's door, and the one home cell of each run.

Owns which run has which cell. It does not know where a run is in its loop.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from msgspec.structs import replace

from factory_tui.cells.protocol import Cell, CellDied, CellError, Entry, Labels, Mould, NoEngine
from factory_tui.config.recipe import Recipe
from factory_tui.config.seed import Seed
from factory_tui.config.settings import Settings
from factory_tui.config.twin import load_twin
from factory_tui.config.workspace import Workspace
from factory_tui.delivery.snapshot import Snapshots
from factory_tui.domain.events import CellClosed, CellStarted, Draft, Noticed
from factory_tui.domain.scribe import Clock, Scribe
from factory_tui.domain.state import OVER, Run
from factory_tui.engine.library import Library
from factory_tui.engine.moulding import mould_of
from factory_tui.engine.record import Record
from factory_tui.engine.roster import Roster
from factory_tui.harness.hosting import settle_in
from factory_tui.harness.spoiling import Spoiling
from factory_tui.model.door import Door, Model
from factory_tui.policy.budget import Budget

ROOM = 4 << 20
"""Bytes that must be free on the workspace's disk for work to go on."""
STILL = 10.0
"""Seconds that a cell has to freeze: commands to its run wait for that."""
Models = Callable[[Run], Model]
"""The model a run talks to. Raises Parked for one that config.toml no longer has."""


@dataclass
class Workplace:
    """One for the engine."""

    workspace: Workspace
    library: Library
    record: Record
    cells: Roster
    door: Door
    budget: Budget
    models: Models
    snapshots: Snapshots
    parallel: asyncio.Semaphore
    """Trajectories at once, over all runs."""
    now: Clock
    redact: Callable[[str], str]
    judgements: Iterator[int] = field(default_factory=lambda: count(1))
    """Numbers of judges' calls, over all runs."""
    spoiling: Spoiling = field(init=False)
    """What operators have the twins of runs do."""
    proving: asyncio.Task[None] | None = None
    """Finds out whether the fence holds; it has a cell of its own."""
    _homes: dict[str, Cell] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Faults of twins are the state's; a cell that cannot be told of one is the operator's to know."""
        self.spoiling = Spoiling(
            lambda run: {twin: one.fault for twin, one in self.record.state.runs[run].faults.items()},
            lambda run, said: self.record.append([Draft(Noticed("warning", said), run)]),
        )

    @property
    def settings(self) -> Settings:
        """The newest good settings."""
        return self.library.settings()

    async def adopt(self) -> None:
        """Take over the cells that a dead engine left: runs that can go on get theirs back, all others are removed.

        Whose a cell is, the journal says: what it was labelled with when it was made does not.
        """
        runs = self.record.state.runs
        at_work = [run for run in runs.values() if run.state not in OVER]
        owners = {name: run.id for run in at_work for name, cell in run.cells.items() if cell.role == "agent"}
        for _, cell in await self.cells.adopt():
            if cell.id in owners:
                owner = owners[cell.id]
                self._homes[owner] = cell
                self.cells.enlist(Labels(self.workspace.identity, owner, "agent"), cell)
        kept = {cell.id for cell in self._homes.values()}
        try:
            await self.cells.sweep(kept)
        except NoEngine:
            raise
        except CellError as trouble:
            said, _, remedy = str(trouble).partition(". Remedy: ")
            await self.record.append([Draft(Noticed("warning", said, remedy))])
        for run in list(runs.values()):
            for gone in run.cells.keys() - kept:
                lost = run.state not in OVER
                await self.record.scribe(run.id).record(CellClosed(gone, lost, "gone when the engine started"))
            if run.state != "running":
                await self.freeze_home(run.id)

    async def mould(self, scribe: Scribe, recipe: Recipe) -> Mould:
        """What the run's cells are made from; built first where that was never done. Raises CellError."""
        return await mould_of(self.cells, recipe, scribe, self.redact)

    async def home(self, scribe: Scribe, seed: Seed, commit: str, beginning: Callable[[], Sequence[Entry]]) -> Cell:
        """The run's own cell; a new one has the work tree of `commit`, or without one that of the beginning.

        One that was made by another recipe, or for other twins, is given up for a new one. Raises CellError, and
        Mistakes or TwinFault for the seed's twins.
        """
        recipe = seed.recipe
        made = " ".join([recipe.digest, *seed.twins]).strip()
        cell = self._homes.get(scribe.run)
        if cell is not None:
            known = self.record.state.runs[scribe.run].cells.get(cell.id)
            if known is None or known.recipe == made:
                await self._spoilt(scribe.run, cell, seed)
                return cell
            await self._close(scribe, "the seed asks for another image or other twins now", lost=False)
        twins = [await asyncio.to_thread(load_twin, self.workspace.twins, name) for name in seed.twins]
        mould = await self.mould(scribe, recipe)
        mould = replace(mould, hosts=tuple(twin.host for twin in twins))
        began = time.monotonic()
        cell = await self.cells.start(Labels(self.workspace.identity, scribe.run, "agent"), mould)
        try:
            entries = await self.snapshots.entries(commit) if commit else await asyncio.to_thread(beginning)
            if entries:
                await cell.plant(entries)
            await self._spoilt(scribe.run, cell, seed)
            if twins:
                await settle_in(cell, twins)
            # Recorded once it is whole: a cell that a kill leaves unrecorded is swept, not adopted.
            seconds, image = time.monotonic() - began, cell.image
            fact = CellStarted(cell.id, "agent", cell.kind, cell.fenced, seconds, image.reference, image.id)
            await scribe.record(replace(fact, recipe=made))
        except BaseException:
            self.spoiling.leave(cell.id)
            await asyncio.shield(cell.close())
            raise
        self._homes[scribe.run] = cell
        return cell

    async def _spoilt(self, run: str, cell: Cell, seed: Seed) -> None:
        """Have its twins do what operators set for the run, from now on."""
        if seed.twins and cell.annex:
            await self.spoiling.join(run, cell, seed.twins)

    async def lose_home(self, scribe: Scribe, why: str) -> None:
        """Give up a run's cell that died: the next one is rebuilt from the last snapshot."""
        await self._close(scribe, why, lost=True)

    async def close_home(self, scribe: Scribe) -> None:
        """Remove a run's cell, if it has one."""
        await self._close(scribe, "", lost=False)

    async def _close(self, scribe: Scribe, why: str, *, lost: bool) -> None:
        cell = self._homes.pop(scribe.run, None)
        if cell is None:
            return
        self.snapshots.forget(cell.id)
        self.spoiling.leave(cell.id)
        await cell.close()
        await scribe.record(CellClosed(cell.id, lost, why))

    def leave_home(self, run: str) -> None:
        """Let the tool that is at work in a run's cell be; its outcome is asked for when the run goes on."""
        if run in self._homes:
            self._homes[run].leave()

    async def freeze_home(self, run: str) -> None:
        """Let a parked run's cell stand still. One that cannot be frozen goes on: nothing waits for it."""
        try:
            async with asyncio.timeout(STILL):
                await self._if_alive(run, frozen=True)
        except TimeoutError:
            late = f"{run}: its cell did not stand still within {STILL:g} s"
            await self.record.append([Draft(Noticed("warning", late), run)])
        except NoEngine:
            return  # the run itself says so
        except CellError as trouble:
            await self.record.append([Draft(Noticed("warning", f"{run}: {trouble}"), run)])

    async def thaw_home(self, run: str) -> None:
        """Let it move again."""
        await self._if_alive(run, frozen=False)

    async def _if_alive(self, run: str, *, frozen: bool) -> None:
        cell = self._homes.get(run)
        if cell is None:
            return
        if frozen:  # it is told when the run goes on
            self.spoiling.leave(cell.id)
        try:
            await (cell.pause() if frozen else cell.resume())
        except CellDied as died:
            await self.lose_home(self.record.scribe(run), str(died))

    def room(self) -> bool:
        """Whether the workspace's disk has any to speak of."""
        return shutil.disk_usage(self.workspace.state).free > ROOM

    async def detach(self) -> None:
        """Let go of every home without ending what runs in it, once nobody works there."""
        for cell in self._homes.values():
            await cell.detach()

    async def close(self) -> None:
        """Let go of everything, once nobody works here; a home that cannot live without its engine is removed."""
        if self.proving is not None:
            self.proving.cancel()
            await asyncio.wait([self.proving])
        await self.spoiling.close()
        for cell in list(self._homes.values()):
            if cell.kind == "process":
                await cell.close()
        self._homes.clear()
        await self.cells.close()
