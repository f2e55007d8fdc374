"""The lamp of a run whose command or model says nothing for long. Pure; it is no jam, and ends nothing.

What moves is not quiet: output, a busy cell, any event. A run whose turn at the endpoint has not come asks nobody.
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
    """For how long nothing moved: a model's answer, or else a command in a cell that was seen to be idle or was not."""

    seconds: float
    model: bool
    idle: bool

    def __str__(self) -> str:
        if self.model:
            return f"slow: its model says nothing for {duration(self.seconds)}"
        cell = "its cell is idle" if self.idle else "whether its cell computes is not known"
        return f"slow: its command says nothing for {duration(self.seconds)}, and {cell}"


def quiet(run: Run, heard: int, cells: Iterable[LiveCell], now: int) -> Quiet | None:
    """What is lit for a run; `heard`: UTC ms at which output came or its cell was busy last, as far as one looked."""
    seconds = (now - max(run.changed_at, heard)) / 1000
    commands = run.handler in _COMMANDS or (run.handler == "codergen" and run.at_work)
    asked = run.handler == "codergen" and not run.at_work and bool(run.open_calls)
    if run.state != "running" or not (commands or asked) or seconds < QUIET:
        return None
    if asked:
        return Quiet(seconds, model=True, idle=False)
    gauges = [cell.gauge for cell in cells if cell.role == "agent" and cell.gauge]
    if any(gauge.cpu >= BUSY for gauge in gauges):
        return None
    return Quiet(seconds, model=False, idle=bool(gauges))
