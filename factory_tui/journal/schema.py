"""The tables, how they are made, and how an older journal becomes one of this version."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from factory_tui.config.workspace import sync_folder
from factory_tui.domain.events import SCHEMA
from factory_tui.journal.errors import REMEDY, JournalDamaged, JournalTooNew, readable

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        at INTEGER NOT NULL,
        run TEXT NOT NULL,
        actor TEXT NOT NULL,
        kind TEXT NOT NULL,
        payload BLOB,  -- the fact as JSON; NULL: in blobs/, named by its digest
        digest BLOB NOT NULL,
        size INTEGER NOT NULL,
        hash BLOB NOT NULL
    );
    CREATE INDEX event_by_run ON event (run, seq);
    CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), reducer INTEGER, seq INTEGER, body BLOB, mac BLOB);
    """,
)
"""What to run, in order; a journal's table version is how many of these it has seen."""

_NOTE = "INSERT OR REPLACE INTO schema VALUES (?, ?)"


class Writer(sqlite3.Connection):
    """A connection whose `executemany` is a transaction of its own.

    So a batch and its commit are one trip into aiosqlite's thread, not two.
    """

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """Write all rows and commit, or none and raise."""
        with self:
            return super().executemany(sql, parameters)


def prepare(path: Path) -> None:
    """Make the database or bring it up to date.

    WAL is set, a row written, the file closed and the folder synced once here, so that no power cut finds a journal
    whose first event is in a file that has no name. Raises JournalTooNew, JournalDamaged.
    """
    database = sqlite3.connect(path)
    try:
        with readable(path):
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("CREATE TABLE IF NOT EXISTS schema (part TEXT PRIMARY KEY, version INTEGER NOT NULL)")
            had = check_version(database, path)
            done = had.get("tables", 0)
            for version, script in enumerate(MIGRATIONS[done:], done + 1):
                database.executescript(f"BEGIN IMMEDIATE; {script}")
                database.execute(_NOTE, ("tables", version))
                database.commit()
            if had.get("facts") != SCHEMA:
                database.execute(_NOTE, ("facts", SCHEMA))
                database.commit()
    finally:
        database.close()
    if not had:
        sync_folder(path.parent)


def check_version(database: sqlite3.Connection, path: Path) -> dict[str, int]:
    """The versions of a journal's parts; empty: just made. Raises JournalTooNew, JournalDamaged."""
    versions: dict[str, Any] = dict(database.execute("SELECT part, version FROM schema").fetchall())
    for part, version in versions.items():
        if not isinstance(version, int):
            raise JournalDamaged(f"{path}: damaged: {version!r} is no version. {REMEDY}")
        ours = {"tables": len(MIGRATIONS), "facts": SCHEMA}.get(part, 0)
        if version > ours:
            raise JournalTooNew(
                f"{path}: written by a newer factory-tui ({part} version {version}, this one knows {ours}). "
                "Remedy: upgrade factory-tui, or use another workspace"
            )
    return versions
