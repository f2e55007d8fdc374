"""Which runs hang on the wall, and where. Pure: it is told what moved when.

A run keeps its place while it moves now and then, so that the wall stands still under the eyes of whoever reads it.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

MOST = 8
STAYS = 30_000
"""Milliseconds that a run may stand still before one that moves takes its place."""
LEAST = 6
"""Rows of one place, with its frame."""
WIDE, ULTRA = 100, 160
Box = tuple[int, int, int, int]
"""Column, row, width, height."""


def room(size: tuple[int, int]) -> int:
    """How many places there are."""
    return min(MOST, max(1, size[1] // LEAST) * _columns(size[0], MOST), MOST if size[0] >= WIDE else MOST // 2)


def _columns(width: int, number: int) -> int:
    if width < WIDE or number == 1 or (number == 2 and width < ULTRA):
        return 1
    return 2


def grid(size: tuple[int, int], number: int) -> list[list[Box]]:
    """So many places in rows, with no cell left over."""
    width, height = size
    columns = _columns(width, number)
    rows = -(-number // columns)
    found: list[list[Box]] = []
    for row in range(rows):
        top, below = row * height // rows, (row + 1) * height // rows
        here = min(columns, number - row * columns)
        edges = [at * width // here for at in range(here + 1)]
        found.append([(left, top, right - left, below - top) for left, right in pairwise(edges)])
    return found


class Seats:
    """Who sits where, by name."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def take(self, moved: Mapping[str, int], chosen: str, places: int) -> list[str]:
        """The runs that moved last (`moved`: all, in the floor's order, with UTC ms), and the chosen one for sure."""
        newest = sorted(moved, key=lambda name: -moved[name])
        kept = [name for name in self.names if name in moved]
        for name in sorted(kept, key=lambda name: (name == chosen, moved[name]))[: max(0, len(kept) - places)]:
            kept.remove(name)
        others = [name for name in newest if name not in kept]
        if chosen in others and len(kept) == places:
            kept[kept.index(min(kept, key=lambda name: moved[name]))] = chosen
        fresh = {*others[: places - len(kept)]}
        if chosen in others and chosen not in kept and fresh:
            fresh = {chosen, *[name for name in others if name != chosen][: places - len(kept) - 1]}
        kept += [name for name in moved if name in fresh]
        for name in (name for name in newest if name not in kept):
            stale = min((one for one in kept if one != chosen), key=lambda one: moved[one], default=name)
            if moved[name] - moved[stale] <= STAYS:
                break
            kept[kept.index(stale)] = name
        self.names = kept
        return kept


def beside(rows: Sequence[Sequence[Box]], at: int, motion: str) -> int:
    """The place that a motion leads to; itself at an edge."""
    flat = [box for row in rows for box in row]
    number = len(flat)
    row = next(index for index, some in enumerate(rows) if flat[at] in some)
    column = rows[row].index(flat[at])
    before = sum(map(len, rows[:row]))
    match motion:
        case "left":
            return before + max(0, column - 1)
        case "right":
            return before + min(len(rows[row]) - 1, column + 1)
        case "up" if row > 0:
            return before - len(rows[row - 1]) + min(column, len(rows[row - 1]) - 1)
        case "down" if row + 1 < len(rows):
            return before + len(rows[row]) + min(column, len(rows[row + 1]) - 1)
        case "first" | "page-up":
            return 0
        case "last" | "page-down":
            return number - 1
    return at
