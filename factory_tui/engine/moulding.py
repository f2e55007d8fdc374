"""What a run's cells are made from: asked of the cells, with what is said meanwhile written into the run's trace.

Owns how much of a build's log the journal gets. It knows no container engine.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from factory_tui.cells.protocol import Cells, Mould
from factory_tui.config.recipe import Recipe
from factory_tui.domain.events import ImageLogged, ImageReady
from factory_tui.domain.scribe import Scribe

HEAD, TAIL = 5, 15
"""Lines of a log that one event holds: the first and the last since the one before it."""
PAUSE = 1.0
"""Seconds between two such events at first; a long build is told ever more seldom."""
LONGEST = 15.0


class Tape:
    """Lines that are heard in one thread and written down in another."""

    def __init__(self, scribe: Scribe, redact: Callable[[str], str]) -> None:
        self._scribe = scribe
        self._redact = redact
        self._head: deque[tuple[int, str]] = deque(maxlen=HEAD)
        self._tail: deque[tuple[int, str]] = deque(maxlen=TAIL)
        self._count = self._written = 0

    def say(self, line: str) -> None:
        """Hear a line, in any one thread; cheap, and never waits."""
        self._count += 1
        if self._count <= self._written + HEAD:
            self._head.append((self._count, line))
        else:
            self._tail.append((self._count, line))

    @property
    def silent(self) -> bool:
        """Whether nothing was ever heard."""
        return not self._count

    async def write(self) -> None:
        """Write down what was heard since the last time."""
        count, heard = self._count, [*self._head, *self._tail]
        lines = [line for number, line in heard if self._written < number <= count]
        left_out = count - self._written - len(lines)
        self._written = count
        if lines:
            await self._scribe.record(ImageLogged(self._redact("\n".join(lines)), left_out))

    async def roll(self) -> None:
        """Write for as long as it lasts."""
        pause = PAUSE
        while True:
            await asyncio.sleep(pause)
            await self.write()
            pause = min(LONGEST, pause * 1.05)


async def mould_of(cells: Cells, recipe: Recipe, scribe: Scribe, redact: Callable[[str], str]) -> Mould:
    """What cells by the recipe are made from. Raises CellError; cancelled, it stops what it had begun."""
    began, tape = time.monotonic(), Tape(scribe, redact)
    rolling = asyncio.create_task(tape.roll())
    try:
        mould = await cells.prepare(recipe, tape.say)
    except asyncio.CancelledError:
        raise
    except Exception:
        await tape.write()
        raise
    finally:
        rolling.cancel()
        await asyncio.wait([rolling])
    await tape.write()
    if not tape.silent:
        await scribe.record(ImageReady(mould.image, time.monotonic() - began))
    return mould
