"""The faults that operators set on the twins of runs, in the cells that are up.

Owns which cells have to be told, and what each has met by now: a verdict says so. A twin's front reads a file of its
cell's annex at every request, so that a fault holds on in a cell that outlives its engine. What a fault is belongs to
`domain.faults`; who set it is the state's to know.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

from factory_tui.cells.protocol import CellError, Entry
from factory_tui.domain.faults import milliseconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from factory_tui.cells.protocol import Cell

log = logging.getLogger(__name__)
PATIENCE = 10.0
"""Seconds that a cell has to take a fault in, once it was set."""


def file_of(twin: str) -> str:
    """Where a twin's front finds what operators have it do: a path in the annex."""
    return f"{twin}.fault.json"


class Met:
    """A cell with twins, and the faults that it has met."""

    def __init__(self, run: str, cell: Cell, twins: Sequence[str], faults: Callable[[str], Mapping[str, str]]) -> None:
        self.run = run
        self._cell, self._twins, self._faults = cell, twins, faults
        self._told = asyncio.Lock()
        """What is set last is written last."""
        self._met: dict[str, None] = {}
        self.note()

    @property
    def faults(self) -> tuple[str, ...]:
        """Each as `ledger 429`."""
        return tuple(self._met)

    def note(self) -> None:
        """Whatever is set now was met, though it may never reach a twin."""
        faults = self._faults(self.run)
        self._met.update((f"{twin} {faults[twin]}", None) for twin in self._twins if twin in faults)

    async def tell(self) -> None:
        """Have the fronts find what is set now. Raises CellError."""
        async with self._told:
            faults = self._faults(self.run)
            entries = [Entry(file_of(twin), "file", data=_spelt(faults.get(twin, ""))) for twin in self._twins]
            await self._cell.plant(entries, annex=True)


class Spoiling:
    """One for the engine. `faults`: of a run, by twin; `say`: a line for the operator, about a run."""

    def __init__(
        self, faults: Callable[[str], Mapping[str, str]], say: Callable[[str, str], Awaitable[object]]
    ) -> None:
        self._faults = faults
        self._say = say
        self._cells: dict[str, Met] = {}
        self._telling: set[asyncio.Task[None]] = set()

    async def join(self, run: str, cell: Cell, twins: Sequence[str]) -> Met:
        """From now on these twins of the cell do what is set for the run. Raises CellError."""
        if cell.id in self._cells:
            return self._cells[cell.id]
        met = self._cells[cell.id] = Met(run, cell, twins, self._faults)
        try:
            if twins:
                await met.tell()
        except BaseException:  # else it would count as told
            self.leave(cell.id)
            raise
        return met

    def leave(self, cell: str) -> None:
        """The cell goes, or stands still: it is told nothing."""
        self._cells.pop(cell, None)

    def heed(self, run: str) -> None:
        """What is set for a run has changed: its cells are told, each as soon as it can be."""
        for cell, met in self._cells.items():
            if met.run == run:
                met.note()
                task = asyncio.create_task(self._tell(cell, met))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)

    async def _tell(self, cell: str, met: Met) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await met.tell()
        except (CellError, TimeoutError) as trouble:
            log.warning("a fault for cell %s of %s: %s", cell, met.run, trouble)
            if self._cells.get(cell) is met:  # else it was on its way out
                await self._say(met.run, f"{met.run}: a cell was not told of what its twins are to do: {trouble}")

    async def close(self) -> None:
        """Tell nobody any more."""
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)


def _spelt(fault: str) -> bytes:
    """As the front reads it."""
    late = milliseconds(fault)
    told: dict[str, float] = {"latency": late / 1000} if late else {"status": int(fault)} if fault else {}
    return json.dumps(told).encode()
