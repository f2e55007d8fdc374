"""Journal appends, acknowledged and durable, against raw sqlite3 with the same durability.

The floor is one writer thread that commits whatever waits (WAL, synchronous FULL): no chain, no types, no events.
"""

import asyncio
import itertools
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.figures import Figures, beside, median, percentile, say
from factory_tui.domain.events import Draft, ToolReturned
from factory_tui.engine.serve import entropy, now
from factory_tui.journal import Journal

_SECONDS = 0.5
_TURNS = 5
_SYNCS = 200
"""Writes with an fsync after each turn."""
_PAGE = bytes(4096)
_TEXT = "x" * 400
_DRAFT = Draft(ToolReturned(7, "toolu_0123456789", _TEXT, seconds=0.5), "steps-1")
_ROW = ("event", "steps-1", "x" * 480)
_TABLE = "CREATE TABLE event (seq INTEGER PRIMARY KEY, kind TEXT, run TEXT, body TEXT)"
_INSERT = "INSERT INTO event (kind, run, body) VALUES (?, ?, ?)"

Append = Callable[[], Awaitable[None]]


class Raw:
    """The floor."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[asyncio.Future[None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    async def append(self) -> None:
        """Return once a row is on disk."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._queue.put(done)
        await done

    def close(self) -> None:
        """End the thread."""
        self._queue.put(None)
        self._thread.join()

    def _write(self) -> None:
        database = sqlite3.connect(self._path, isolation_level=None)
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", _TABLE):
            database.execute(statement)
        while (waiting := self._queue.get()) is not None:
            batch = [waiting]
            while not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    self._queue.put(None)
                    break
                batch.append(more)
            database.execute("BEGIN")
            database.executemany(_INSERT, itertools.repeat(_ROW, len(batch)))
            database.execute("COMMIT")
            self._loop.call_soon_threadsafe(_acknowledge, batch)
        database.close()


def _acknowledge(batch: list[asyncio.Future[None]]) -> None:
    for done in batch:
        done.set_result(None)


async def _turn(append: Append, writers: int) -> tuple[float, list[float]]:
    """Rows a second, and milliseconds to each acknowledgement."""
    taken: list[float] = []
    began = time.perf_counter()

    async def write() -> None:
        while (asked := time.perf_counter()) < began + _SECONDS:
            await append()
            taken.append((time.perf_counter() - asked) * 1000)

    await asyncio.gather(*(write() for _ in range(writers)))
    return len(taken) / (time.perf_counter() - began), taken


def _syncs(path: Path) -> list[float]:
    """Milliseconds of so many writes of a page with its fsync, and nothing else: what the disk itself takes."""
    taken = []
    with path.open("ab", buffering=0) as file:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            file.write(_PAGE)
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
    return taken


async def measure(folder: Path) -> Figures:
    """Rows a second and the time to an acknowledgement, for one writer and for 32."""
    journal = await Journal.open(folder / "journal", folder / "keys", workspace="bench", clock=now, entropy=entropy)
    raw = Raw(folder / "raw.db")

    async def append() -> None:
        await journal.append([_DRAFT])

    figures: Figures = {}
    try:
        for writers in (1, 32):
            say(f"journal: {writers} writers, {_TURNS} turns")
            sides: tuple[Append, Append] = (append, raw.append)
            rates: tuple[list[float], list[float]] = ([], [])
            waits: tuple[list[float], list[float]] = ([], [])
            syncs: list[float] = []
            for number in range(2 * _TURNS):
                speed, taken = await _turn(sides[number % 2], writers)
                rates[number % 2].append(speed)
                waits[number % 2].extend(taken)
                syncs.extend(await asyncio.to_thread(_syncs, folder / "synced"))
            figures |= beside(f"appends_per_s_{writers}", median(rates[0]), median(rates[1]), 0)
            figures |= beside(f"append_ms_p50_{writers}", median(waits[0]), median(waits[1]))
            figures |= beside(f"append_ms_p99_{writers}", percentile(waits[0], 0.99), percentile(waits[1], 0.99))
            figures[f"fsync_ms_p99_{writers}"] = round(percentile(syncs, 0.99), 3)
    finally:
        raw.close()
        await journal.close()
    return figures
