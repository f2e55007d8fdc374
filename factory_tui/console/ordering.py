"""The order of the floor's rows: its own, where families stand together, or by a column. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from factory_tui.config.settings import Sort
from factory_tui.console.burning import share
from factory_tui.domain.events import RunState
from factory_tui.domain.state import Run

URGENCY: tuple[RunState, ...] = (
    "jammed",
    "signoff",
    "running",
    "held",
    "paused",
    "queued",
    "failed",
    "stopped",
    "shipped",
)
"""What asks for a human first, what is over last."""


def _share(run: Run) -> float | None:
    found = run.measured.satisfaction if run.measured else None
    return found.share if found else None


_WORDS: dict[str, Callable[[Run], Any]] = {
    "run": lambda run: run.id,
    "state": lambda run: URGENCY.index(run.state),
    "node": lambda run: run.node or None,
}
"""By these the first comes first, unless it is turned round."""
_FIGURES: dict[str, Callable[[Run], Any]] = {
    "pass": lambda run: len(run.passes) or None,
    "satisfied": _share,
    "burn": lambda run: run.burn.money,
    "cap": share,
    "age": lambda run: -run.changed_at,
}
"""By these the most does."""


def column(order: Sort) -> str:
    """What it is by; `floor` is the floor's own."""
    return order.removeprefix("-")


def falling(order: Sort) -> bool:
    """Whether the largest stands on top."""
    return (column(order) in _FIGURES) != order.startswith("-")


def turned(order: Sort) -> Sort:
    """The other way round; the floor's own order has none."""
    if order == "floor":
        return order
    return column(order) if order.startswith("-") else f"-{order}"  # type: ignore[return-value]


def ordered(runs: Sequence[Run], order: Sort) -> list[Run]:
    """The runs, which come in the floor's order, in this one; those without what it is by come last either way."""
    if order == "floor":
        return list(runs)
    of = (_WORDS | _FIGURES)[column(order)]
    known = [(value, run) for run in runs if (value := of(run)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=falling(order))
    return [run for _, run in known] + [run for run in runs if of(run) is None]


def after(order: Sort, columns: Iterable[str], by: int) -> Sort:
    """The order by the column next to this one's, of those on the screen; beyond either end, the floor's own."""
    known = ["floor", *columns]
    at = known.index(column(order)) if column(order) in known else 0
    return known[(at + by) % len(known)]  # type: ignore[return-value]
