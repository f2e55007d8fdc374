"""One run: its loop, its trace, its verdicts, its burn."""

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from factory_tui.console.keys import bindings
from factory_tui.console.screens.floor import BREAKPOINTS, layout
from factory_tui.console.widgets.bars import BurnLine, Header, KeyBar
from factory_tui.console.widgets.card import Card
from factory_tui.console.widgets.matrix import Matrix
from factory_tui.console.widgets.pipeline import Pipeline
from factory_tui.console.widgets.tail import TailView

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class RunScreen(Screen[None]):
    """The chosen run, in full. On a narrow terminal trace and verdicts take turns."""

    BINDINGS: ClassVar[list["BindingType"]] = bindings("run")
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    AUTO_FOCUS = ""

    def compose(self) -> "ComposeResult":
        """Header, loop, trace beside verdicts and facts, burn, keys."""
        self.add_class(layout(self.app.size.width))
        yield Header()
        yield Pipeline()
        with Horizontal(id="panes"):
            yield TailView()
            with Vertical(id="side"):
                yield Card()
                yield Matrix()
        yield BurnLine()
        yield KeyBar()

    @property
    def tail(self) -> TailView:
        """The trace."""
        return self.query_one(TailView)
