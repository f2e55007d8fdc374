"""A panel that keys can be about: tab chooses it, what moves and enter go to it, z shows it alone."""

from typing import TYPE_CHECKING, ClassVar, Literal

from factory_tui.console.filtering import Filter, parse
from factory_tui.console.paint import Row, cut
from factory_tui.console.widgets.panel import Panel

if TYPE_CHECKING:
    from textual import events

Motion = Literal["up", "down", "left", "right", "page-up", "page-down", "first", "last"]
FILTER_CELLS = 40
"""Of a filter in the border."""


class Pane(Panel):
    """What tab goes through. Without more it neither moves nor opens."""

    TITLE: ClassVar[str] = ""
    """What the key bar calls it."""
    OPENS: ClassVar[bool] = False
    """Whether there is something under a cursor that enter opens."""
    FIELDS: ClassVar[tuple[str, ...]] = ()
    """Of its lines, for a filter."""
    FILTERED: ClassVar[bool] = False
    """Whether it can be filtered."""
    SOUGHT: ClassVar[str] = "filter"
    """What `/` does in it: filter, or search."""

    STAYS: ClassVar[bool] = False
    """Whether it stays in sight on a narrow terminal, whichever pane is chosen."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.filter = Filter()
        self.earlier: list[str] = []
        """Filters that were kept, the newest last."""

    def go(self, motion: Motion) -> bool:  # noqa: ARG002
        """Move; whether that means anything here."""
        return False

    def enter(self) -> bool:
        """Open what is under the cursor; whether that means anything here."""
        return False

    def narrow(self, text: str) -> str:
        """Show what fits only; what is wrong with it, or nothing."""
        try:
            self.filter = parse(text, self.FIELDS)
        except ValueError as error:
            return str(error)
        self.mirror.dirty = True
        return ""

    def in_border(self) -> Row:
        """The filter, and then what stands in the lower border anyway."""
        below = super().in_border()
        if not self.filter.text:
            return below
        return [(f"/ {cut(self.filter.text, FILTER_CELLS)}", "key"), *([("  ", "dim"), *below] if below else [])]

    @property
    def edge(self) -> str:
        """The chosen one among several stands out."""
        place = self.console_app.place
        return "chosen" if place and len(place.kinds) > 1 and place.is_chosen(self) else super().edge

    def wheel(self, notches: int) -> None:
        """Turned up (-1) or down (1)."""
        self.go("up" if notches < 0 else "down")

    def on_mouse_scroll_up(self, event: "events.MouseScrollUp") -> None:
        """Whatever pane keys are about, the wheel is about the one below the pointer."""
        event.stop()
        self.wheel(-1)

    def on_mouse_scroll_down(self, event: "events.MouseScrollDown") -> None:
        """As up."""
        event.stop()
        self.wheel(1)

    def on_click(self, event: "events.Click") -> None:  # noqa: ARG002
        """Keys are about the pane that was clicked."""
        self.console_app.choose_pane(self)
