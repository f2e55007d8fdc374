"""What the journal answers when it cannot do what was asked, and the two small shapes it speaks of itself in."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Head(NamedTuple):
    """The newest row: its place and its hash (64 hexadecimal digits). An empty journal's is 0 and zeros."""

    seq: int
    hash: str


class Damaged(NamedTuple):
    """The first row that is not what was written there, and why."""

    seq: int
    why: str


class Verified(NamedTuple):
    """What a walk of the chain came to: how many rows are whole from the first on, and what is wrong after them."""

    events: int
    head: Head
    """The last whole row."""
    damage: Damaged | None


class Looked(NamedTuple):
    """What the newest walk of the chain came to, as it was noted then; later rows were not looked at."""

    at: int
    """When, UTC ms."""
    seq: int
    """The last row that was whole."""
    why: str
    """What is wrong with the row after it; empty: nothing."""


REMEDY = "Remedy: stop the engine, then `factory-tui journal restore BACKUP`"
"""What mends a journal that is damaged."""


class JournalError(Exception):
    """The journal cannot be used; the message names the file and what to do."""


class JournalFull(JournalError):  # noqa: N818
    """The disk is full: nothing of this append was kept, all that was acknowledged is readable."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder}: the disk is full. Remedy: make room there; what was held goes on")


class JournalTooNew(JournalError):  # noqa: N818
    """A newer factory-tui wrote this journal."""


class JournalDamaged(JournalError):  # noqa: N818
    """A row or its payload cannot be read."""


@contextmanager
def readable(path: Path, room: Path | None = None) -> Iterator[None]:
    """Raise JournalError and its kinds where SQLite cannot work on the file; `room`: the folder that is written to."""
    try:
        yield
    except sqlite3.Error as fault:
        if _is_damage(fault):
            raise JournalDamaged(f"{path}: not a journal, or a damaged one: {fault}. {REMEDY}") from fault
        if is_full(fault):
            raise JournalFull(room or path.parent) from fault
        raise JournalError(f"{path}: cannot be read: {fault}. Remedy: check that it is a journal, and yours") from fault


def _is_damage(fault: sqlite3.Error) -> bool:
    """Whether SQLite says that the file is not what it wrote."""
    code = getattr(fault, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def is_full(fault: BaseException) -> bool:
    """Whether SQLite or the file system says that there is no room (or no quota) left."""
    if isinstance(fault, sqlite3.Error):
        return getattr(fault, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return isinstance(fault, OSError) and fault.errno in {errno.ENOSPC, errno.EDQUOT}
