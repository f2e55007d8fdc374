"""Copies of the journal: made whole while an engine writes, put back while none does.

A copy is one SQLite file with every payload in its row, so it needs no folder beside it and is walked as the journal
is. The key is not in it.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from factory_tui.config.workspace import sync_folder
from factory_tui.journal.blobs import Blobs
from factory_tui.journal.chain import Keys
from factory_tui.journal.errors import JournalDamaged, JournalError, Verified, readable
from factory_tui.journal.rows import connect
from factory_tui.journal.schema import prepare
from factory_tui.journal.verify import verify_copy, walk


def backup(folder: Path, keys: Keys, file: Path) -> Verified:
    """Copy the journal in `folder` to `file`, which must not be there yet, and walk the copy before it gets its name.

    Raises JournalDamaged when the copy is not whole, JournalError, OSError.
    """
    path, heads = folder / "journal.db", keys.heads()
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        with closing(connect(path)) as source, closing(sqlite3.connect(partial)) as copy, readable(path, file.parent):
            source.backup(copy)  # all pages in one step, so of one moment; the engine's commits go on meanwhile
            copy.execute("PRAGMA journal_mode = DELETE")
            _fill_in(copy, Blobs(folder))
        found = walk(partial, keys.load(make=False), Blobs(partial), heads)
        if found.damage:
            raise JournalDamaged(f"{path}: seq {found.damage.seq}: {found.damage.why}. Remedy: restore an older backup")
        _sync(partial)
        try:
            os.link(partial, file)
        except FileExistsError:
            raise JournalError(f"{file} is there already. Remedy: name another file") from None
        sync_folder(file.parent)
    finally:
        discard(partial)
    return found


def _fill_in(copy: sqlite3.Connection, blobs: Blobs) -> None:
    outside = copy.execute("SELECT seq, digest FROM event WHERE payload IS NULL").fetchall()
    with copy:
        for seq, digest in outside:
            copy.execute("UPDATE event SET payload = ? WHERE seq = ?", (blobs.read(seq, digest), seq))


def restore(folder: Path, keys: Keys, file: Path, stamp: str) -> Path:
    """Put a copy in the place of the journal in `folder`; where that one is kept, named by `stamp`.

    Nobody may have the journal open. Killed in the middle, it is asked for again. Raises JournalError and its kinds.
    """
    path, aside = folder / "journal.db", folder / f"journal-before-{stamp}"
    fresh = folder / "journal.db.restoring"
    try:
        shutil.copyfile(file, fresh)
        fresh.chmod(0o600)
        prepare(fresh)
        found = verify_copy(fresh, keys)
        if found.damage:
            raise JournalDamaged(
                f"{file}: seq {found.damage.seq}: {found.damage.why}. Remedy: name another backup, of this workspace"
            )
        _sync(fresh)
        aside.mkdir(mode=0o700)
        written = [one for one in (path, path.with_name("journal.db-wal")) if one.exists()]
        for one in written:
            os.link(one, aside / one.name)
        sync_folder(aside)
        for suffix in ("-wal", "-shm"):  # of the old file: SQLite would play them into the new one
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        fresh.replace(path)
        sync_folder(folder)
    finally:
        discard(fresh)
    keys.begin_anew(found.events, stamp)
    return aside


def discard(path: Path) -> None:
    """Remove a database with what SQLite keeps beside it: on a full disk it does not tidy up itself."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
