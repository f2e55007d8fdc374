"""A journal that an older version wrote is taken over whole; one that a newer version wrote is left alone."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from factory_tui.domain.events import SCHEMA, Draft, Event, Noticed
from factory_tui.domain.reducer import fold
from factory_tui.journal import JournalError, schema
from tests.journal.conftest import Opener
from tests.journal.past.make import HERE, NEWEST

VERSIONS = sorted(path for path in HERE.iterdir() if path.is_dir() and path.name[0].isdigit())


@pytest.fixture(params=VERSIONS, ids=lambda path: path.name)
def past(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A stored journal, where `reopen` finds it."""
    shutil.copytree(request.param, tmp_path, dirs_exist_ok=True)
    (tmp_path / "keys" / "w1.key").chmod(0o600)
    return tmp_path


def versions(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "journal" / "journal.db")) as database:
        return dict(database.execute("SELECT part, version FROM schema").fetchall())


def test_the_journal_of_this_version_is_stored() -> None:
    assert NEWEST in VERSIONS, "Remedy: python -m tests.journal.past.make"


async def test_a_stored_journal_reads_as_it_was_written_and_goes_on(past: Path, reopen: Opener) -> None:
    written = [msgspec.json.decode(line, type=Event) for line in (past / "events.jsonl").read_bytes().splitlines()]
    journal = await reopen()
    assert versions(past) == {"tables": len(schema.MIGRATIONS), "facts": SCHEMA}
    assert await journal.events() == written
    assert await journal.state() == fold(written)
    assert await journal.verify() is None
    await journal.append([Draft(Noticed("info", "goes on"))])
    await journal.close()
    assert await (await reopen()).verify() is None


async def test_every_step_that_a_journal_has_not_seen_is_taken_once(
    past: Path, reopen: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = (*schema.MIGRATIONS, "CREATE TABLE one (x);", "CREATE TABLE two (x); INSERT INTO two VALUES (1);")
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    for _ in range(2):
        journal = await reopen()
        assert await journal.verify() is None
        await journal.close()
    assert versions(past)["tables"] == len(later)
    with closing(sqlite3.connect(past / "journal" / "journal.db")) as database:
        assert database.execute("SELECT count(*) FROM two").fetchone() == (1,)


async def test_a_step_that_fails_leaves_nothing_behind(
    past: Path, reopen: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        broken = "CREATE TABLE half (x); CREATE TABLE event (x);"
        patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        with pytest.raises(JournalError, match="table event already exists"):
            await reopen()
    assert versions(past)["tables"] == len(schema.MIGRATIONS)
    with closing(sqlite3.connect(past / "journal" / "journal.db")) as database:
        assert not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half'").fetchall()
    assert await (await reopen()).verify() is None
