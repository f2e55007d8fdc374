"""Finding the first row that is not what was written: edits, gaps, swaps, a cut end, a history written anew."""

import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from factory_tui.journal.blobs import Blobs
from factory_tui.journal.chain import GENESIS, Keys, Link, linker
from factory_tui.journal.errors import (
    Damaged,
    Head,
    JournalDamaged,
    JournalError,
    JournalTooNew,
    Looked,
    Verified,
    readable,
)
from factory_tui.journal.rows import connect

_ROWS = "SELECT seq, id, at, run, actor, kind, payload, digest, size, hash FROM event ORDER BY seq"


class _Tag(msgspec.Struct):
    fact: str


_tag = msgspec.json.Decoder(_Tag).decode


def verify(folder: Path, keys: Keys) -> Verified:
    """Walk the chain of the journal in `folder`, and compare it with the recorded heads.

    Changes nothing, and may be asked while an engine writes. Raises JournalError for its key, JournalTooNew.
    """
    heads = keys.heads()  # first: what is written meanwhile comes after them
    return walk(folder / "journal.db", keys.load(make=False), Blobs(folder), heads)


def look_at(folder: Path, keys: Keys, at: int) -> Verified:
    """As `verify`, and note beside the key what it came to at this time, UTC ms."""
    found = verify(folder, keys)
    keys.note(Looked(at, found.events, found.damage.why if found.damage else ""))
    return found


def verify_copy(path: Path, keys: Keys) -> Verified:
    """As `verify`, of a copy that holds everything in one file and may be older than the recorded heads."""
    with closing(connect(path)) as database, readable(path):
        last: int = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0]
    heads = {seq: hashes for seq, hashes in keys.heads().items() if seq <= last}
    return walk(path, keys.load(make=False), Blobs(path), heads)


def walk(path: Path, key: bytes, blobs: Blobs, heads: Mapping[int, set[str]]) -> Verified:
    """Walk the chain from its beginning; `heads` are the recorded ones, by seq. Blocks for about 5 us a row."""
    seq, previous, why, link = 0, GENESIS, "", linker(key)
    try:
        with closing(connect(path)) as database:
            for row in database.execute(_ROWS):
                why = _misplaced(row[0], seq + 1) or _fault(row, link, previous, blobs) or _forked(row, heads)
                if why:
                    break
                seq, previous = row[0], row[9]
            if not why and max(heads, default=0) > seq:
                why = f"the end was cut off: rows up to {max(heads)} were recorded"
            if not why:
                why = _unsound(database)
    except JournalTooNew:
        raise
    except JournalError as trouble:
        why = _without_remedy(trouble)
    except sqlite3.DatabaseError as fault:
        why = f"the database cannot be read from here on: {fault}"
    return Verified(seq, Head(seq, previous.hex()), Damaged(seq + 1, why) if why else None)


def _misplaced(seq: int, expected: int) -> str:
    return "" if seq == expected else f"the row is missing; the next one there is {seq}"


def _forked(row: tuple[Any, ...], heads: Mapping[int, set[str]]) -> str:
    if heads.get(row[0], {row[9].hex()}) == {row[9].hex()}:
        return ""
    return "the history up to this row was written anew: its hash is not the recorded one"


def _unsound(database: sqlite3.Connection) -> str:
    """What is wrong with the file though all rows are whole: an index may hide some from whoever asks for a run."""
    said: str = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    return "" if said == "ok" else f"all rows are whole, but the file is damaged: {said}"


def _fault(
    row: tuple[int, str, int, str, str, str, bytes | None, bytes, int, bytes], link: Link, previous: bytes, blobs: Blobs
) -> str:
    seq, identity, at, run, actor, kind, payload, digest, size, chained = row
    try:
        expected = link(previous, (seq, identity, at, run, actor, kind), digest)
        if chained != expected:
            return "the row, or its place, is not what was written: its hash does not follow from the row before"
        body = blobs.read(seq, digest) if payload is None else payload
        if hashlib.sha256(body).digest() != digest or len(body) != size:
            return "the payload was changed"
        if _tag(body).fact != kind:
            return f"the row says {kind}, its payload does not"
    except JournalDamaged as damage:
        return _without_remedy(damage)
    except (TypeError, ValueError) as fault:
        return f"the row holds what was never written: {fault}"
    return ""


def _without_remedy(trouble: JournalError) -> str:
    """Whoever tells the damage has one for all."""
    return str(trouble).partition(". Remedy:")[0]
