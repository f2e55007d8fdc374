"""A journal on a real disk, with a clock that ticks and entropy that counts."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from factory_tui.journal import Journal

Opener = Callable[[], Awaitable[Journal]]


@pytest.fixture
async def reopen(tmp_path: Path) -> AsyncIterator[Opener]:
    """Open the workspace's journal (again); whatever is left open is closed at the end."""
    opened: list[Journal] = []
    clock, entropy = itertools.count(1_700_000_000_000), itertools.count()

    async def opener() -> Journal:
        journal = await Journal.open(
            tmp_path / "journal",
            tmp_path / "keys",
            workspace="w1",
            clock=lambda: next(clock),
            entropy=lambda: next(entropy),
        )
        opened.append(journal)
        return journal

    yield opener
    for journal in opened:
        await journal.close()


@pytest.fixture
async def journal(reopen: Opener) -> Journal:
    """A new journal."""
    return await reopen()
