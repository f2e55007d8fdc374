"""The cells that are up: whose each is, and what it uses while somebody looks.

A kind of cells itself: what others start through it is on its list. What a cell uses is told by the cell's own runner
over the stream that is there anyway; while nobody looks, nothing is asked. It knows neither runs nor consoles.
"""

import asyncio
import logging
from collections.abc import Collection
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from factory_tui.cells.protocol import ANY, Cell, CellError, Cells, Kind, Labels, Mould, NoEngine, Say
from factory_tui.config.recipe import Recipe
from factory_tui.domain.gauges import Gauge
from factory_tui.domain.live import LiveCell
from factory_tui.domain.scribe import Clock
from factory_tui.engine.record import Show

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two looks at a cell; what has not moved is not told again."""


class Roster:
    """Cells of another kind, with a list of those that are up. Consoles are told by `show`."""

    def __init__(self, cells: Cells, now: Clock, show: Show) -> None:
        self._cells, self._now, self._show = cells, now, show
        self._up: WeakKeyDictionary[Cell, LiveCell] = WeakKeyDictionary()
        """Weak, so that whoever lets go of a cell need not say so here too."""
        self._looks: dict[Cell, asyncio.Task[None]] = {}
        self._watched: Collection[str] | None = ()

    @property
    def kind(self) -> Kind:
        """The kind of cell that ``start`` gives."""
        return self._cells.kind

    @property
    def fenced(self) -> bool:
        """Whether its cells keep commands from the host."""
        return self._cells.fenced

    async def start(self, labels: Labels, mould: Mould = ANY) -> Cell:
        """A started cell that is on the list. Raises CellError."""
        cell = await self._cells.start(labels, mould)
        self.enlist(labels, cell)
        return cell

    def enlist(self, labels: Labels, cell: Cell) -> None:
        """A cell is up, and whose it is."""
        self._up[cell] = LiveCell(
            cell.id, labels.run, labels.role, labels.number, cell.kind, cell.fenced, cell.image.reference, self._now()
        )
        self._look()

    async def prepare(self, recipe: Recipe, say: Say) -> Mould:
        """As the kind does."""
        return await self._cells.prepare(recipe, say)

    async def adopt(self) -> list[tuple[Labels, Cell]]:
        """As the kind has it; those that somebody wants are to be enlisted."""
        return await self._cells.adopt()

    async def sweep(self, keep: Collection[str] = ()) -> int:
        """As the kind does it."""
        return await self._cells.sweep(keep)

    async def answers(self) -> bool:
        """As the kind says."""
        return await self._cells.answers()

    async def close(self) -> None:
        """Look at nothing more, and let go as the kind does."""
        self.watch(())
        await self._cells.close()

    def up(self, run: str | None) -> list[LiveCell]:
        """The cells of a run, or of all, as they were last looked at."""
        return [seen for cell, seen in self._up.items() if not cell.closed and run in (None, seen.run)]

    def watch(self, runs: Collection[str] | None) -> None:
        """From now on look at the cells of these runs, None: of all; at no others."""
        self._watched = runs
        for cell, looking in list(self._looks.items()):
            if not self._wanted(self._up[cell]):
                looking.cancel()
        self._look()

    def _wanted(self, seen: LiveCell) -> bool:
        return self._watched is None or seen.run in self._watched

    def _look(self) -> None:
        for cell, seen in list(self._up.items()):
            if self._wanted(seen) and cell not in self._looks and not cell.closed:
                self._looks[cell] = asyncio.create_task(self._follow(cell), name=f"gauge {seen.cell[:12]}")

    async def _follow(self, cell: Cell) -> None:
        def hear(gauge: Gauge | None) -> None:
            self._up[cell] = seen = replace(self._up[cell], gauge=gauge)
            self._show(seen)

        try:
            while True:
                try:
                    await cell.gauge(hear, EVERY)
                    break
                except NoEngine:
                    hear(None)  # what it was is not what it is
                    await asyncio.sleep(EVERY)
        except CellError as gone:
            log.debug("%s: %s", cell.id, gone)
        finally:
            del self._looks[cell]
            if cell.closed:
                self._show(replace(self._up.pop(cell), up=False))
