"""A chart of values over time in cells: columns on an axis, in three glyph sets, with a line to compare with.

Pure. Braille puts two values and four steps into a cell, blocks one value and eight steps, ascii one and eight too.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import floor, log10

from factory_tui.console.glyphs import Glyphs
from factory_tui.console.paint import Row, left, right

AXIS = 9
"""Cells of the figures at the left."""
_ROWS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Dots of a cell's two columns, from below."""


def plot(
    values: Sequence[float],
    size: tuple[int, int],
    glyphs: Glyphs,
    figure: Callable[[float], str],
    *,
    times: Sequence[str],
    line: float | None = None,
) -> list[Row]:
    """Rows of a chart of that size (width, height), time below. `times`: the beginning of each value, for people."""
    room, high = size[0] - AXIS - 1, size[1] - 1
    if room < 4 or high < 2:
        return []
    shown = line if line is not None and line <= 3 * max(values, default=0) else None
    top = ceiling(max([*values, shown or 0]))
    columns = _columns(values, room * 2 if glyphs.braille else room)
    steps = 4 if glyphs.braille else 8
    heights = [_height(value, top, high * steps) for value in columns]
    at = None if shown is None else min(high - 1, floor(shown / top * high))
    rows = []
    for level in range(high - 1, -1, -1):
        cells = _cells(heights, level, steps, glyphs)
        label = figure(top * (level + 1) / high) if level + 1 in (high, high / 2) else ""
        edge = glyphs.frame[5]
        row: Row = [(right(label, AXIS - 1) + " " + edge, "dim")]
        row += _ruled(cells, glyphs) if level == at else [(cells, "running")]
        rows.append(row)
    return [*rows, [(right(figure(0), AXIS - 1) + " ", "dim"), *_axis(times, len(columns), room, glyphs)]]


def ceiling(value: float) -> float:
    """The next of 1, 2, 5, 10, 20 and so on."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next((step * power for step in (1, 2, 5) if value <= step * power * (1 + 1e-9)), 10 * power)


def _columns(values: Sequence[float], room: int) -> list[float]:
    """Each value in as many columns as there is room for, or the mean of as many values as there must be."""
    if len(values) <= room:
        return [values[place * len(values) // room] for place in range(room)] if values else []
    edges = [round(place * len(values) / room) for place in range(room + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


def _height(value: float, top: float, steps: int) -> int:
    """Whatever is more than nothing is seen."""
    return max(1, round(value / top * steps)) if value > 0 else 0


def _cells(heights: Sequence[int], level: int, steps: int, glyphs: Glyphs) -> str:
    """The cells of one row, counted from below."""
    filled = [max(0, min(steps, height - level * steps)) for height in heights]
    if not glyphs.braille:
        return "".join(glyphs.levels[count - 1] if count else " " for count in filled)
    if len(filled) % 2:
        filled.append(0)
    pairs = zip(filled[::2], filled[1::2], strict=True)
    return "".join(chr(0x2800 + sum(_ROWS[0][:one]) + sum(_ROWS[1][:two])) if one or two else " " for one, two in pairs)


def _ruled(cells: str, glyphs: Glyphs) -> Row:
    """The row with a line through what of it is empty."""
    row: Row = []
    for cell in cells:
        piece = (glyphs.frame[4], "waits") if cell == " " else (cell, "running")
        if row and row[-1][1] == piece[1]:
            row[-1] = (row[-1][0] + piece[0], piece[1])
        else:
            row.append(piece)
    return row


def _axis(times: Sequence[str], columns: int, room: int, glyphs: Glyphs) -> Row:
    """When: as many times as there is room for, each below its column."""
    per = 2 if glyphs.braille else 1
    cells = -(-columns // per)
    text, wide = "", max((len(time) for time in times), default=0) + 3
    every = max(1, -(-wide * len(times) // max(1, cells)))
    for number in range(0, len(times), every):
        at = 1 + number * cells // len(times)
        if at + wide - 3 <= room + 1:
            text = left(text, at) + times[number]
    return [(left(text, room + 1), "dim")]
