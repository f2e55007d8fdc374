"""A journal tampered with by anyone without its key is found, at the row."""

import hmac
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from factory_tui.domain.events import Draft, Noticed, ToolReturned
from factory_tui.journal import Journal
from factory_tui.journal.chain import GENESIS, linker
from tests.journal.conftest import Opener

Tamper = Callable[[sqlite3.Connection], object]

INSERTED = """INSERT INTO event SELECT 11, 'x', at, run, actor, kind, payload, digest, size, hash FROM event
    WHERE seq = 10"""


def _swap(database: sqlite3.Connection) -> None:
    database.execute("UPDATE event SET seq = -1 WHERE seq = 4")
    database.execute("UPDATE event SET seq = 4 WHERE seq = 6")
    database.execute("UPDATE event SET seq = 6 WHERE seq = -1")


def _rechain(database: sqlite3.Connection) -> None:
    """Rewrite an actor and all hashes after it, with a key of one's own."""
    previous, link = GENESIS, linker(b"k" * 32)
    database.execute("UPDATE event SET actor = 'mallory' WHERE seq = 1")
    for seq, *header, digest in database.execute("SELECT seq, id, at, run, actor, kind, digest FROM event").fetchall():
        previous = link(previous, (seq, *header), digest)
        database.execute("UPDATE event SET hash = ? WHERE seq = ?", (previous, seq))


TAMPERINGS: dict[str, tuple[int, Tamper]] = {
    "payload edited": (5, lambda db: db.execute("UPDATE event SET payload = replace(payload, '5', '6') WHERE seq = 5")),
    "actor edited": (3, lambda db: db.execute("UPDATE event SET actor = 'mallory' WHERE seq = 3")),
    "time edited": (3, lambda db: db.execute("UPDATE event SET at = at + 1 WHERE seq = 3")),
    "run edited": (7, lambda db: db.execute("UPDATE event SET run = 'b-2' WHERE seq = 7")),
    "kind edited": (2, lambda db: db.execute("UPDATE event SET kind = 'answered' WHERE seq = 2")),
    "typed nonsense": (2, lambda db: db.execute("UPDATE event SET hash = 'text', digest = 'text' WHERE seq = 2")),
    "row deleted": (4, lambda db: db.execute("DELETE FROM event WHERE seq = 4")),
    "first row deleted": (1, lambda db: db.execute("DELETE FROM event WHERE seq = 1")),
    "end cut off": (8, lambda db: db.execute("DELETE FROM event WHERE seq > 7")),
    "everything deleted": (1, lambda db: db.execute("DELETE FROM event")),
    "two rows swapped": (4, _swap),
    "row inserted": (11, lambda db: db.execute(INSERTED)),
    "chained anew": (1, _rechain),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERINGS)
async def test_tampering_is_found_at_its_row(how: str, journal: Journal, reopen: Opener, tmp_path: Path) -> None:
    for number in range(1, 11):
        await journal.append([Draft(Noticed("info", f"this is {number}"), "a-1")])
    assert await journal.verify() is None
    await journal.close()
    at, tamper = TAMPERINGS[how]
    database = sqlite3.connect(tmp_path / "journal" / "journal.db")
    tamper(database)
    database.commit()
    database.close()
    found = await (await reopen()).verify()
    assert found is not None
    assert found.seq == at, found


def test_a_row_is_chained_by_the_hmac_of_the_standard() -> None:
    key, header = bytes(range(32)), (7, "id", 5, "a-1", "ada", "noticed")
    message = b"p" * 32 + b"d" * 32 + b'[7,"id",5,"a-1","ada","noticed"]'
    assert linker(key)(b"p" * 32, header, b"d" * 32) == hmac.digest(key, message, "sha256")


async def test_a_changed_or_missing_blob_is_found_at_its_row(journal: Journal, tmp_path: Path) -> None:
    await journal.append([Draft(Noticed("info", "short")), Draft(ToolReturned(1, "c", "x" * 9_000), "a-1")])
    (blob,) = (tmp_path / "journal" / "blobs").iterdir()
    blob.write_bytes(blob.read_bytes().replace(b"xx", b"xy", 1))
    found = await journal.verify()
    assert found is not None
    assert found.seq == 2
    blob.unlink()
    found = await journal.verify()
    assert found is not None
    assert blob.name in found.why


async def test_appending_after_a_cut_does_not_hide_it(journal: Journal, reopen: Opener, tmp_path: Path) -> None:
    await journal.append([Draft(Noticed("info", str(number))) for number in range(5)])
    await journal.close()
    database = sqlite3.connect(tmp_path / "journal" / "journal.db")
    database.execute("DELETE FROM event WHERE seq > 3")
    database.commit()
    database.close()
    again = await reopen()
    await again.append([Draft(Noticed("info", "new")) for _ in range(9)])
    await again.close()
    found = await (await reopen()).verify()
    assert found is not None
    assert found.seq == 5
    assert "anew" in found.why
