"""Rows as events, whoever asks for them: the engine by its own connection, a command beside a running engine."""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from factory_tui.domain.events import AnyFact, Event
from factory_tui.journal.blobs import Blobs
from factory_tui.journal.errors import REMEDY, JournalDamaged, readable
from factory_tui.journal.schema import check_version

CHUNK = 200
"""Rows read at a time where all are: few enough that the garbage collector does not look through them in vain."""
_END = (1 << 63) - 1
"""No seq is larger."""
COLUMNS = "seq, id, at, run, actor, payload, digest"
_OF_KINDS = "(? IS NULL OR kind IN (SELECT value FROM json_each(?)))"
_NEXT = (
    f"SELECT {COLUMNS} FROM event WHERE seq > ? AND seq <= ? AND (? IS NULL OR run = ?) AND {_OF_KINDS} "  # noqa: S608
    f"ORDER BY seq LIMIT {CHUNK}"
)
_FORWARD = f"SELECT {COLUMNS} FROM event WHERE seq > ?"  # noqa: S608
_BACKWARD = f"SELECT {COLUMNS} FROM event WHERE seq < ?"  # noqa: S608
_facts: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)
_encode = msgspec.json.Encoder().encode


class Wanted(msgspec.Struct, frozen=True):
    """Rows of a run ("": the floor's), with these tags of facts, by an actor (`!name`: by all others); None: all."""

    run: str | None = None
    kinds: Collection[str] | None = None
    actor: str | None = None

    def forward(self, after: int, limit: int | None) -> tuple[str, list[Any]]:
        """SQL and values: the oldest above a seq, in order."""
        where, values = self._where()
        return f"{_FORWARD}{where} ORDER BY seq LIMIT ?", [after, *values, -1 if limit is None else limit]

    def backward(self, before: int, limit: int) -> tuple[str, list[Any]]:
        """SQL and values: the newest below a seq, newest first."""
        where, values = self._where()
        return f"{_BACKWARD}{where} ORDER BY seq DESC LIMIT ?", [before, *values, limit]

    def _where(self) -> tuple[str, list[Any]]:
        where, values = "", list[Any]()
        if self.run is not None:
            where, values = where + " AND run = ?", [*values, self.run]
        if self.kinds is not None:
            where += " AND kind IN (SELECT value FROM json_each(?))"
            values = [*values, _encode(sorted(self.kinds)).decode()]
        if self.actor is not None:
            where += " AND actor != ?" if self.actor.startswith("!") else " AND actor = ?"
            values = [*values, self.actor.removeprefix("!")]
        return where, values


def revive(rows: Sequence[Any], blobs: Blobs) -> list[Event]:
    """The events of rows of COLUMNS. Raises JournalDamaged."""
    return list(_each(rows, blobs))


def _each(rows: Sequence[Any], blobs: Blobs) -> Iterator[Event]:
    for seq, identity, at, run, actor, payload, digest in rows:
        yield Event(seq, identity, at, _fact(seq, payload, digest, blobs), run, actor)


def _fact(seq: int, payload: bytes | None, digest: bytes, blobs: Blobs) -> AnyFact:
    try:
        return _facts.decode(blobs.read(seq, digest) if payload is None else payload)
    except msgspec.MsgspecError as fault:
        raise JournalDamaged(f"{blobs.folder.parent}: event {seq} is no fact: {fault}. {REMEDY}") from fault


def connect(path: Path) -> sqlite3.Connection:
    """For reading; not `mode=ro`, which cannot put SQLite's own files away again. Raises JournalError and its kinds."""
    database = sqlite3.connect(path)
    try:
        with readable(path):
            database.execute("PRAGMA query_only = ON")
            check_version(database, path)
    except BaseException:
        database.close()
        raise
    return database


def check(path: Path) -> None:
    """Look at every page of the file, not at what the rows hold. Raises JournalDamaged."""
    with closing(connect(path)) as database, readable(path):
        said: str = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise JournalDamaged(f"{path}: damaged: {' '.join(said.split())}. {REMEDY}")


def page(folder: Path, wanted: Wanted, *, after: int | None, before: int | None, limit: int) -> list[Event]:
    """The oldest `limit` wanted events above `after`, else the newest below `before` (None: there are); in order.

    By a connection of its own: what is asked for by hand may look through all rows, and nobody's reads wait behind it.
    """
    path = folder / "journal.db"
    sql, values = wanted.backward(_END if before is None else before, limit)
    if after is not None:
        sql, values = wanted.forward(after, limit)
    with closing(connect(path)) as database, readable(path):
        rows = database.execute(sql, values).fetchall()
    return revive(rows if after is not None else rows[::-1], Blobs(folder))


def read(
    folder: Path,
    *,
    after: int = 0,
    to: int | None = None,
    run: str | None = None,
    kinds: Collection[str] | None = None,
) -> Iterator[Event]:
    """The events of the journal in `folder` with `after` < seq <= `to`, of one run or of all; an engine may be writing.

    With `kinds`: those with these tags of facts alone. No reading goes on while the caller takes its time. Raises
    JournalError and its kinds.
    """
    path, blobs = folder / "journal.db", Blobs(folder)
    last = _END if to is None else to
    tags = None if kinds is None else msgspec.json.encode(sorted(kinds)).decode()
    with closing(connect(path)) as database:
        while True:
            with readable(path):
                rows = database.execute(_NEXT, (after, last, run, run, tags, tags)).fetchall()
            if not rows:
                return
            yield from _each(rows, blobs)
            after = rows[-1][0]
