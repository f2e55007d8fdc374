"""One run: its loop, its trace, its verdicts, its burn."""

from typing import TYPE_CHECKING, ClassVar

from factory_tui.console.keys import bindings
from factory_tui.console.screens.floor import RunPanes
from factory_tui.console.widgets.cells_line import CellsLine
from factory_tui.console.widgets.matrix import Matrix
from factory_tui.console.widgets.pipeline import Pipeline
from factory_tui.console.widgets.tail import TailView

if TYPE_CHECKING:
    from textual.binding import BindingType

    from factory_tui.console.action import Scope


class RunScreen(RunPanes):
    """The chosen run, in full. On a narrow terminal trace and verdicts take turns below its loop."""

    SCOPE: ClassVar["Scope"] = "run"
    BINDINGS: ClassVar[list["BindingType"]] = bindings("run")
    TOP = Pipeline
    LOWER = "panes"
    PANES = (TailView, Matrix, Pipeline)
    ALONE = True
    BELOW = (CellsLine,)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The run."""
        return (self.console_app.chosen,)
