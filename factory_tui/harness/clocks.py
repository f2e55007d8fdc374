"""The time that the product sees, where a scenario sets it: put into its cell, proved, and moved on by acts."""

from __future__ import annotations

import time
from importlib import resources
from typing import TYPE_CHECKING

from factory_tui.cells.protocol import CellError
from factory_tui.harness.draws import text
from factory_tui.harness.moment import moment
from factory_tui.harness.stage import Step

if TYPE_CHECKING:
    from factory_tui.harness.stage import Stage

FOLDER = ".clock"
"""Below the work tree: the one place in a cell where Python can be told to look first."""
_SOURCE = resources.files("factory_tui.cells").joinpath("clock.py").read_text("utf-8")
_OFF = 60.0
"""Seconds between this clock and a cell's that are no fault."""


async def begin(stage: Stage, said: str) -> None:
    """Set the clock of everything of the product. Raises CellError where it does not take, which is no fault of it."""
    await stage.write(f"{FOLDER}/sitecustomize.py", _SOURCE.encode())
    stage.env = {**stage.env, "PYTHONPATH": f"{stage.cell.work}/{FOLDER}"}
    await _set(stage, said)
    probe = await stage.cell.run("python3 -c 'import time; print(time.time())'", env=stage.env, timeout=20.0)
    try:
        off = float(probe.stdout) - time.time() - stage.shift
    except ValueError:
        off = _OFF
    if abs(off) >= _OFF:
        raise CellError(
            "the clock of the cell cannot be set. Remedy: use an image whose python3 is CPython with its site"
        )


async def move(stage: Stage, title: str, said: str) -> None:
    """Set it anew, or on."""
    said = text(said, stage.names)
    await _set(stage, said)
    stage.steps.append(Step(title, f"clock {said}", ""))


async def _set(stage: Stage, said: str) -> None:
    now = time.time()
    stage.shift = moment(text(said, stage.names), now + stage.shift) - now
    await stage.write(f"{FOLDER}/shift", f"{stage.shift:.6f}".encode())
