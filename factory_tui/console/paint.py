"""Rows of spans: what every widget draws, as plain data. Knows cell widths; knows no widget, screen or colour.

A span is text and a role; a role is a tone or one of the console's own, and the theme gives it a style. `a+b` is a
with b's background. Text of others must have passed `hostile.one_line` before it becomes a span.
"""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from factory_tui.console.glyphs import Glyphs

Span = tuple[str, str]
Row = list[Span]


def width(row: Iterable[Span]) -> int:
    """Cells that a row takes."""
    return sum(cell_len(text) for text, _ in row)


def cut(text: str, room: int) -> str:
    """The text in at most `room` cells: cut after a whole word where one fits, with an ellipsis."""
    if (len(text) if text.isascii() else cell_len(text)) <= room:
        return text
    if room <= 1:
        return "…"[:room]
    kept = _take(text, room - 1)
    space = kept.rfind(" ")
    if space > room // 2 and text[len(kept) : len(kept) + 1] != " ":
        kept = kept[:space]
    return kept.rstrip() + "…"


def middle(text: str, room: int) -> str:
    """A name in at most `room` cells: cut in its middle, since its number stands at the end."""
    if cell_len(text) <= room:
        return text
    end = min(5, room // 2)
    return f"{_take(text, room - end - 1)}…{text[-end:]}"


def tail(text: str, room: int) -> str:
    """A path in at most `room` cells: cut at its front, since what it names stands at the end."""
    if cell_len(text) <= room:
        return text
    return f"…{_take(text[::-1], room - 1)[::-1]}"


def _take(text: str, room: int) -> str:
    if text.isascii():
        return text[:room]
    total = 0
    for index, char in enumerate(text):
        total += cell_len(char)
        if total > room:
            return text[:index]
    return text


def left(text: str, room: int) -> str:
    """Exactly `room` cells, text at the left."""
    short = cut(text, room)
    return short + " " * (room - cell_len(short))


def right(text: str, room: int) -> str:
    """Exactly `room` cells, text at the right."""
    short = cut(text, room)
    return " " * (room - cell_len(short)) + short


def fit(row: Sequence[Span], room: int, role: str = "text") -> Row:
    """Exactly `room` cells: cut, or padded with spaces of `role`."""
    found: Row = []
    spare = room
    for text, span_role in row:
        taken = cell_len(text)
        if taken > spare:
            if spare > 0:
                found.append((left(text, spare), span_role))
            return found
        found.append((text, span_role))
        spare -= taken
    if spare > 0:
        found.append((" " * spare, role))
    return found


def ends(start: Sequence[Span], end: Sequence[Span], room: int, fill: Span = (" ", "text")) -> Row:
    """One row with `start` at the left and `end` at the right; where both do not fit, `end` is kept whole."""
    tail = width(end)
    if tail >= room:
        return fit(end, room)
    head = width(start)
    if head > room - tail:
        return [*fit(start, room - tail), *end]
    return [*start, (fill[0] * (room - tail - head), fill[1]), *end]


def wrap(text: str, room: int) -> list[str]:
    """The text in lines of at most `room` cells, broken at spaces where there are any."""
    room = max(room, 8)
    lines: list[str] = []
    rest = text
    while (len(rest) if rest.isascii() else cell_len(rest)) > room:
        kept = _take(rest, room)
        if rest[len(kept)] != " ":
            space = kept.rfind(" ")
            if space > 0:
                kept = kept[:space]
        lines.append(kept.rstrip())
        rest = rest[len(kept) :].lstrip(" ")
    lines.append(rest)
    return lines


def framed(
    rows: Sequence[Row],
    size: tuple[int, int],
    glyphs: Glyphs,
    words: tuple[tuple[Row, Row], Row] = (([], []), []),
    edge: str = "frame",
) -> list[Row]:
    """The rows in a frame of `size` cells (width, height), with words in its upper (left, right) and lower border."""
    wide, high = size
    (title, aside), footing = words
    corner = glyphs.frame
    line = corner[4]
    top_left = [(f"{line} ", edge), *title, (" ", edge)] if title else []
    top_right = [(" ", edge), *aside, (f" {line}", edge)] if aside else []
    if width(top_left) + width(top_right) > wide - 4:
        top_right = []
    low_right = [(" ", edge), *footing, (f" {line}", edge)] if footing else []
    inner = wide - 2
    found: list[Row] = [[(corner[0], edge), *ends(top_left, top_right, inner, (line, edge)), (corner[1], edge)]]
    for index in range(high - 2):
        row = rows[index] if index < len(rows) else []
        found.append([(corner[5], edge), *fit(row, inner), (corner[5], edge)])
    found.append([(corner[2], edge), *ends([], low_right, inner, (line, edge)), (corner[3], edge)])
    return found
