"""A backup is of one moment and whole, and can take the journal's place; an archive leaves the chain whole."""

import asyncio
import itertools
import os
import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from factory_tui.domain.events import Draft, Noticed, ToolReturned
from factory_tui.domain.reducer import fold
from factory_tui.journal import (
    Journal,
    JournalDamaged,
    JournalError,
    JournalFull,
    Keys,
    backup,
    compact,
    read,
    restore,
    verify,
    verify_copy,
)
from factory_tui.journal.store import RECORD_EVERY
from tests.journal.conftest import Opener

LONG = "x" * 9_000


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def fill(journal: Journal, rows: int = 20) -> None:
    """Short and long payloads of two runs."""
    for number in range(rows):
        text = LONG + str(number // 2) if number % 3 == 0 else f"short {number}"
        await journal.append([Draft(ToolReturned(number, "call", text), f"a-{number % 2 + 1}")])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys", "w1")


async def test_a_backup_that_is_made_while_events_are_written_is_whole(
    journal: Journal, folder: Path, keys: Keys, tmp_path: Path
) -> None:
    await fill(journal)
    writing = asyncio.create_task(fill(journal, 200))
    found = await asyncio.to_thread(backup, folder, keys, tmp_path / "copy")
    await writing
    assert found.damage is None
    assert 20 <= found.events <= 220
    assert verify_copy(tmp_path / "copy", keys) == found
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    assert await journal.verify() is None
    with pytest.raises(JournalError, match="is there already"):
        backup(folder, keys, tmp_path / "copy")
    assert names(tmp_path) == {"journal", "keys", "copy"}


async def test_a_backup_needs_nothing_but_its_key(
    journal: Journal, folder: Path, keys: Keys, tmp_path: Path, reopen: Opener
) -> None:
    await fill(journal)
    written = await journal.events()
    backup(folder, keys, tmp_path / "copy")
    await fill(journal, 2 * RECORD_EVERY)
    await journal.close()
    for file in (folder / "blobs").iterdir():
        file.unlink()
    (folder / "journal.db").write_bytes(b"\0" * 5_000)
    with pytest.raises(JournalDamaged, match=r"journal\.db: not a journal, or a damaged one.*journal restore BACKUP"):
        await reopen()
    aside = restore(folder, keys, tmp_path / "copy", "now")
    assert (aside / "journal.db").read_bytes() == b"\0" * 5_000
    assert verify(folder, keys).damage is None
    assert max(keys.heads()) <= 20
    assert (tmp_path / "keys" / "w1.heads-now").exists()
    again = await reopen()
    assert await again.events() == written
    await again.append([Draft(Noticed("info", "on"))])
    assert await again.verify() is None


async def test_what_is_not_a_whole_backup_of_this_journal_is_not_restored(
    journal: Journal, folder: Path, keys: Keys, tmp_path: Path
) -> None:
    await fill(journal)
    await journal.close()
    backup(folder, keys, tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy")) as database, database:
        database.execute("UPDATE event SET actor = 'mallory' WHERE seq = 3")
    before, there = (folder / "journal.db").read_bytes(), names(folder)
    with pytest.raises(JournalDamaged, match=r"copy: seq 3: .*Remedy: name another backup"):
        restore(folder, keys, tmp_path / "copy", "now")
    (tmp_path / "text").write_text("no backup")
    with pytest.raises(JournalDamaged, match="not a journal"):
        restore(folder, keys, tmp_path / "text", "now")
    assert (folder / "journal.db").read_bytes() == before
    assert names(folder) == there


async def test_a_damaged_journal_is_not_backed_up(journal: Journal, folder: Path, keys: Keys, tmp_path: Path) -> None:
    await fill(journal)
    with closing(sqlite3.connect(folder / "journal.db")) as database, database:
        database.execute("DELETE FROM event WHERE seq = 7")
    with pytest.raises(JournalDamaged, match="seq 7: the row is missing"):
        backup(folder, keys, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


async def test_an_archive_keeps_the_chain_the_events_and_the_state(
    journal: Journal, folder: Path, keys: Keys, tmp_path: Path, reopen: Opener
) -> None:
    await fill(journal, 600)
    written = await journal.events()
    await journal.close()
    done = compact(folder, ["a-1"])
    assert done.archive is not None
    assert (done.events, done.freed > 500_000) == (300, True)
    assert done.archive.stat().st_mode & 0o077 == 0
    assert verify(folder, keys).damage is None
    assert list(read(folder)) == written
    assert list(read(folder, after=10, to=30, run="a-1")) == [event for event in written[10:30] if event.run == "a-1"]
    again = await reopen()
    assert await again.events() == written
    assert await again.state() == fold(written)
    await again.append([Draft(ToolReturned(1, "call", LONG + "0"), "a-2")])
    await again.close()
    assert compact(folder, ["a-1"]).events == 0
    assert compact(folder, ["a-1", "a-2"]).events == 301
    assert not list((folder / "blobs").iterdir())
    backup(folder, keys, tmp_path / "copy")
    assert verify_copy(tmp_path / "copy", keys).damage is None
    archive = min((folder / "archives").iterdir())
    archive.rename(tmp_path / "elsewhere")
    assert "is missing, here and in archives" in str(verify(folder, keys).damage)


def _chunk(database: sqlite3.Connection) -> None:
    database.execute("UPDATE chunk SET body = substr(body, 1, 50) || x'00' || substr(body, 52)")


@pytest.mark.parametrize(
    "tamper", [_chunk, lambda db: db.execute("DELETE FROM chunk"), lambda db: db.execute("DROP TABLE chunk")]
)
async def test_a_changed_archive_is_found_at_its_row(
    tamper: Callable[[sqlite3.Connection], object], journal: Journal, folder: Path, keys: Keys
) -> None:
    await fill(journal)
    await journal.close()
    archive = compact(folder, ["a-2"]).archive
    assert archive is not None
    with closing(sqlite3.connect(archive)) as database, database:
        tamper(database)
    found = verify(folder, keys)
    assert found.damage is not None
    assert (found.events, found.damage.seq) == (1, 2), found


async def test_a_payload_that_was_changed_is_not_archived(journal: Journal, folder: Path) -> None:
    await fill(journal)
    await journal.close()
    with closing(sqlite3.connect(folder / "journal.db")) as database, database:
        database.execute("UPDATE event SET payload = replace(payload, 'short', 'SHORT') WHERE seq = 2")
    with pytest.raises(JournalDamaged, match="event 2 was changed"):
        compact(folder, ["a-2"])
    assert not list((folder / "archives").iterdir())


async def test_a_corrupt_page_is_found_when_the_journal_is_opened_and_when_it_is_walked(
    journal: Journal, folder: Path, keys: Keys, reopen: Opener
) -> None:
    await fill(journal, 600)
    await journal.close()
    with (folder / "journal.db").open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xa5" * 4096)
    with pytest.raises(
        JournalDamaged, match=r"journal\.db: damaged: .*Remedy: stop the engine, then `factory-tui jour"
    ):
        await reopen()
    assert verify(folder, keys).damage is not None


async def test_an_index_that_hides_a_row_is_found(journal: Journal, folder: Path, keys: Keys) -> None:
    await fill(journal)
    await journal.close()
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        database.executescript(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = sql || ' WHERE seq <> 5' "
            "WHERE name = 'event_by_run'; PRAGMA writable_schema = RESET; REINDEX; PRAGMA writable_schema = ON; "
            "UPDATE sqlite_schema SET sql = replace(sql, ' WHERE seq <> 5', '') WHERE name = 'event_by_run';"
        )
    found = verify(folder, keys)
    assert found.damage is not None
    assert "all rows are whole, but the file is damaged" in found.damage.why


async def test_a_full_disk_takes_no_copy_and_no_archive_and_nothing_is_lost(small_disk: Path, tmp_path: Path) -> None:
    folder, keys, tick = small_disk / "journal", Keys(tmp_path / "keys", "w1"), itertools.count()
    journal = await Journal.open(
        folder, tmp_path / "keys", workspace="w1", clock=lambda: next(tick), entropy=lambda: next(tick)
    )
    noise = random.Random(1)
    for number in range(40):
        text = noise.randbytes(50_000).hex()
        await journal.append([Draft(ToolReturned(number, "call", text), "a-1")])
    written = await journal.events()
    await journal.close()
    filler = small_disk / "filler"
    filler.write_bytes(bytes(os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize - 300_000))
    with pytest.raises(JournalFull, match=re.escape(f"{small_disk}: the disk is full. Remedy: make room")):
        backup(folder, keys, small_disk / "copy")
    with pytest.raises(JournalFull, match=r"journal: the disk is full\. Remedy: make room"):
        compact(folder, ["a-1"])
    assert not names(folder / "archives")
    assert names(small_disk) == {"journal", "filler"}
    assert list(read(folder)) == written
    filler.unlink()
    assert compact(folder, ["a-1"]).events == 40
    assert list(read(folder)) == written
    assert verify(folder, keys).damage is None
