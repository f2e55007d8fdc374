"""The floor: all runs, and the trace of the chosen one."""

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, Vertical

from factory_tui.config.settings import PresetTable
from factory_tui.console.keys import bindings
from factory_tui.console.paint import cut
from factory_tui.console.screens.place import Place, layout
from factory_tui.console.waiting import waiting
from factory_tui.console.widgets.andon import Andon
from factory_tui.console.widgets.bars import BurnLine, Header, KeyBar
from factory_tui.console.widgets.card import Card
from factory_tui.console.widgets.edits import Edits
from factory_tui.console.widgets.floor_table import FloorTable
from factory_tui.console.widgets.matrix import Matrix
from factory_tui.console.widgets.pane import Pane
from factory_tui.console.widgets.strips import BurnStrip, InboxStrip, PeopleStrip
from factory_tui.console.widgets.tail import TailView
from factory_tui.console.widgets.wall import Wall

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
    UNDER: ClassVar[tuple[type["Widget"], ...]] = ()
    """Under the trace."""
    POINTING: ClassVar[tuple[type["Pane"], ...]] = (Matrix,)
    """Panes whose keys are about the cell under the cursor of the verdicts."""
    BELOW: ClassVar[tuple[type["Widget"], ...]] = ()
    """Between the panes and the burn."""

    @property
    def pass_under_cursor(self) -> int | None:
        """While keys are about the verdicts."""
        cell = self.query_one(Matrix).cell if isinstance(self.pane, self.POINTING) else None
        return cell.number if cell else None

    def top(self) -> "Widget":
        """What stands on top."""
        return self.TOP()

    def compose(self) -> "ComposeResult":
        """Header, top, panes, burn, keys."""
        self.add_class(layout(self.app.size.width))
        yield Header()
        for above in self.ABOVE:
            yield above()
        yield self.top()
        with Horizontal(id=self.LOWER):
            with Vertical(id="told"):
                yield TailView()
                for under in self.UNDER:
                    yield under()
            with Vertical(id="side"):
                yield Card()
                yield Matrix()
        for below in self.BELOW:
            yield below()
        yield BurnLine()
        yield KeyBar()


TALL, TALLEST = 36, 50
"""Rows of a terminal from which on strips show, and tall ones."""
STRIPS = (5, 9)
"""Their rows, with their frames; on a large terminal more."""
PREVIEW = 17
"""Rows that the run under the cursor needs."""
PANES: dict[str, tuple[type[Pane], ...]] = {
    "list": (FloorTable,),
    "preview": (FloorTable, TailView, Matrix),
    "wall": (Wall,),
}
"""By layout."""


class Strips(Horizontal):
    """The inbox's head, burn, and on a very wide terminal who did what, side by side."""

    def compose(self) -> "ComposeResult":
        """In the order of their screens."""
        yield InboxStrip()
        yield BurnStrip()
        yield PeopleStrip()


class FloorScreen(RunPanes):
    """Where a console begins. What it shows beside or in place of the table, a preset says."""

    SCOPE: ClassVar["Scope"] = "floor"
    BINDINGS: ClassVar[list["BindingType"]] = bindings("floor")
    TOP = FloorTable
    ABOVE = (Andon, Edits)
    LOWER = "below"
    PANES = PANES["preview"]
    BELOW = (Wall, Strips)

    def __init__(self, preset: PresetTable) -> None:
        super().__init__()
        self._begins = preset
        self.table = FloorTable()
        """All runs, in sight or not: what is filtered and sorted."""
        self.layout_name = preset.layout

    def on_mount(self) -> None:
        """As the console was told to begin."""
        self.apply(self._begins)
        super().on_mount()

    def top(self) -> "Widget":
        """All runs."""
        return self.table

    @property
    def kinds(self) -> tuple[type[Pane], ...]:
        """Those of the layout; verdicts have no room on a narrow terminal beside others."""
        found = PANES[self.layout_name]
        roomy = self.zoomed or layout(self.app.size.width) != "-narrow"
        return found if roomy else tuple(kind for kind in found if kind is not Matrix)

    @property
    def filterable(self) -> Pane:  # noqa: D102
        return self.table

    @property
    def crumbs(self) -> tuple[str, ...]:
        """With what is filtered."""
        text = self.table.filter.text
        return (f"floor /{cut(text, 30)}" if text else "floor",)

    def apply(self, preset: PresetTable) -> None:
        """Lay it out, sort it and filter it so."""
        if self.zoomed:
            self.zoom()
        self._at, self.layout_name = 0, preset.layout
        for name in PANES:
            self.set_class(name == preset.layout, f"-{name}")
        if preset.sort is not None:
            self.table.sort(preset.sort)
        if preset.filter is not None:
            self.table.narrow(preset.filter)
        self.fit_panes()
        self.console_app.mirror.dirty = True

    def offers(self, action: str) -> bool:
        """Nothing is turned round that has no other way, nor sorted where no table is."""
        if action.startswith("floor.") and self.layout_name == "wall":
            return action.startswith("floor.preset")
        if action == "floor.turn":
            return self.table.order != "floor"
        return super().offers(action)

    def fit_table(self) -> None:
        """On a wide terminal the table takes what it needs, half the screen at most; the rest is the run's.

        Strips show where there is room beside both.
        """
        if not self.table.is_attached:
            return  # nothing is composed yet
        roomy = self.size.width >= 100 and not self.alone and self.layout_name == "preview"
        wanted = min(max(len(self.table.runs()) + 3, 7), self.size.height // 2) if roomy else "1fr"
        if str(self.table.styles.height) != str(wanted):
            self.table.styles.height = wanted
        self.query_one(Strips).display = self._has_room(len(self.table.runs()) + 3)

    def _has_room(self, table: int) -> bool:
        """Whether strips fit beside what the layout is for."""
        wide, high = self.size
        if wide < 100 or high < TALL or self.alone or self.layout_name == "wall":
            return False
        if high < TALLEST and not waiting(self.console_app.mirror.state):
            return False  # the rows are the verdicts' while nothing is to be said
        strips = STRIPS[wide >= 160 and high >= TALLEST]
        self.query_one(Strips).styles.height = strips
        left_over = high - 3 - strips - sum(self.query_one(kind).size.height for kind in (Andon, Edits))
        if self.layout_name == "list":
            return left_over >= table
        return left_over - min(max(table, 7), high // 2) >= PREVIEW
