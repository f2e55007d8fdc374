"""What the journal answers when it cannot do what was asked, and the two small shapes it speaks of itself in."""

import errno
import sqlite3
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


class JournalError(Exception):
    """The journal cannot be used; the message names the file and what to do."""


class JournalFull(JournalError):  # noqa: N818
    """The disk is full: nothing of this append was kept, all that was acknowledged is readable."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder}: the disk is full. Remedy: make room there, then resume the held runs")


class JournalTooNew(JournalError):  # noqa: N818
    """A newer factory-tui wrote this journal."""


class JournalDamaged(JournalError):  # noqa: N818
    """A row or its payload cannot be read."""


def is_full(fault: BaseException) -> bool:
    """Whether SQLite or the file system says that there is no room (or no quota) left."""
    if isinstance(fault, sqlite3.Error):
        return getattr(fault, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return isinstance(fault, OSError) and fault.errno in {errno.ENOSPC, errno.EDQUOT}
