"""A page of the workshop with a cursor on one of its lines, and below them what is known of that one."""

from collections.abc import Sequence

from factory_tui.console.paint import Row, wrap
from factory_tui.console.widgets.pane import Motion
from factory_tui.console.widgets.seeds import Page

DETAIL, SHORT = 7, 5
"""Rows of it where there is room, and where there is little."""
ROOMY, TIGHT = 20, 12
"""Rows of a page from which on there is."""
WORD = 9
"""Cells of what a line of the detail is about."""


class Listed(Page):
    """Moving is the cursor's; lines are asked for anew at each draw."""

    def __init__(self) -> None:
        super().__init__()
        self._at = 0
        self._first = 0
        self._lines = 0
        self._room = 1
        """Lines that are in sight."""

    @property
    def at(self) -> int:
        """Which line the cursor is on."""
        return max(0, min(self._at, self._lines - 1))

    def go(self, motion: Motion) -> bool:  # noqa: D102
        if motion in ("page-up", "page-down"):
            self._move(-self._room if motion == "page-up" else self._room)
            return True
        return super().go(motion)

    def _move(self, rows: int) -> None:
        self._at = max(0, min(self.at + rows, self._lines - 1))
        self.mirror.dirty = True
        self.sync()

    def listed(self, head: Row, lines: Sequence[Row], detail: Sequence[Row], size: tuple[int, int]) -> list[Row]:
        """The head, the lines in sight with the cursor's among them, and the detail of that one below a rule."""
        width, height = size
        below = DETAIL if height >= ROOMY else SHORT if height >= TIGHT else 0
        room = self._room = max(1, height - 1 - (below + 1 if below else 0))
        self._lines = len(lines)
        self._first = max(0, min(max(min(self._first, self.at), self.at - room + 1), len(lines) - room))
        self._below = max(0, len(lines) - self._first - room)
        shown = list(enumerate(lines))[self._first : self._first + room]
        found = [head, *(self._line(row, width, place == self.at) for place, row in shown)]
        if below:
            found += [[]] * (height - below - 1 - len(found))
            found += [[(" " + self.glyphs.frame[4] * (width - 2), "frame")], *detail[:below]]
        return found

    def _line(self, row: Row, width: int, chosen: bool) -> Row:
        row = [(f"{self.glyphs.cursor if chosen else ' '} ", "key"), *row]
        if not chosen:
            return row
        padded = [*row, (" " * max(0, width - sum(len(text) for text, _ in row)), "text")]
        return [(text, f"{role}+cursor") for text, role in padded]

    def told(self, word: str, said: str, role: str, width: int, most: int = 2) -> list[Row]:
        """A line of the detail: what it is about, and in words."""
        parts = wrap(said, width - WORD - 2)[:most]
        return [[(f" {word if not place else '':<{WORD}}", "dim"), (part, role)] for place, part in enumerate(parts)]

    def words(self, said: str, role: str, width: int) -> list[Row]:
        """In place of lines, where there are none."""
        return [[("  ", "text"), (part, role)] for part in wrap(said, width - 4)]
