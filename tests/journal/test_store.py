"""What is acknowledged is there, in order, for whoever asks in whatever way."""

import asyncio
import itertools
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from factory_tui.domain.events import (
    AnyFact,
    Draft,
    EngineStarted,
    NodeEntered,
    Noticed,
    RunMoved,
    RunQueued,
    ToolReturned,
    VerdictReached,
)
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from factory_tui.journal import Head, Journal, JournalDamaged, JournalError, JournalFull, JournalTooNew
from factory_tui.journal.store import CACHE_EVERY
from tests.journal.conftest import Opener

HOUR = 3_600_000
NOON = 1_700_000_000_000


def queued(seed: str = "shortlinks") -> RunQueued:
    return RunQueued(
        seed, "rev", "corpus", "factory", "digraph{}", "m", "rehearsal", "ada", 0.8, 0.01, 10, 48, Decimal("1.50")
    )


def noticed(text: str, run: str = "") -> Draft:
    return Draft(Noticed("info", text), run)


async def test_what_was_appended_is_read_back_by_a_later_engine(journal: Journal, reopen: Opener) -> None:
    written = await journal.append([Draft(queued(), "shortlinks-1", "ada"), Draft(RunMoved("running"), "shortlinks-1")])
    assert [event.seq for event in written] == [1, 2]
    head = journal.head
    await journal.close()
    again = await reopen()
    assert await again.events() == written
    assert again.head == head
    assert [event.seq for event in await again.append([noticed("next")])] == [3]


async def test_an_empty_journal_has_a_head_of_zero_and_an_empty_state(journal: Journal) -> None:
    assert journal.head == Head(0, "00" * 32)
    assert await journal.events() == []
    assert await journal.state() == State()
    assert await journal.append([]) == []
    assert await journal.verify() is None


async def test_events_are_found_by_run_kind_and_place(journal: Journal) -> None:
    facts: list[AnyFact] = [NodeEntered("generate", "codergen", 1), Noticed("info", "a"), RunMoved("running")]
    await journal.append([Draft(fact, run) for run in ("a-1", "a-2") for fact in facts])
    assert {event.run for event in await journal.events(run="a-2")} == {"a-2"}
    assert [event.seq for event in await journal.events(kinds={"noticed", "run-moved"}, after=2)] == [3, 5, 6]
    assert [event.seq for event in await journal.events(run="a-1", kinds=["noticed"])] == [2]
    assert [event.seq for event in await journal.events(after=1, limit=2)] == [2, 3]
    assert await journal.events(kinds=()) == []
    assert [event.seq for event in await journal.before(6, "a-2", 2)] == [4, 5]
    assert [event.seq for event in await journal.before(4, "a-2", 2)] == []
    assert [event.seq for event in await journal.before(100, None, 3)] == [4, 5, 6]
    assert await journal.before(100, None, 3, ("seed-revised",)) == []


async def test_appends_at_once_share_commits_and_each_gets_its_own_events(journal: Journal) -> None:
    answers = await asyncio.gather(*(journal.append([noticed(f"{n}.0"), noticed(f"{n}.1")]) for n in range(50)))
    for number, events in enumerate(answers):
        assert [event.fact for event in events] == [Noticed("info", f"{number}.{part}") for part in (0, 1)]
        assert events[1].seq == events[0].seq + 1
    assert [event.seq for event in await journal.events()] == list(range(1, 101))


