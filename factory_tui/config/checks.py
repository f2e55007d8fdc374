"""Bounds on figures: one line a check, shared by config.toml and seeds.

Owns the wording of a figure out of bounds. A key left to its default is judged too.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from factory_tui.config.lines import Step
from factory_tui.config.reading import Document, Problem

CAP = "0.."
"""What a cap may be."""
Figure = int | float | Decimal | None
SHIP_RULE = {
    "ship_at": "0..1",
    "alpha": "(0..0.5]",
    "max_passes": "1..",
    "max_trajectories": "1..",
}
"""Keys of the ship rule, in `[harness]` and in a seed."""


def within(value: Figure, bounds: str) -> bool:
    """Whether the figure keeps to bounds such as `1..`, `0..1` or `(0..0.5]`; a bracket `(` leaves the end out."""
    if value is None:
        return True
    figure = Decimal(str(value))
    if not figure.is_finite():
        return False
    low, _, high = bounds.strip("(]").partition("..")
    above = figure > Decimal(low) if bounds.startswith("(") else figure >= Decimal(low)
    return above and (not high or figure <= Decimal(high))


def out_of_bounds(
    document: Document, table: Any, bounds: dict[str, str], steps: tuple[Step, ...] = ()
) -> Iterator[Problem]:
    """A problem for each key of the table (a struct found at `steps`) whose figure is out of its bounds."""
    for key, limits in bounds.items():
        value = getattr(table, key)
        if not within(value, limits):
            low, _, high = limits.strip("(]").partition("..")
            least = f"more than {low}" if limits.startswith("(") else f"at least {low}"
            wanted = f"{least} and at most {high}" if high else least
            yield document.problem((*steps, key), f"{value} is out of bounds.", f"Write a number of {wanted}.")
