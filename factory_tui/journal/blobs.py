"""Payloads outside of their rows: long ones as files named by their SHA-256, old ones in archives; and the ballast.

A file is on disk before the row that names it.
"""

import hashlib
import os
import sqlite3
import zlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from factory_tui.journal.chain import durable
from factory_tui.journal.errors import REMEDY, JournalDamaged, readable

_CHUNK = "SELECT body FROM chunk WHERE first <= ? ORDER BY first DESC LIMIT 1"
_chunks = msgspec.msgpack.Decoder(dict[int, bytes])
INLINE = 4096
"""Payloads of more bytes than this are files."""
BALLAST = 4 << 20
"""Bytes given up when the disk is full, so that the alarm can still be written."""


class Blobs:
    """The long payloads of the journal in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "blobs"
        self.archives = Archives(folder / "archives")

    def path(self, digest: bytes) -> Path:
        """Where the payload of this digest lies."""
        return self.folder / digest.hex()

    def write(self, payloads: Iterable[tuple[bytes, bytes]]) -> None:
        """Write (digest, payload) pairs, each durably and once. Blocks on the disk; raises OSError."""
        for digest, payload in payloads:
            path = self.path(digest)
            if not path.exists():
                durable(path, payload, mode=0o600)

    def read(self, seq: int, digest: bytes) -> bytes:
        """The payload of a row that has none itself, checked against its digest. Raises JournalDamaged."""
        path = self.path(digest)
        try:
            payload: bytes | None = path.read_bytes()
        except FileNotFoundError:
            payload = self.archives.read(seq)
        except OSError as fault:
            raise JournalDamaged(f"{path}: the payload of event {seq}: {fault.strerror}. {REMEDY}") from fault
        if payload is None:
            raise JournalDamaged(f"{path}: the payload of event {seq} is missing, here and in archives. {REMEDY}")
        if hashlib.sha256(payload).digest() != digest:
            raise JournalDamaged(f"{path}: the payload of event {seq} was changed. {REMEDY}")
        return payload


class Archives:
    """Payloads of runs that are over, many to a compressed chunk, in files that `compact` wrote; the rows stay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._chunks: dict[Path, dict[int, bytes]] = {}
        """The last one read of each file: rows are mostly read in order."""

    def read(self, seq: int) -> bytes | None:
        """The payload of a row, if it is in an archive. Raises JournalDamaged."""
        return next((found for path in self.paths() if (found := self._read(path, seq)) is not None), None)

    def paths(self) -> list[Path]:
        """The archives there are."""
        return sorted(self.folder.glob("*.archive"))

    def _read(self, path: Path, seq: int) -> bytes | None:
        chunk = self._chunks.get(path, {})
        if seq not in chunk:
            chunk = self._chunks[path] = _chunk(path, seq)
        return chunk.get(seq)


def _chunk(path: Path, seq: int) -> dict[int, bytes]:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database, readable(path):
            found = database.execute(_CHUNK, (seq,)).fetchone()
        return _chunks.decode(zlib.decompress(found[0])) if found else {}
    except (zlib.error, msgspec.MsgspecError) as fault:
        raise JournalDamaged(f"{path}: the archive was changed, at event {seq}: {fault}. {REMEDY}") from fault


def fill_ballast(path: Path) -> None:
    """Reserve the ballast if it is not there. Raises OSError when there is no room for it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(handle).st_size < BALLAST:
            os.posix_fallocate(handle, 0, BALLAST)
    except OSError:
        os.ftruncate(handle, 0)
        raise
    finally:
        os.close(handle)


def drop_ballast(path: Path) -> None:
    """Give the reserved room back to the disk."""
    if path.exists():
        os.truncate(path, 0)
