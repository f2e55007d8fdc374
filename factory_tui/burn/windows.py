"""How burn may be cut: windows of time, and what it is grouped by. Loads next to nothing: the command line asks it."""

from typing import Literal, NamedTuple, get_args

from factory_tui.domain.money import DAY

MINUTE = 60_000
"""Milliseconds."""
HOUR = 3_600_000
WindowName = Literal["1h", "6h", "24h", "7d", "all"]
By = Literal["run", "model", "phase", "scenario"]
GROUPINGS: tuple[By, ...] = get_args(By)


class Scale(NamedTuple):
    """How a window is cut."""

    step: int
    """Milliseconds of a bucket."""
    buckets: int
    """How many it has; 0: as many as there are days."""


WINDOWS: dict[WindowName, Scale] = {
    "1h": Scale(MINUTE, 60),
    "6h": Scale(5 * MINUTE, 72),
    "24h": Scale(20 * MINUTE, 72),
    "7d": Scale(3 * HOUR, 56),
    "all": Scale(DAY, 0),
}
