"""Commands that will not end leave nothing in the cell, however many there were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.timeouts import remaining, stubborn

if TYPE_CHECKING:
    from factory_tui.cells.protocol import Cell


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestStubborn:
    kind = "docker"

    async def test_the_count_sees_what_is_left(self, fresh: Cell) -> None:
        await fresh.run("setsid sleep 1000 > /dev/null 2>&1 &")
        assert await remaining(fresh) == 1

    @pytest.mark.parametrize("count", [30, pytest.param(1000, marks=pytest.mark.chaos)])
    async def test_a_timeout_leaves_nothing(self, fresh: Cell, count: int) -> None:
        await stubborn(fresh, count)
        assert await remaining(fresh) == 0
