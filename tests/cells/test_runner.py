"""How the runner travels into a cell."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from factory_tui.cells import runner

LARGEST_ARGUMENT = 128 << 10

modules = sorted(Path(runner.__file__).parent.glob("[!_]*.py"))


def test_every_argument_is_short_enough_and_the_same_each_time() -> None:
    config = {"work": "/work", "uid": 1000, "gid": 1000, "leave": False, "env": {}}
    given = runner.arguments(config)
    assert max(map(len, given)) < LARGEST_ARGUMENT / 4
    assert runner.arguments(config) == given


@pytest.mark.parametrize("module", modules, ids=lambda path: path.stem)
def test_its_modules_can_be_read_by_the_oldest_python_of_a_cell(module: Path) -> None:
    ast.parse(module.read_text("utf-8"), feature_version=(3, 8))
