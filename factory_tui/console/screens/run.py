"""One run: its loop, its trace, its verdicts, its burn."""

from typing import TYPE_CHECKING, ClassVar

from factory_tui.console.keys import bindings
from factory_tui.console.screens.floor import RunPanes
from factory_tui.console.screens.place import layout
from factory_tui.console.widgets.card import Card
from factory_tui.console.widgets.cells_line import CellsLine
from factory_tui.console.widgets.facts_line import FactsLine
from factory_tui.console.widgets.matrix import Matrix
from factory_tui.console.widgets.pipeline import Pipeline
from factory_tui.console.widgets.tail import TailView
from factory_tui.console.widgets.verdict import Verdict

if TYPE_CHECKING:
    from textual.binding import BindingType

    from factory_tui.console.action import Scope


class RunScreen(RunPanes):
    """The chosen run, in full. On a narrow terminal its panes take turns below its loop."""

    SCOPE: ClassVar["Scope"] = "run"
    BINDINGS: ClassVar[list["BindingType"]] = bindings("run")
    TOP = Pipeline
    LOWER = "panes"
    PANES = (TailView, Matrix, Verdict, Card, Pipeline)
    ALONE = True
    UNDER = (Verdict,)
    POINTING = (Matrix, Verdict)
    BELOW = (FactsLine, CellsLine)

    @property
    def points(self) -> bool:
        """Where there is room for it always, else while keys are about the verdicts."""
        return issubclass(self.kinds[self._at], self.POINTING) or layout(self.app.size.width) == "-ultra"

    def fit_panes(self) -> None:
        """A verdict in full takes room from the trace only while it is looked at."""
        super().fit_panes()
        self.set_class(self.points, "-points")

    def offers(self, action: str) -> bool:
        """A verdict is what enter opens; only where a pass is under a cursor it can be marked."""
        if action == "open" and isinstance(self.pane, Verdict):
            return False
        return super().offers(action) and (action != "verdicts.mark" or self.pass_under_cursor is not None)

    def back(self) -> bool:
        """From a verdict to the matrix that it is of."""
        if super().back():
            return True
        if not isinstance(self.pane, Verdict):
            return False
        self.choose(self.query_one(Matrix))
        return True

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The run."""
        return (self.console_app.chosen,)
