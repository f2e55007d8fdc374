"""What is shown on a terminal below the least size. The link and the engine go on behind it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from factory_tui.config.settings import LEAST_TERMINAL as LEAST
from factory_tui.console.keys import bindings
from factory_tui.console.paint import Row
from factory_tui.console.screens.dialog import Dialog
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


class TooSmall(Dialog[None]):
    """Needed and actual size, each axis in its colour."""

    BINDINGS: ClassVar[list[BindingType]] = [
        item for item in bindings("everywhere") if isinstance(item, Binding) and item.id in ("detach", "emergency")
    ]

    def compose(self) -> ComposeResult:
        """One card."""
        yield _Card()

    def on_resize(self) -> None:
        """Away as soon as there is room."""
        self._judge()

    def on_screen_resume(self) -> None:
        """So too when what was asked over it is answered."""
        self._judge()

    def _judge(self) -> None:
        if fits(*self.app.size):
            self.dismiss()
        else:
            self.query_one(_Card).sync()
