"""Finding the first row that is not what was written: edits, gaps, swaps, a cut end, a history written anew."""

import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from factory_tui.journal.blobs import Blobs
from factory_tui.journal.chain import GENESIS, Keys, link
from factory_tui.journal.errors import Damaged, JournalDamaged

_ROWS = "SELECT seq, id, at, run, actor, kind, payload, digest, size, hash FROM event ORDER BY seq"


class _Tag(msgspec.Struct):
    fact: str


_tag = msgspec.json.Decoder(_Tag).decode


def verify(folder: Path, keys: Keys) -> tuple[int, Damaged | None]:
    """How many rows the journal in `folder` has, and the first that is not what was written.

    Changes nothing, and may be asked while an engine writes. Raises JournalError for its key.
    """
    path, heads = folder / "journal.db", keys.heads()  # heads first: what is written meanwhile comes after them
    damage = first_damage(path, keys.load(make=False), Blobs(folder / "blobs"), heads)
    return (damage.seq - 1 if damage else _count(path)), damage


def first_damage(path: Path, key: bytes, blobs: Blobs, heads: Mapping[int, set[str]]) -> Damaged | None:
    """Walk the chain from its beginning; `heads` are the recorded ones, by seq. Blocks for about 5 us a row."""
    seq, previous = 0, GENESIS
    database = _open(path)
    try:
        for row in database.execute(_ROWS):
            if row[0] != seq + 1:
                return Damaged(seq + 1, f"the row is missing; the next one there is {row[0]}")
            seq = row[0]
            why = _fault(row, key, previous, blobs)
            if why:
                return Damaged(seq, why)
            previous = row[9]
            recorded = heads.get(seq)
            if recorded is not None and recorded != {previous.hex()}:
                return Damaged(seq, "the history up to this row was written anew: its hash is not the recorded one")
        last = max(heads, default=0)
        if last > seq:
            return Damaged(seq + 1, f"the end was cut off: rows up to {last} were recorded")
    except sqlite3.DatabaseError as fault:
        return Damaged(seq + 1, f"the database cannot be read from here on: {fault}")
    finally:
        database.close()
    return None


def _open(path: Path) -> sqlite3.Connection:
    """For reading; not `mode=ro`, which cannot put SQLite's own files away again."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA query_only = ON")
    return database


def _count(path: Path) -> int:
    with closing(_open(path)) as database:
        count: int = database.execute("SELECT count(*) FROM event").fetchone()[0]
        return count


def _fault(
    row: tuple[int, str, int, str, str, str, bytes | None, bytes, int, bytes], key: bytes, previous: bytes, blobs: Blobs
) -> str:
    seq, identity, at, run, actor, kind, payload, digest, size, chained = row
    try:
        expected = link(key, previous, (seq, identity, at, run, actor, kind), digest)
        if chained != expected:
            return "the row, or its place, is not what was written: its hash does not follow from the row before"
        body = blobs.read(seq, digest) if payload is None else payload
        if hashlib.sha256(body).digest() != digest or len(body) != size:
            return "the payload was changed"
        if _tag(body).fact != kind:
            return f"the row says {kind}, its payload does not"
    except JournalDamaged as damage:
        return str(damage)
    except (TypeError, ValueError) as fault:
        return f"the row holds what was never written: {fault}"
    return ""
