"""The state at any instant is the fold of what was written by then, whatever is kept of it, and whatever is not."""

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from factory_tui.domain import events as e
from factory_tui.domain.events import Draft, Event
from factory_tui.domain.reducer import VERSION, fold
from factory_tui.journal import (
    Journal,
    JournalDamaged,
    JournalError,
    Keys,
    Wanted,
    compact,
    kept,
    look_at,
    page,
    seq_at,
    state_at,
    store,
    timeline,
)
from tests.console import story
from tests.journal.conftest import Opener

NOON = 1_700_000_000_000


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "EVERY", 50)
    monkeypatch.setattr(store, "CACHE_EVERY", 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys", "w1")


async def day(journal: Journal) -> list[Event]:
    """The whole story, as the engine writes it: state after state is offered to keep."""
    state = await journal.state()
    drafts = [Draft(event.fact, event.run, event.actor) for event in story.tell()]
    for first in range(0, len(drafts), 5):
        state = fold(await journal.append(drafts[first : first + 5]), state)
        journal.keep(state)
    return await journal.events()


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "states").glob("*")}


async def test_the_state_at_any_event_is_the_fold_of_the_prefix_with_and_without_kept_states(
    journal: Journal, folder: Path, keys: Keys
) -> None:
    told = await day(journal)
    assert len(names(folder)) == len(told) // 50, "some are kept as they come"
    some = [0, 1, 49, 50, 51, *random.Random(3).sample(range(len(told)), 12), len(told)]
    for seq in some:
        assert state_at(folder, keys, seq) == fold(told[:seq])
    shutil.rmtree(folder / "states")
    for seq in some:
        assert state_at(folder, keys, seq) == fold(told[:seq])
    assert len(names(folder)) == len(told) // 50, "they are kept anew on the way"


async def test_a_start_without_anything_cached_keeps_states_too(journal: Journal, folder: Path, reopen: Opener) -> None:
    told = await day(journal)
    await journal.close()
    shutil.rmtree(folder / "states")
    with closing(sqlite3.connect(folder / "journal.db")) as database, database:
        database.execute("DELETE FROM state")
    assert await (await reopen()).state() == fold(told)
    assert len(names(folder)) == len(told) // 50


async def test_a_kept_state_of_another_hand_history_or_reducer_is_worth_nothing(
    journal: Journal, folder: Path, keys: Keys, tmp_path: Path, reopen: Opener
) -> None:
    told = await day(journal)
    states = folder / "states"
    shutil.rmtree(states)
    state_at(folder, keys, len(told))
    planted = states / f"100.{VERSION}"
    (states / f"150.{VERSION}").replace(planted)
    assert state_at(folder, keys, 120) == fold(told[:120])
    planted.write_bytes(b"torn")
    assert state_at(folder, keys, 120) == fold(told[:120])
    assert planted.stat().st_size > 100, "what was torn is kept anew"
    (states / "100.999").write_bytes(planted.read_bytes())
    await journal.close()
    await reopen()
    assert "100.999" not in names(folder)
    # The same seqs with other rows: nothing of the one history is believed in the other.
    other = await Journal.open(
        tmp_path / "other", tmp_path / "keys", workspace="w1", clock=lambda: NOON, entropy=lambda: 7
    )
    await other.append([Draft(e.Noticed("info", str(number))) for number in range(130)])
    shutil.copytree(states, tmp_path / "other" / "states", dirs_exist_ok=True)
    events = await other.events()
    assert state_at(tmp_path / "other", keys, 120) == fold(events[:120])
    await other.close()


async def test_an_event_that_never_was_is_refused(journal: Journal, folder: Path, keys: Keys) -> None:
    await journal.append([Draft(e.Noticed("info", "one"))])
    for seq in (2, -1):
        with pytest.raises(JournalError, match=f"there is no event {seq}; the newest is 1"):
            state_at(folder, keys, seq)


