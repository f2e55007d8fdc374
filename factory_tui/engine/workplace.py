"""What every run works with: cells, snapshots, the model's door, and the one home cell of each run.

Owns which run has which cell. It does not know where a run is in its loop.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from factory_tui.cells.protocol import Cell, CellDied, CellError, Cells, Labels
from factory_tui.config.settings import Settings
from factory_tui.config.workspace import Workspace
from factory_tui.delivery.snapshot import Snapshots
from factory_tui.domain.events import CellClosed, CellStarted, Draft, Noticed
from factory_tui.domain.scribe import Clock, Scribe
from factory_tui.domain.state import Run
from factory_tui.engine.record import Record
from factory_tui.model.door import Door, Model
from factory_tui.policy.budget import Budget

Models = Callable[[Run], Model]
"""The model a run talks to. Raises NoKey."""


@dataclass
class Workplace:
    """One for the engine."""

    workspace: Workspace
    settings: Settings
    record: Record
    cells: Cells
    door: Door
    budget: Budget
    models: Models
    snapshots: Snapshots
    parallel: asyncio.Semaphore
    """Trajectories at once, over all runs."""
    now: Clock
    redact: Callable[[str], str]
    _homes: dict[str, Cell] = field(default_factory=dict)

    async def adopt(self) -> None:
        """Take over the cells that a dead engine left: runs that can go on get theirs back, all others are removed."""
        wanted = {name: set(run.cells) for name, run in self.record.state.runs.items()}
        keep = []
        for labels, cell in await self.cells.adopt():
            if labels.role == "agent" and cell.id in wanted.get(labels.run, ()):
                self._homes[labels.run] = cell
                keep.append(cell.id)
        await self.cells.sweep(keep)
        for name, lost in wanted.items():
            for gone in lost - {cell.id for cell in self._homes.values()}:
                await self.record.scribe(name).record(CellClosed(gone, lost=True, why="gone when the engine started"))

    async def home(self, scribe: Scribe, commit: str) -> Cell:
        """The run's own cell; a new one begins with the work tree of `commit`, or empty without one."""
        cell = self._homes.get(scribe.run)
        if cell is not None:
            return cell
        began = time.monotonic()
        cell = await self.cells.start(Labels(self.workspace.identity, scribe.run, "agent"))
        try:
            if commit:
                await cell.plant(await self.snapshots.entries(commit))
            # Recorded once it is whole: a cell that a kill leaves unrecorded is swept, not adopted.
            await scribe.record(CellStarted(cell.id, "agent", cell.kind, cell.fenced, time.monotonic() - began))
        except BaseException:
            await asyncio.shield(cell.close())
            raise
        self._homes[scribe.run] = cell
        return cell

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
        await cell.close()
        await scribe.record(CellClosed(cell.id, lost, why))

    async def freeze_home(self, run: str) -> None:
        """Let a parked run's cell stand still. One that cannot be frozen goes on: nothing waits for it."""
        try:
            await self._if_alive(run, frozen=True)
        except CellError as trouble:
            await self.record.append([Draft(Noticed("warning", f"{run}: {trouble}"), run)])

    async def thaw_home(self, run: str) -> None:
        """Let it move again."""
        await self._if_alive(run, frozen=False)

    async def _if_alive(self, run: str, *, frozen: bool) -> None:
        cell = self._homes.get(run)
        if cell is None:
            return
        try:
            await (cell.pause() if frozen else cell.resume())
        except CellDied as died:
            await self.lose_home(self.record.scribe(run), str(died))

    async def detach(self) -> None:
        """Let go of every cell without ending what runs in it."""
        await self.cells.close()
        self._homes.clear()
