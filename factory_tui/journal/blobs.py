"""Long payloads as files named by their SHA-256, on disk before the row that names them; and the ballast."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from factory_tui.journal.chain import durable
from factory_tui.journal.errors import JournalDamaged

INLINE = 4096
"""Payloads of more bytes than this are files."""
BALLAST = 4 << 20
"""Bytes given up when the disk is full, so that the alarm can still be written."""


class Blobs:
    """The folder of long payloads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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
        """The payload, checked against its digest. Raises JournalDamaged."""
        path = self.path(digest)
        try:
            payload = path.read_bytes()
        except OSError as fault:
            raise JournalDamaged(
                f"{path}: the payload of event {seq} cannot be read ({fault.strerror}). Remedy: restore the file"
            ) from fault
        if hashlib.sha256(payload).digest() != digest:
            raise JournalDamaged(f"{path}: the payload of event {seq} was changed. Remedy: restore the file")
        return payload


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
