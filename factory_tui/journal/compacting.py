"""Payloads of runs that are over move from the journal into a compressed archive beside it.

Their rows stay, with digest and size, so the chain stays whole; who reads an event reads it from the archive.
"""

import hashlib
import os
import secrets
import sqlite3
import zlib
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from factory_tui.config.workspace import sync_folder
from factory_tui.journal.blobs import Archives, Blobs
from factory_tui.journal.copies import discard
from factory_tui.journal.errors import REMEDY, JournalDamaged, readable

CHUNK = 256
"""Payloads in a chunk: what is read to get at one of them."""
_ROWS = "SELECT seq, payload, digest FROM event WHERE run IN (SELECT value FROM json_each(?)) ORDER BY seq"
_LEFT = "SELECT DISTINCT digest FROM event WHERE payload IS NULL AND run NOT IN (SELECT value FROM json_each(?))"
_encode = msgspec.msgpack.Encoder().encode


class Compacted(NamedTuple):
    """What became of it: how many events' payloads are in the archive, and how many bytes less there are."""

    archive: Path | None
    events: int
    freed: int


def compact(folder: Path, runs: Collection[str]) -> Compacted:
    """Archive the payloads of these runs that are in no archive yet. Nobody else may have the journal open.

    Killed at any moment, every payload still is where it was, or in the archive, or in both. Raises JournalDamaged.
    """
    path, blobs, names = folder / "journal.db", Blobs(folder), msgspec.json.encode(sorted(runs)).decode()
    before = _size(folder)
    with closing(sqlite3.connect(path)) as database, readable(path):
        database.execute("PRAGMA synchronous = FULL")
        digests, archive = _archive(blobs.archives.folder, _payloads(database, names, blobs))
        with database:
            database.executemany("UPDATE event SET payload = NULL WHERE seq = ?", [(seq,) for seq in digests])
        needed = {digest for (digest,) in database.execute(_LEFT, (names,))}
        for digest in set(digests.values()) - needed:
            blobs.path(digest).unlink(missing_ok=True)
        database.execute("VACUUM")  # with nothing to archive too: the time before, there may have been no room for it
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Compacted(archive, len(digests), before - _size(folder))


def _payloads(database: sqlite3.Connection, names: str, blobs: Blobs) -> Iterator[tuple[int, bytes, bytes]]:
    """Each payload that is in no archive yet, with its seq and its digest, which it is checked against."""
    for seq, inline, digest in database.execute(_ROWS, (names,)):
        if inline is None and blobs.archives.read(seq) is not None:
            continue
        payload = blobs.read(seq, digest) if inline is None else inline
        if not isinstance(payload, bytes) or hashlib.sha256(payload).digest() != digest:
            raise JournalDamaged(f"the payload of event {seq} was changed. {REMEDY}")
        yield seq, payload, digest


def _archive(folder: Path, payloads: Iterator[tuple[int, bytes, bytes]]) -> tuple[dict[int, bytes], Path | None]:
    """Write them; the digests by seq, and the file: whole, on disk and read back before it has its name."""
    folder.mkdir(mode=0o700, exist_ok=True)
    partial, digests, chunk = folder / f".{secrets.token_hex(4)}", dict[int, bytes](), dict[int, bytes]()
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(partial)) as database, database:
            database.execute("CREATE TABLE chunk (first INTEGER PRIMARY KEY, body BLOB NOT NULL)")
            for seq, payload, digest in payloads:
                chunk[seq], digests[seq] = payload, digest
                if len(chunk) == CHUNK:
                    _put(database, chunk)
                    chunk = {}
            if chunk:
                _put(database, chunk)
        if not digests:
            return digests, None
        path = folder / f"{min(digests)}-{max(digests)}-{secrets.token_hex(4)}.archive"
        partial.replace(path)
    finally:
        discard(partial)
    sync_folder(folder)
    written = Archives(folder)
    for seq, digest in digests.items():
        if hashlib.sha256(written.read(seq) or b"").digest() != digest:
            raise JournalDamaged(f"{path}: event {seq} does not read back. Remedy: remove this file, look at the disk")
    return digests, path


def _put(database: sqlite3.Connection, chunk: dict[int, bytes]) -> None:
    database.execute("INSERT INTO chunk VALUES (?, ?)", (next(iter(chunk)), zlib.compress(_encode(chunk))))


def _size(folder: Path) -> int:
    """Bytes of the journal with all that belongs to it."""
    files = [*folder.glob("journal.db*"), *folder.glob("blobs/*"), *folder.glob("archives/*")]
    return sum(file.stat().st_size for file in files)
