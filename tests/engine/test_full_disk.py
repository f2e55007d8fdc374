"""A disk that fills up under a run: everything is held, nothing is lost, and it goes on when there is room."""

import contextlib
import os
from pathlib import Path

from factory_tui.domain.events import ToolReturned
from tests.engine.floor import Floor
from tests.engine.greeter import make


def fill(path: Path) -> None:
    """Take all the room there is."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    continue
    assert not os.statvfs(path).f_bavail


async def test_a_full_disk_holds_every_run_until_there_is_room(small_disk: Path) -> None:
    async with Floor(*make(small_disk)) as floor:
        runs = [await floor.start(), await floor.start()]
        await floor.fact(ToolReturned)
        fill(small_disk / "filler")
        held = await floor.until(lambda state: {state.runs[run].state for run in runs} == {"held"})
        assert {held.runs[run].reason for run in runs} == {"disk"}
        assert all("disk is full" in held.runs[run].why or "space" in held.runs[run].why for run in runs)
        (small_disk / "filler").unlink()
        for run in runs:
            assert (await floor.reach(run, "shipped", "failed", "jammed")).state == "shipped"
