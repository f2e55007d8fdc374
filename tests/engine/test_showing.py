"""The engine tells a console what changed between passes, or why it cannot."""

from pathlib import Path

import pytest

from factory_tui.cells.protocol import Entry
from factory_tui.delivery.snapshot import Snapshots
from factory_tui.domain import events as e
from factory_tui.domain.reducer import fold
from factory_tui.engine.showing import DIFF_LIMIT, changes
from factory_tui.link.protocol import DiffRequest, RefusedError
from tests.console import story


async def told(folder: Path, *outputs: bytes) -> tuple[Snapshots, story.Teller]:
    """Passes with these outputs of one file, really in a repository."""
    snapshots, teller, parent = Snapshots(folder / "snapshots.git"), story.Teller(), ""
    tale = story.Tale(teller, "orders-etl-1", story.ORDERS)
    tale.queued("orders-etl")
    for number, output in enumerate(outputs, 1):
        entries = [Entry("etl.py", "file", 0o644, output)]
        taken = await snapshots.take(entries, cell="c", parent=parent, message=f"pass {number}", at=number * 1000)
        parent = taken.commit
        tale.say(e.PassBegan(number, "9f3c1a7e55d0"), e.SnapshotTaken(number, parent, taken.tree, 1, len(output), 0.1))
    return snapshots, teller


async def test_what_a_pass_changed(tmp_path: Path) -> None:
    snapshots, teller = await told(tmp_path, b"one\n", b"two\n")
    state = fold(teller.events)
    text, cut = await changes(state, snapshots, DiffRequest(1, "orders-etl-1", 1, 2))
    assert "-one\n+two\n" in text
    assert not cut
    text, _ = await changes(state, snapshots, DiffRequest(1, "orders-etl-1", 0, 2))
    assert "+two\n" in text
    assert "-one" not in text


async def test_a_flood_is_cut(tmp_path: Path) -> None:
    snapshots, teller = await told(tmp_path, b"flood\n" * 200_000)
    text, cut = await changes(fold(teller.events), snapshots, DiffRequest(1, "orders-etl-1", 0, 1))
    assert cut
    assert len(text.encode()) <= DIFF_LIMIT


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (DiffRequest(1, "nobody-1", 0, 1), "there is no run nobody-1; runs: orders-etl-1"),
        (DiffRequest(1, "orders-etl-1", 1, 7), "no output of pass 7; passes: 1"),
    ],
)
async def test_why_there_is_none(tmp_path: Path, asked: DiffRequest, why: str) -> None:
    snapshots, teller = await told(tmp_path, b"one\n")
    with pytest.raises(RefusedError, match=why):
        await changes(fold(teller.events), snapshots, asked)