async def test_archived_payloads_are_folded_and_lost_ones_are_named(journal: Journal, folder: Path, keys: Keys) -> None:
    told = await day(journal)
    await journal.close()
    compact(folder, ["orders-etl-1", "shortlinks-1"])
    shutil.rmtree(folder / "states")
    assert state_at(folder, keys, 90) == fold(told[:90])
    (archive,) = (folder / "archives").iterdir()
    archive.unlink()
    assert state_at(folder, keys, 50) == fold(told[:50]), "a kept state needs nothing of what was before it"
    with pytest.raises(JournalDamaged, match=r"event 60 cannot be folded to from event 50 on: .*event 51 is missing"):
        state_at(folder, keys, 60)
    shutil.rmtree(folder / "states")
    with pytest.raises(JournalDamaged, match=r"from the first event on: .*Remedy: "):
        state_at(folder, keys, 60)


async def test_times_are_found_by_place(journal: Journal, folder: Path) -> None:
    assert timeline(folder, 4).counts == (0, 0, 0, 0)
    assert seq_at(folder, NOON) == 0
    told = await day(journal)
    assert seq_at(folder, told[0].at - 1) == 0
    for event in random.Random(5).sample(told, 20):
        assert seq_at(folder, event.at) == max(one.seq for one in told if one.at <= event.at)
    assert seq_at(folder, told[-1].at + 1) == len(told)
    lay = timeline(folder, 7)
    assert (lay.begin, lay.end, sum(lay.counts)) == (told[0].at, told[-1].at, len(told))
    for number, (after, to) in enumerate(zip(lay.seqs, lay.seqs[1:], strict=False)):
        width = (lay.end + 1 - lay.begin) / 7
        inside = [one.seq for one in told if number <= (one.at - lay.begin) / width < number + 1]
        assert abs(len(inside) - (to - after)) <= 5, "edges are whole milliseconds, which have five events each"
    middle = timeline(folder, 3, told[40].at, told[80].at)
    assert middle.seqs[0] < 41 <= middle.seqs[1]
    assert middle.seqs[-1] == seq_at(folder, told[80].at)


async def test_a_clock_that_was_set_back_loses_no_event(tmp_path: Path) -> None:
    times = iter([NOON, NOON + 50, NOON + 100, NOON - 400, NOON + 10, NOON + 200])
    journal = await Journal.open(
        tmp_path / "back", tmp_path / "keys", workspace="w1", clock=lambda: next(times), entropy=lambda: 7
    )
    for number in range(6):
        await journal.append([Draft(e.Noticed("info", str(number)))])
    told = await journal.events()
    lay = timeline(tmp_path / "back", 5)
    assert sum(lay.counts) == 6
    for at in range(NOON - 500, NOON + 300, 7):
        seq = seq_at(tmp_path / "back", at)
        assert seq == 0 or told[seq - 1].at <= at
        assert seq == 6 or told[seq].at > at
    await journal.close()


async def test_what_somebody_did_is_found_among_all_rows(journal: Journal, folder: Path) -> None:
    for number in range(40):
        await journal.append([Draft(e.Noticed("info", str(number)), "a-1", "ana" if number % 10 == 0 else "engine")])
    found = await asyncio.to_thread(page, folder, Wanted(actor="ana"), after=None, before=32, limit=2)
    assert [event.seq for event in found] == [21, 31]
    found = page(folder, Wanted("a-1", ["noticed"], "!engine"), after=1, before=None, limit=9)
    assert [event.seq for event in found] == [11, 21, 31]
    assert page(folder, Wanted(actor="ana' OR 1"), after=None, before=None, limit=9) == []


async def test_what_a_walk_of_the_chain_came_to_is_remembered(journal: Journal, folder: Path, keys: Keys) -> None:
    assert keys.looked() is None
    await journal.append([Draft(e.Noticed("info", str(number))) for number in range(4)])
    assert look_at(folder, keys, NOON).damage is None
    assert keys.looked() == (NOON, 4, "")
    assert keys.looked_path.stat().st_mode & 0o077 == 0
    await journal.append([Draft(e.Noticed("info", "later"))])
    with closing(sqlite3.connect(folder / "journal.db")) as database, database:
        database.execute("UPDATE event SET actor = 'ben' WHERE seq = 3")
    look_at(folder, keys, NOON + 1)
    looked = keys.looked()
    assert looked is not None
    assert (looked.at, looked.seq) == (NOON + 1, 2)
    assert "is not what was written" in looked.why
    keys.looked_path.write_text("torn")
    assert keys.looked() is None
