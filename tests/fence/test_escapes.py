"""Every escape and abuse of the table comes to nothing, and nobody else notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factory_tui.cells.docker import DockerCells, connect
from tests.fence.escapes import DEEDS, ROWS, Deed, Row
from tests.fence.ground import LABELS

if TYPE_CHECKING:
    from tests.fence.ground import Ground

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="class")]


class TestEscapes:
    @pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
    async def test_it_is_refused(self, ground: Ground, row: Row) -> None:
        said = await ground.answer(row.tried)
        assert said in row.answers.split(" ") or (said in row.answers and said.startswith("done: ")), said
        await ground.unharmed(alone=False)

    @pytest.mark.parametrize("deed", DEEDS, ids=[deed.name for deed in DEEDS])
    async def test_it_is_contained(self, ground: Ground, docker_workspace: str, cell_image: str, deed: Deed) -> None:
        if deed.alone is None:
            await deed.done(ground)
            await ground.unharmed(alone=False)
            return
        cells = DockerCells(connect(), docker_workspace, cell_image, deed.alone)
        shared, ground.cell = ground.cell, await cells.start(LABELS)
        try:
            await deed.done(ground)
            await ground.unharmed(alone=True)
        finally:
            await ground.cell.close()
            ground.cell = shared
            await cells.close()
