"""A pool of started cells: whoever asks for one need not wait until it is up.

Owns cells that nobody has used yet, and hands out each once. It works for every kind, and knows none. What a container
says of itself is fixed when it is made, so a cell of the pool says role "warm" for good: whose it became is told by its
id in the journal.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from factory_tui.cells.protocol import ANY, CellError, Labels, Mould

if TYPE_CHECKING:
    from collections.abc import Collection

    from factory_tui.cells.protocol import Cell, Cells, Kind, Say
    from factory_tui.config.recipe import Recipe

log = logging.getLogger(__name__)

WARM = "warm"
"""The role of a cell that was made for nobody in particular."""
_MOULDS = 4
"""Moulds of which cells are kept ready: those that were asked for last."""
_ANSWER = 5.0
"""Seconds that a cell has to answer before it is handed out: on a busy machine a start takes as long."""


class Pool:
    """Cells of another kind, `size` of each mould that was asked for lately started ahead once `fill` is called.

    One is made at a time, and only while nobody waits for a cell: a burst of starts is not made slower. What could not
    be made is tried again after the next start, so an idle pool does nothing.
    """

    def __init__(self, cells: Cells, workspace: str, size: int) -> None:
        self._cells, self._labels, self._size = cells, Labels(workspace, "", WARM), size
        self._ready: OrderedDict[Mould, deque[Cell]] = OrderedDict({ANY: deque()})
        """By mould, the one asked for last at the end."""
        self._making: tuple[Mould, asyncio.Task[Cell]] | None = None
        """What will be the next of those that are ready, unless somebody takes it before."""
        self._waiting = 0
        self._filling = False
        self._plain = ANY
        """What the workspace's own choice came to."""
        self._thrown: set[asyncio.Task[None]] = set()

    @property
    def kind(self) -> Kind:
        """The kind of cell that ``start`` gives."""
        return self._cells.kind

    @property
    def fenced(self) -> bool:
        """Whether its cells keep commands from the host."""
        return self._cells.fenced

    @property
    def ready(self) -> int:
        """How many cells are ready, of all moulds."""
        return sum(map(len, self._ready.values()))

    def fill(self) -> None:
        """Begin to keep cells ready: after the sweep of what a dead engine left."""
        self._filling = True
        self._refill()

    async def prepare(self, recipe: Recipe, say: Say) -> Mould:
        """As the kind does."""
        mould = await self._cells.prepare(recipe, say)
        if not recipe.digest:
            self._plain = mould
        return mould

    async def start(self, labels: Labels, mould: Mould = ANY) -> Cell:
        """A cell that is ready, or soon will be; without any, one that is started now. Raises CellError."""
        mould = ANY if mould == self._plain else mould
        self._waiting += 1
        try:
            return await self._take(mould) or await self._cells.start(labels, mould)
        finally:
            self._waiting -= 1
            self._refill()

    async def _take(self, mould: Mould) -> Cell | None:
        ready = self._ready.setdefault(mould, deque())
        self._ready.move_to_end(mould)
        while len(self._ready) > _MOULDS:
            for old in self._ready.popitem(last=False)[1]:
                self._throw(old)
        while True:
            cell = ready.popleft() if ready else await self._made(mould)
            if cell is None or await self._well(cell):
                return cell

    async def _well(self, cell: Cell) -> bool:
        """Whether the cell answers and is as it was made; one that is not is thrown away."""
        try:
            async with asyncio.timeout(_ANSWER):
                if not await cell.tree():
                    return True
            why = "its work tree is not empty"
        except (CellError, TimeoutError) as error:
            why = str(error) or "it does not answer"
        except BaseException:
            self._throw(cell)
            raise
        log.warning("a warm cell is thrown away: %s", why)
        self._throw(cell)
        return False

    async def _made(self, mould: Mould) -> Cell | None:
        """The cell that is being made, ours from now on; nothing where there is none or that fails."""
        if self._making is None or self._making[0] != mould:
            return None
        making, self._making = self._making[1], None
        try:
            return await making
        except CellError as error:
            log.warning("no warm cell could be started: %s", error)
            return None
        except BaseException:
            if making.done() and not making.cancelled() and not making.exception():
                self._throw(making.result())
            raise

    def _refill(self) -> None:
        if not self._filling or self._waiting or self._making:
            return
        lacking = next((mould for mould in reversed(self._ready) if len(self._ready[mould]) < self._size), None)
        if lacking is not None:
            task = asyncio.create_task(self._cells.start(self._labels, lacking), name="warm cell")
            self._making = lacking, task
            task.add_done_callback(self._on_made)

    def _on_made(self, made: asyncio.Task[Cell]) -> None:
        if self._making is None or made is not self._making[1]:
            return  # somebody waits for it
        mould, self._making = self._making[0], None
        if made.cancelled():
            return
        if error := made.exception():
            log.warning("no warm cell could be started: %s", error)
        elif mould in self._ready:
            self._ready[mould].append(made.result())
            self._refill()
        else:  # others were asked for meanwhile
            self._throw(made.result())
            self._refill()

    def _throw(self, cell: Cell) -> None:
        task = asyncio.create_task(self._remove(cell), name="remove a warm cell")
        self._thrown.add(task)
        task.add_done_callback(self._thrown.discard)

    async def _remove(self, cell: Cell) -> None:
        try:
            await cell.close()
        except CellError as error:
            log.warning("a warm cell is left to the next sweep: %s", error)

    async def adopt(self) -> list[tuple[Labels, Cell]]:
        """What the kind finds; a cell that came from a pool has its labels."""
        return await self._cells.adopt()

    async def sweep(self, keep: Collection[str] = ()) -> int:
        """Remove every cell that is neither kept nor ready here."""
        ready = [cell for cells in self._ready.values() for cell in cells]
        if self._making and (made := self._making[1]).done() and not made.cancelled() and not made.exception():
            ready.append(made.result())
        return await self._cells.sweep({*keep, *(cell.id for cell in ready)})

    async def answers(self) -> bool:
        """As the kind says."""
        return await self._cells.answers()

    async def close(self) -> None:
        """Remove the cells that are ready, and let go of the kind's connections and threads."""
        self._filling = False
        if self._making is not None:
            (_, making), self._making = self._making, None
            making.cancel()
            await asyncio.wait([making])
            if not making.cancelled() and not making.exception():
                self._throw(making.result())
        for cell in [cell for cells in self._ready.values() for cell in cells]:
            self._throw(cell)
        self._ready.clear()
        while self._thrown:
            await asyncio.wait(self._thrown)
        await self._cells.close()
