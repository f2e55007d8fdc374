"""kill -9 and a disk without room, for real."""

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from factory_tui.domain.events import Draft, Noticed
from factory_tui.journal import Journal, JournalFull

ROOT = Path(__file__).parents[2]

FLOOD = """
import asyncio, itertools, os, sys, time
from pathlib import Path
from factory_tui.domain.events import Draft, Noticed, ToolReturned
from factory_tui.domain.events import Draft, Noticed
from factory_tui.journal import Journal, JournalFull

async def write(journal, number):
    for turn in itertools.count():
        text = "x" * (6_000 if turn % 7 == 0 else 300)
        fact = ToolReturned(turn, str(number), text + str((number, turn)))
        events = await journal.append([Draft(fact, f"a-{number}")])
        os.write(1, f"{events[0].seq} {events[0].id}\\n".encode())

async def main():
    here = Path(sys.argv[1])
    journal = await Journal.open(here / "journal", here / "keys", workspace="w1",
                                 clock=lambda: time.time_ns() // 10**6, entropy=lambda: int.from_bytes(os.urandom(10)))
    await asyncio.gather(*(write(journal, number) for number in range(8)))

asyncio.run(main())
"""


def flood_and_kill(folder: Path, acknowledged: int) -> dict[int, str]:
    """What a writer said was on disk (seq to id), killed after that many acknowledgements."""
    with subprocess.Popen([sys.executable, "-c", FLOOD, str(folder)], stdout=subprocess.PIPE, cwd=ROOT) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(acknowledged)]
        os.kill(writer.pid, signal.SIGKILL)
        lines += [line for line in writer.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    return {int(seq): identity for seq, identity in (line.decode().split() for line in lines)}


@pytest.mark.parametrize("acknowledged", [1, 300, 900])
async def test_every_acknowledged_event_survives_kill_9(acknowledged: int, tmp_path: Path) -> None:
    promised = flood_and_kill(tmp_path, acknowledged)
    assert len(promised) >= acknowledged
    journal = await Journal.open(
        tmp_path / "journal", tmp_path / "keys", workspace="w1", clock=lambda: 0, entropy=lambda: 0
    )
    stored = {event.seq: event.id for event in await journal.events()}
    assert promised.items() <= stored.items()
    assert await journal.verify() is None
    await journal.close()


async def test_a_full_disk_takes_the_alarm_and_nothing_acknowledged(small_disk: Path, tmp_path: Path) -> None:
    tick = itertools.count()
    journal = await Journal.open(
        small_disk / "journal", tmp_path / "keys", workspace="w1", clock=lambda: next(tick), entropy=lambda: next(tick)
    )
    kept, size = 0, 200_000
    while size:
        try:
            kept = (await journal.append([Draft(Noticed("info", "x" * size + str(kept)))]))[-1].seq
        except JournalFull:
            size //= 3
    assert len(await journal.events()) == kept > 10
    (alarm,) = await journal.alarm([Draft(Noticed("error", "the disk is full"))])
    assert alarm.seq == kept + 1
    assert await journal.verify() is None
    assert not await journal.refill()
    await journal.close()
