"""A unified diff as rows: as it is, or with before and after side by side. Pure."""

import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from factory_tui.console.paint import Row, left, wrap
from factory_tui.domain.hostile import clean

LINES = 2_000
"""Lines that are drawn, at most."""
LINE = 2_000
"""Characters of each."""
BESIDE = 74
"""Cells that before and after need side by side."""
_HUNK = re.compile(r"@@ -(\d+)\S* \+(\d+)\S* @@")
_MARKS = (("@@", "key"), ("+++", "dim"), ("---", "dim"), ("+", "good"), ("-", "bad"))
_NUMBER = 4


def unified(diff: str, room: int) -> Iterator[Row]:
    """One below the other."""
    for line in _lines(diff):
        role = next((role for mark, role in _MARKS if line.startswith(mark)), "text")
        for part in wrap(line, room - 3):
            yield [(" ", "text"), (part, role)]


def beside(diff: str, room: int, bar: str) -> Iterator[Row]:
    """Before at the left, after at the right, with the numbers of lines; what was changed stands in one row."""
    half = (room - 3) // 2
    before: list[tuple[int, str]] = []
    after: list[tuple[int, str]] = []
    old = new = 0

    def changed() -> Iterator[Row]:
        for one, other in zip_longest(before, after):
            yield from _pair(one, other, half, bar, ("bad", "good"))
        before.clear()
        after.clear()

    for line in _lines(diff):
        hunk = _HUNK.match(line)
        if hunk:
            yield from changed()
            if old:
                yield []
            old, new = int(hunk[1]), int(hunk[2])
        elif line.startswith(("---", "+++")) and not old:
            continue
        elif line.startswith("-"):
            if after:  # the next change begins
                yield from changed()
            before.append((old, line[1:]))
            old += 1
        elif line.startswith("+"):
            after.append((new, line[1:]))
            new += 1
        else:
            yield from changed()
            yield from _pair((old, line[1:]), (new, line[1:]), half, bar, ("dim", "dim"))
            old, new = old + 1, new + 1
    yield from changed()


def _lines(diff: str) -> Iterable[str]:
    return [line.expandtabs(4)[:LINE] for line in clean(diff).splitlines()[:LINES]]


def _pair(
    one: tuple[int, str] | None, other: tuple[int, str] | None, half: int, bar: str, roles: tuple[str, str]
) -> Iterator[Row]:
    alike = one is not None and other is not None and one[1] == other[1]
    at_left, at_right = _side(one, half, " " if alike else "-"), _side(other, half, " " if alike else "+")
    for start, end in zip_longest(at_left, at_right, fillvalue=" " * half):
        yield [(left(start, half), roles[0]), (f" {bar} ", "frame"), (left(end, half), roles[1])]


def _side(line: tuple[int, str] | None, half: int, mark: str) -> list[str]:
    if line is None:
        return []
    number, text = line
    parts = wrap(text, half - _NUMBER - 2)
    return [f"{number if not place else '':>{_NUMBER}} {mark}{part}" for place, part in enumerate(parts)]
