"""The lamp of a run whose command says nothing and computes nothing for long. Pure; it is no jam, and ends nothing.

What moves is not quiet: output, a busy cell, any event. A model that is being asked, or is to be asked in its turn, is
the endpoint's to be slow.
"""

from collections.abc import Iterable

import msgspec

from factory_tui.console.figures import duration
from factory_tui.domain.live import LiveCell
from factory_tui.domain.state import Run

QUIET = 60.0
"""Seconds after which a run that says nothing is quiet."""
BUSY = 0.02
"""Cores from which on a cell is at work: one that waits uses less."""
_COMMANDS = frozenset({"checkpoint", "tool"})
"""Handlers of nodes that are a command in the run's own cell; an agent has one at work now and then."""


class Quiet(msgspec.Struct, frozen=True):
    """For how long nothing moved, and whether the cell was seen to be idle."""

    seconds: float
    idle: bool

    def __str__(self) -> str:
        cell = "its cell is idle" if self.idle else "whether its cell computes is not known"
        return f"slow: its command says nothing for {duration(self.seconds)}, and {cell}"


def quiet(run: Run, heard: int, cells: Iterable[LiveCell], now: int) -> Quiet | None:
    """What is lit for a run; `heard`: UTC ms at which output came or its cell was busy last, as far as one looked."""
    seconds = (now - max(run.changed_at, heard)) / 1000
    commands = run.handler in _COMMANDS or (run.handler == "codergen" and run.at_work)
    if run.state != "running" or not commands or seconds < QUIET:
        return None
    gauges = [cell.gauge for cell in cells if cell.role == "agent" and cell.gauge]
    if any(gauge.cpu >= BUSY for gauge in gauges):
        return None
    return Quiet(seconds, bool(gauges))
