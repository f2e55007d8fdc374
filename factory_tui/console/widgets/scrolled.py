"""A panel with more rows than room: it scrolls by pages and by the wheel, and says how much lies below."""

from collections.abc import Sequence

from factory_tui.console.paint import Row
from factory_tui.console.widgets.pane import Motion, Pane

WHEEL = 3
"""Rows of one notch."""
LONG = 1_000_000
"""Rows that nothing has."""


class Scrolled(Pane):
    """What is shown begins at the top again when it becomes about something else."""

    def __init__(self) -> None:
        super().__init__()
        self._top = 0
        self._of: object = None
        self._below = 0

    def window(self, of: object, found: Sequence[Row], height: int, at: int = 0) -> list[Row]:
        """The rows in sight of all that were found; row `at` is, whenever they are `of` something else."""
        if of != self._of:
            self._of, self._top = of, max(0, at - height // 3)
        self._top = max(0, min(self._top, len(found) - height))
        self._below = max(0, len(found) - self._top - height)
        return list(found[self._top : self._top + height])

    def below(self, key: str = "pgdn") -> Row:
        """How much lies below, and the key to it."""
        return [(f"{self._below} more {self.glyphs.more} {key}", "dim")] if self._below else []

    def footing(self) -> Row:
        """How much lies below."""
        return self.below()

    def go(self, motion: Motion) -> bool:  # noqa: D102
        page = max(1, self.size.height - 3)
        rows = {"up": -1, "down": 1, "page-up": -page, "page-down": page, "first": -LONG, "last": LONG}.get(motion)
        if rows is not None:
            self._move(rows)
        return rows is not None

    def _move(self, rows: int) -> None:
        self._top += rows
        self.sync()

    def wheel(self, notches: int) -> None:
        """Some rows a notch."""
        self._move(notches * WHEEL)
