"""Burn: tokens and money by ledger, run, pass and step, the rate, and how far each run is from its cap."""

from typing import TYPE_CHECKING, ClassVar

from factory_tui.console.keys import bindings
from factory_tui.console.screens.place import Place, layout
from factory_tui.console.widgets.bars import Header, KeyBar
from factory_tui.console.widgets.burn import PassesBurn, RunsBurn, Totals

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from factory_tui.console.action import Scope


class BurnScreen(Place):
    """Its cursor is the floor's: it chooses the run that the keys are about."""

    SCOPE: ClassVar["Scope"] = "burn"
    PANES = (RunsBurn, PassesBurn)
    BINDINGS: ClassVar[list["BindingType"]] = bindings("burn")

    def compose(self) -> "ComposeResult":
        """Header, ledgers, runs, the chosen run's passes, keys."""
        self.add_class(layout(self.app.size.width))
        yield Header()
        yield Totals()
        yield RunsBurn()
        yield PassesBurn()
        yield KeyBar()
