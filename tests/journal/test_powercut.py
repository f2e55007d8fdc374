"""Power cuts at any moment: what was acknowledged is there, and what is there can be read and is whole."""

import asyncio
import itertools
import random
import sys
from pathlib import Path

import pytest

from factory_tui.domain.events import Draft, ToolReturned
from factory_tui.domain.reducer import fold
from factory_tui.journal import Journal, JournalError, store
from tests.journal.powercut import Acknowledged, Disk, recording

SESSIONS, ROUNDS, WRITERS = 2, 25, 4


async def open_in(folder: Path) -> Journal:
    tick = itertools.count(1)
    return await Journal.open(
        folder / "journal", folder / "keys", workspace="w", clock=lambda: next(tick), entropy=lambda: next(tick)
    )


async def work(folder: Path, disk: Disk) -> None:
    """Two engines, one after the other: short payloads and long ones, and now and then the cached state."""

    async def write(journal: Journal, number: int) -> None:
        for turn in range(ROUNDS):
            text = "x" * (5_000 if turn % 6 == number else 300) + str(turn)
            drafts = [Draft(ToolReturned(turn, str(number), text), f"a-{number}")] * (1 + turn % 2)
            disk.asked += [Acknowledged(event.seq, event.id) for event in await journal.append(drafts)]

    for _ in range(SESSIONS):
        journal = await open_in(folder)
        writing = asyncio.gather(*(write(journal, number) for number in range(WRITERS)))
        while not writing.done():
            journal.keep(fold(await journal.events()))
        await writing
        await journal.close()


async def survives(folder: Path, disk: Disk, at: int, chance: random.Random, *, lies: bool = False) -> str:
    """What was lost or is unreadable after a cut; empty: nothing."""
    root = folder.parent
    for path, content in disk.cut(at, chance, lies=lies).items():
        found = folder / path.relative_to(root / "worked")
        found.parent.mkdir(parents=True, exist_ok=True)
        found.write_bytes(content)
        found.chmod(0o600)
    promised = {one.seq: one.identity for one in disk.asked[:at] if isinstance(one, Acknowledged)}
    try:
        journal = await open_in(folder)
    except JournalError as unreadable:
        return str(unreadable)
    try:
        events = await journal.events()
        if lost := promised.items() - {event.seq: event.id for event in events}.items():
            return f"{len(lost)} acknowledged events were lost"
        if await journal.state() != fold(events):
            return "the cached state is another"
        await journal.append([Draft(ToolReturned(1, "call", "goes on"), "a-1")])
        return str(await journal.verify() or "")
    except JournalError as unreadable:
        return str(unreadable)
    finally:
        await journal.close()


async def cuts(number: int, folder: Path, *, lies: bool = False) -> tuple[dict[int, str], str]:
    """What so many cuts at random moments did, by moment; and how they were drawn."""
    with recording() as disk:
        await work(folder / "worked", disk)
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    hurt = {}
    for cut in range(number):
        at = chance.randrange(len(disk.asked) + 1)
        if said := await survives(folder / str(cut), disk, at, chance, lies=lies):
            hurt[at] = said
    return hurt, f"{number} power cuts among {len(disk.asked)} requests, seed {seed}: {len(hurt)} did harm"


@pytest.fixture(autouse=True)
def often_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CACHE_EVERY", 30)


async def test_power_cuts_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    hurt, drawn = await cuts(24, tmp_path)
    assert not hurt, drawn


async def test_the_cuts_find_a_disk_that_does_not_sync(tmp_path: Path) -> None:
    hurt, drawn = await cuts(8, tmp_path, lies=True)
    assert hurt, drawn


@pytest.mark.chaos
@pytest.mark.timeout(1200)
async def test_four_hundred_power_cuts_lose_nothing_that_was_acknowledged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hurt, drawn = await cuts(400, tmp_path)
    with capsys.disabled():
        sys.stdout.write(f"\n{drawn}\n")
    assert not hurt, drawn