async def test_a_cancelled_appender_takes_nothing_from_the_others(journal: Journal) -> None:
    tasks = [asyncio.create_task(journal.append([noticed(str(n))])) for n in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    kept = [answer[0] for answer in done[1::2] if isinstance(answer, list)]
    assert len(kept) == 10
    stored = {event.seq: event for event in await journal.events()}
    assert all(stored[event.seq] == event for event in kept)
    assert list(stored) == list(range(1, len(stored) + 1))


async def test_a_fact_that_cannot_be_written_fails_its_own_caller_only(journal: Journal) -> None:
    verdict = VerdictReached(1, 1, "s", "vault", 0, satisfied=True, probability=float("nan"), evidence="")
    good, surrogate, nan = await asyncio.gather(
        journal.append([noticed("good")]),
        journal.append([noticed("lone \ud800 surrogate")]),
        journal.append([Draft(verdict, "a-1")]),
        return_exceptions=True,
    )
    assert isinstance(surrogate, UnicodeEncodeError)
    assert isinstance(nan, ValueError)
    assert isinstance(good, list)
    assert await journal.events() == good


async def test_a_long_payload_is_a_file_named_by_its_digest_and_reads_the_same(
    journal: Journal, tmp_path: Path
) -> None:
    long = Draft(ToolReturned(1, "call", "é" * 5_000), "a-1")
    (event,) = await journal.append([long])
    await journal.append([long, noticed("short")])
    (blob,) = (tmp_path / "journal" / "blobs").iterdir()
    assert blob.stat().st_mode & 0o077 == 0
    assert (await journal.events(run="a-1"))[0] == event
    blob.unlink()
    with pytest.raises(JournalDamaged, match=blob.name):
        await journal.events(run="a-1")


async def test_the_state_is_the_fold_of_all_events_with_or_without_the_cache(
    journal: Journal, reopen: Opener, tmp_path: Path
) -> None:
    await journal.append([Draft(EngineStarted("1", 1, "w", "process", False)), Draft(queued(), "shortlinks-1")])
    await journal.append([noticed(str(n), "shortlinks-1") for n in range(CACHE_EVERY)])
    folded = fold(await journal.events())
    assert await journal.state() == folded
    journal.keep(folded)
    await journal.append([Draft(RunMoved("running"), "shortlinks-1")])
    moved = fold(await journal.events())
    await journal.close()
    database = sqlite3.connect(tmp_path / "journal" / "journal.db")
    assert database.execute("SELECT seq FROM state").fetchall() == [(folded.seq,)]
    assert await (await reopen()).state() == moved
    # A planted state is not believed; neither is one of another reducer.
    database.execute("UPDATE state SET body = replace(body, 'queued', 'failed')")
    database.commit()
    assert await (await reopen()).state() == moved
    database.execute("UPDATE state SET reducer = 999")
    database.commit()
    assert await (await reopen()).state() == moved
    database.execute("DELETE FROM state")
    database.commit()
    database.close()
    assert await (await reopen()).state() == moved


async def test_a_head_is_logged_at_the_start_and_each_hour_also_when_the_clock_goes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    moments = [NOON]
    caplog.set_level("INFO")
    journal = await Journal.open(
        tmp_path / "journal", tmp_path / "keys", workspace="w", clock=lambda: moments[-1], entropy=lambda: 1
    )
    wanted = []
    for moment, told in ((NOON, 1), (NOON + HOUR - 1, 0), (NOON + HOUR, 1), (NOON - 1, 1), (NOON, 0)):
        moments.append(moment)
        await journal.append([noticed("x")])
        wanted += [f"head of the journal: {journal.head.seq} {journal.head.hash}"] * told
    await journal.close()
    assert [one.message for one in caplog.records if one.message.startswith("head")] == wanted


async def test_the_database_is_durable_by_its_settings(journal: Journal, tmp_path: Path) -> None:
    assert (tmp_path / "journal" / "journal.db").read_bytes()[18:20] == b"\x02\x02", "WAL is a property of the file"
    assert (await (await journal._writer.execute("PRAGMA synchronous")).fetchone()) == (2,)
    assert (tmp_path / "journal" / "ballast").stat().st_blocks * 512 >= 4 << 20
    assert (tmp_path / "keys" / "w1.key").stat().st_mode & 0o777 == 0o600


async def test_a_full_database_says_so_and_keeps_what_was_acknowledged(journal: Journal) -> None:
    kept = await journal.append([noticed("kept")])
    (pages,) = (await (await journal._writer.execute("PRAGMA page_count")).fetchone()) or (0,)
    await journal._writer.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(JournalFull, match="Remedy: make room"):
        await journal.append([noticed("x" * 3_000) for _ in range(50)])
    assert await journal.events() == kept
    await journal._writer.execute("PRAGMA max_page_count = 100000")
    assert [event.seq for event in await journal.append([noticed("room again")])] == [2]
    assert await journal.verify() is None


async def test_a_journal_of_a_newer_version_is_refused_with_the_remedy(
    journal: Journal, reopen: Opener, tmp_path: Path
) -> None:
    await journal.close()
    database = sqlite3.connect(tmp_path / "journal" / "journal.db")
    database.execute("UPDATE schema SET version = 99 WHERE part = 'facts'")
    database.commit()
    database.close()
    with pytest.raises(JournalTooNew, match=r"journal\.db: written by a newer factory-tui .* Remedy: upgrade"):
        await reopen()


async def test_a_missing_or_readable_key_and_a_file_that_is_no_journal_are_refused(
    journal: Journal, reopen: Opener, tmp_path: Path
) -> None:
    await journal.append([noticed("x")])
    await journal.close()
    key = tmp_path / "keys" / "w1.key"
    key.chmod(0o644)
    with pytest.raises(JournalError, match=r"w1\.key.*chmod 600"):
        await reopen()
    key.unlink()
    with pytest.raises(JournalError, match=r"w1\.key.*missing.*Remedy"):
        await reopen()
    (tmp_path / "journal" / "journal.db").write_bytes(b"not a database " * 1_000)
    with pytest.raises(JournalError, match=r"journal\.db: not a journal.*Remedy"):
        await reopen()


async def test_after_close_an_append_is_refused_and_what_was_waiting_is_written(tmp_path: Path, reopen: Opener) -> None:
    journal = await reopen()
    waiting = [asyncio.create_task(journal.append([noticed(str(n))])) for n in range(5)]
    await asyncio.sleep(0)
    await journal.close()
    assert sorted(event.seq for events in await asyncio.gather(*waiting) for event in events) == [1, 2, 3, 4, 5]
    with pytest.raises(JournalError, match="closed"):
        await journal.append([noticed("late")])


async def test_ids_come_from_the_injected_clock_and_entropy(tmp_path: Path) -> None:
    entropy = itertools.count(5)
    journal = await Journal.open(
        tmp_path / "j", tmp_path / "k", workspace="w", clock=lambda: 1_469_918_176_385, entropy=lambda: next(entropy)
    )
    (event,) = await journal.append([noticed("x")])
    await journal.close()
    assert (event.at, event.id) == (1_469_918_176_385, "01ARYZ6S410000000000000005")


async def test_a_clock_that_jumps_back_changes_no_order(tmp_path: Path) -> None:
    times = iter([5_000_000, 1_000, 6_000_000])
    journal = await Journal.open(
        tmp_path / "j", tmp_path / "k", workspace="w", clock=lambda: next(times), entropy=lambda: 0
    )
    for text in ("before", "after the jump", "later"):
        await journal.append([noticed(text)])
    told = await journal.events()
    assert [(event.seq, event.at) for event in told] == [(1, 5_000_000), (2, 1_000), (3, 6_000_000)]
    assert await journal.state() == fold(told)
    assert await journal.verify() is None
    await journal.close()
