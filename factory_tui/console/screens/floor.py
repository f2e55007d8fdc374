"""The floor: all runs, and the trace of the chosen one."""

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, Vertical

from factory_tui.console.keys import bindings
from factory_tui.console.screens.place import Place, layout
from factory_tui.console.widgets.andon import Andon
from factory_tui.console.widgets.bars import BurnLine, Header, KeyBar
from factory_tui.console.widgets.card import Card
from factory_tui.console.widgets.edits import Edits
from factory_tui.console.widgets.floor_table import FloorTable
from factory_tui.console.widgets.matrix import Matrix
from factory_tui.console.widgets.tail import TailView

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from factory_tui.console.action import Scope


class RunPanes(Place):
    """What floor and run have alike: something on top, then the chosen run's trace beside its facts and verdicts."""

    TOP: ClassVar[type["Widget"]]
    LOWER: ClassVar[str]
    """The id of what is below the top."""
    ABOVE: ClassVar[tuple[type["Widget"], ...]] = ()
    """Between the header and the top."""
    BELOW: ClassVar[tuple[type["Widget"], ...]] = ()
    """Between the panes and the burn."""

    def compose(self) -> "ComposeResult":
        """Header, top, panes, burn, keys."""
        self.add_class(layout(self.app.size.width))
        yield Header()
        for above in self.ABOVE:
            yield above()
        yield self.TOP()
        with Horizontal(id=self.LOWER):
            yield TailView()
            with Vertical(id="side"):
                yield Card()
                yield Matrix()
        for below in self.BELOW:
            yield below()
        yield BurnLine()
        yield KeyBar()


class FloorScreen(RunPanes):
    """Where a console begins."""

    SCOPE: ClassVar["Scope"] = "floor"
    BINDINGS: ClassVar[list["BindingType"]] = bindings("floor")
    TOP = FloorTable
    ABOVE = (Andon, Edits)
    LOWER = "below"
    PANES = (FloorTable, TailView, Matrix)

    def offers(self, action: str) -> bool:
        """Nothing is turned round that has no other way."""
        if action == "floor.turn":
            return self.query_one(FloorTable).order != "floor"
        return super().offers(action)

    def fit_table(self, runs: int) -> None:
        """On a wide terminal the table takes what it needs, half the screen at most; the rest is the run's."""
        roomy = self.size.width >= 100 and not self.alone
        wanted = min(max(runs + 3, 7), self.size.height // 2) if roomy else "1fr"
        for table in self.query(FloorTable):
            if str(table.styles.height) != str(wanted):
                table.styles.height = wanted
