"""The journal at an instant: which event was the newest then, the state then, and how many events came when.

By place alone, since rows have no gaps: cheap on a million of them. Blocks, so asked off the engine's loop. Where the
clock was set back an instant is there twice, and one of them is meant.
"""

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from factory_tui.domain.state import State
from factory_tui.journal.chain import Keys
from factory_tui.journal.errors import JournalDamaged, JournalError, readable
from factory_tui.journal.kept import Kept
from factory_tui.journal.rows import connect, read

_LAST = "SELECT coalesce(max(seq), 0) FROM event"
_ROW = "SELECT CAST(hash AS BLOB) FROM event WHERE seq = ?"
_AT = "SELECT at FROM event WHERE seq = ?"


class Timeline(NamedTuple):
    """Spans of the same length: span n holds the events after `seqs[n]`, up to `seqs[n + 1]`."""

    begin: int
    end: int
    """UTC ms: of its first and of its last event."""
    seqs: tuple[int, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many events are in each span."""
        return tuple(after - before for before, after in pairwise(self.seqs))


def timeline(folder: Path, spans: int, begin: int | None = None, end: int | None = None) -> Timeline:
    """How the events of a time (None: of the first, of the last) lie in it. Raises JournalError."""
    path = folder / "journal.db"
    with closing(connect(path)) as database, readable(path):
        last = _last(database)
        if not last:
            return Timeline(begin or 0, end or 0, (0,) * (spans + 1))
        begin = _at(database, 1) if begin is None else begin
        end = max(begin, _at(database, last) if end is None else end)
        edges = [begin - 1, *(begin - 1 + (end + 1 - begin) * one // spans for one in range(1, spans + 1))]
        seqs = [_newest(database, last, edge) for edge in edges]
    return Timeline(begin, end, tuple(seqs))


def seq_at(folder: Path, at: int) -> int:
    """The seq of the newest event at that time, UTC ms; 0 before the first. Raises JournalError."""
    path = folder / "journal.db"
    with closing(connect(path)) as database, readable(path):
        return _newest(database, _last(database), at)


def row_hash(folder: Path, seq: int | None) -> tuple[int, str]:
    """The seq of the newest event, and the hash of an event's row; empty where there is none. Raises JournalError."""
    path = folder / "journal.db"
    with closing(connect(path)) as database, readable(path):
        found = database.execute(_ROW, (seq or 0,)).fetchone()
        return _last(database), found[0].hex() if found else ""


def state_at(folder: Path, keys: Keys, seq: int) -> State:
    """The state as of an event, from the nearest that is kept. Raises JournalError with the reason."""
    path = folder / "journal.db"
    with closing(connect(path)) as database, readable(path):
        last = _last(database)
    if not 0 <= seq <= last:
        raise JournalError(f"there is no event {seq}; the newest is {last}")
    kept = Kept(folder, keys.load(make=False))
    begun = kept.nearest(seq)
    try:
        return kept.fold(read(folder, after=begun.seq, to=seq), begun)
    except JournalDamaged as damage:
        told = str(damage).partition(". Remedy:")
        since = f"from event {begun.seq} on" if begun.seq else "from the first event on"
        raise JournalDamaged(f"event {seq} cannot be folded to {since}: {told[0]}.{''.join(told[1:])[1:]}") from damage


def _last(database: sqlite3.Connection) -> int:
    found: int = database.execute(_LAST).fetchone()[0]
    return found


def _at(database: sqlite3.Connection, seq: int) -> int:
    found: tuple[int] | None = database.execute(_AT, (seq,)).fetchone()
    if found is None:
        raise JournalDamaged(f"event {seq} is missing")
    return found[0]


def _newest(database: sqlite3.Connection, last: int, at: int) -> int:
    """The seq of an event not after `at` whose next one is after it, or is none: by halves."""
    low, high = 0, last + 1
    while high - low > 1:
        middle = (low + high) // 2
        if _at(database, middle) <= at:
            low = middle
        else:
            high = middle
    return low
