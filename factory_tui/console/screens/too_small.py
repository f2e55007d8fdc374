"""What is shown on a terminal below the least size. The link and the engine go on behind it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from factory_tui.config.settings import LEAST_TERMINAL as LEAST
from factory_tui.console.keys import bindings
from factory_tui.console.paint import Row
from factory_tui.console.widgets.panel import Panel


def fits(width: int, height: int) -> bool:
    """Whether the screens can be drawn."""
    return width >= LEAST[0] and height >= LEAST[1]


class _Card(Panel):
    FRAMED = False

    def rows(self, width: int, height: int) -> list[Row]:  # noqa: ARG002
        wide, high = self.app.size
        needs: Row = [("  needed  ", "dim"), (f"{LEAST[0]} x {LEAST[1]}", "text")]
        now: Row = [
            ("  actual  ", "dim"),
            (f"{wide}", "good" if wide >= LEAST[0] else "bad"),
            (" x ", "dim"),
            (f"{high}", "good" if high >= LEAST[1] else "bad"),
        ]
        return [[("  Terminal too small", "strong")], needs, now, [("  The runs go on. q detaches.", "dim")]][:height]


class TooSmall(ModalScreen[None]):
    """Needed and actual size, each axis in its colour."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere")
    CSS_PATH = "dialog.tcss"

    def compose(self) -> ComposeResult:
        """One card."""
        yield _Card()

    def on_resize(self) -> None:
        """Away as soon as there is room."""
        if not self.is_current:
            return
        if fits(*self.app.size):
            self.dismiss()
        else:
            self.query_one(_Card).sync()
