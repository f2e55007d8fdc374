"""The inbox: what waits for a human, oldest first, with its evidence beside it; what was answered stays below."""

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Container

from factory_tui.console.keys import bindings
from factory_tui.console.screens.place import Place, layout
from factory_tui.console.widgets.bars import BurnLine, Header, KeyBar
from factory_tui.console.widgets.inbox import Evidence, InboxList

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from factory_tui.console.action import Scope


class InboxScreen(Place):
    """Its cursor chooses the run that the keys are about."""

    SCOPE: ClassVar["Scope"] = "inbox"
    PANES = (InboxList, Evidence)
    BINDINGS: ClassVar[list["BindingType"]] = bindings("inbox")

    def compose(self) -> "ComposeResult":
        """Header, list, evidence (beside or below), burn, keys."""
        self.add_class(layout(self.app.size.width))
        yield Header()
        with Container(id="asked"):
            yield InboxList()
            yield Evidence()
        yield BurnLine()
        yield KeyBar()

    @property
    def list(self) -> InboxList:
        """What waits, with the cursor."""
        return self.query_one(InboxList)
