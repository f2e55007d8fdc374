"""The cells that scenarios are tried in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from factory_tui.cells.process import ProcessCells


@pytest.fixture
async def cells(quick_python: None, tmp_path: Path) -> AsyncIterator[ProcessCells]:
    cells = ProcessCells("w", tmp_path / "cells")
    yield cells
    assert await cells.sweep() == 0, "a cell was left behind"
