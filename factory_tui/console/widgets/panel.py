"""The base of all that the console draws: rows of spans, kept, compared, and painted line by line.

A panel asks its app's mirror for what to draw; only lines that changed are painted again, which is what keeps a slow
terminal calm. No markup is read anywhere here, so no text can become anything but text.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from factory_tui.console.paint import Row, fit, framed

if TYPE_CHECKING:
    from textual import events

    from factory_tui.console.app import ConsoleApp
    from factory_tui.console.glyphs import Glyphs
    from factory_tui.console.mirror import Mirror


class Panel(Widget):
    """Draws `rows()` in a frame, or bare where `FRAMED` is false."""

    FRAMED: ClassVar[bool] = True
    can_focus = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes if self.FRAMED else f"-line {classes or ''}")
        self._drawn: list[Row] = []
        self._drawn_for = Size()

    @property
    def console_app(self) -> "ConsoleApp":
        """The app, as what it is."""
        return cast("ConsoleApp", self.app)

    @property
    def mirror(self) -> "Mirror":
        """What there is to draw."""
        return self.console_app.mirror

    @property
    def glyphs(self) -> "Glyphs":
        """The glyph set in use."""
        return self.console_app.glyphs

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """At most `height` rows, each cut or padded to `width` cells by the caller."""
        raise NotImplementedError

    def heading(self) -> tuple[Row, Row]:
        """What stands in the upper border, at the left and at the right."""
        return [], []

    def footing(self) -> Row:
        """What stands in the lower border."""
        return []

    def in_border(self) -> Row:
        """What stands in the lower border with all that belongs there."""
        return self.footing()

    @property
    def edge(self) -> str:
        """The role of its frame; that of the past is of no other time."""
        return "waits" if self.console_app.then else "frame"

    def sync(self) -> None:
        """Draw anew, and have the terminal repaint what changed."""
        wide, high = self.size
        if not wide or not high or self.screen not in self.app.screen_stack:
            return  # not in sight, or on a screen that is being closed: it loses its panes one by one
        old = self._drawn
        self._draw()
        if len(old) != len(self._drawn):
            self.refresh()
            return
        changed = [Region(0, y, wide, 1) for y, row in enumerate(self._drawn) if row != old[y]]
        if changed:
            self.refresh(*changed)

    def _draw(self) -> None:
        wide, high = self._drawn_for = self.size
        if not self.FRAMED:
            self._drawn = [fit(row, wide) for row in self.rows(wide, high)[:high]]
        elif high < 3 or wide < 6:
            self._drawn = []
        else:
            rows = self.rows(wide - 2, high - 2)
            self._drawn = framed(rows, (wide, high), self.glyphs, (self.heading(), self.in_border()), self.edge)

    def on_resize(self, _event: "events.Resize") -> None:
        """Draw for the new size."""
        self.sync()

    def on_show(self) -> None:
        """Draw what was not drawn while hidden."""
        self.sync()

    def render_line(self, y: int) -> Strip:
        """One line of the kept rows."""
        style = self.console_app.style_of
        if self._drawn_for != self.size:  # a new layout is painted before a panel hears of it
            self._draw()
        if y >= len(self._drawn):
            return Strip.blank(self.size.width, style("text"))
        return Strip([Segment(text, style(role)) for text, role in self._drawn[y]]).adjust_cell_length(
            self.size.width, style("text")
        )
