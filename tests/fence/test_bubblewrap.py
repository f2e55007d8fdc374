"""The same escapes and abuses from inside bubblewrap, which is called a fence too: both of its shapes."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from factory_tui.cells.process import ProcessCells
from tests.fence.conftest import LIMITS
from tests.fence.escapes import DEEDS, ROWS, Deed, Row
from tests.fence.ground import LABELS, Ground

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from factory_tui.cells.bubblewrap import Bubble

pytestmark = pytest.mark.asyncio(loop_scope="class")


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def ground(
    request: pytest.FixtureRequest, bubble: Bubble, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ground]:
    """A cell to attack from, its neighbour and the host's canaries."""
    shape = replace(bubble, strangers=request.cls.strangers)
    cells = ProcessCells("w", tmp_path_factory.mktemp("state"), LIMITS, shape)
    ground = Ground(cells, tmp_path_factory.mktemp("host"))
    await ground.open()
    yield ground
    await ground.close()
    assert not await cells.sweep(), "cells were left behind"


BESIDES = {
    "end the runner": "done: None",
    "end the runner by its descriptor": "done: 0",
    "root by setuid": "EINVAL",
    "a program of root's": "EINVAL",
}
"""How else a plain user's cell answers: the first process of a pid namespace hears no signal, root is not mapped."""


async def flood_of_files(ground: Ground) -> None:
    """A tmpfs of bubblewrap's counts no files; their inodes are memory of the cell's."""
    flood = "n = 0\nwhile True:\n  open(f'{n}', 'w').close()\n  n += 1"
    outcome = await ground.cell.run(["python3", "-c", flood], timeout=60)
    assert (outcome.exit, outcome.timed_out) == (-9, False)


class Escapes:
    strangers: bool

    @pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
    async def test_it_is_refused(self, ground: Ground, row: Row) -> None:
        if row.name == "where the kernel pipes cores" and not self.strangers and os.geteuid() == 0:
            pytest.skip("what root may write is shut to plain users, for whom this shape is")
        said = await ground.answer(row.tried)
        if not self.strangers and said == BESIDES.get(row.name):
            await ground.unharmed(alone=False)
            return
        assert said in row.answers.split(" ") or (said in row.answers and said.startswith("done: ")), said
        await ground.unharmed(alone=False)

    @pytest.mark.parametrize("deed", DEEDS, ids=[deed.name for deed in DEEDS])
    async def test_it_is_contained(
        self, ground: Ground, bubble: Bubble, tmp_path_factory: pytest.TempPathFactory, deed: Deed
    ) -> None:
        if deed.name == "inotify instances" and not self.strangers:
            pytest.skip("cells of a plain user are all that user's, and the kernel counts by user")
        done = flood_of_files if deed.name == "inodes" else deed.done
        if deed.alone is None:
            await done(ground)
            await ground.unharmed(alone=False)
            return
        shape = replace(bubble, strangers=self.strangers)
        cells = ProcessCells("w", tmp_path_factory.mktemp("state"), deed.alone, shape)
        shared, ground.cell = ground.cell, await cells.start(LABELS)
        try:
            await done(ground)
            await ground.unharmed(alone=True)
        finally:
            await ground.cell.close()
            ground.cell = shared


class TestEscapesFromBubblewrap(Escapes):
    strangers = True


class TestEscapesFromBubblewrapOfAPlainUser(Escapes):
    strangers = False
