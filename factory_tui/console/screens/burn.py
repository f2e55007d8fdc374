"""Burn: money and tokens over time, by what they were for, where they lead, and what they bought."""

from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual.containers import Horizontal

from factory_tui.burn.series import View
from factory_tui.burn.windows import By, WindowName
from factory_tui.console import burning
from factory_tui.console.keys import bindings
from factory_tui.console.screens.place import Place, layout
from factory_tui.console.widgets.bars import Header, KeyBar
from factory_tui.console.widgets.burn import BurnChart, Totals
from factory_tui.console.widgets.burn_ahead import CompoundBurn, ForecastBurn, PeopleBurn
from factory_tui.console.widgets.burn_groups import GroupsBurn, PassesBurn

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from factory_tui.console.action import Scope
    from factory_tui.domain.money import Ledger


class BurnScreen(Place):
    """Its cursor is the floor's: it chooses the run that the keys are about."""

    SCOPE: ClassVar["Scope"] = "burn"
    PANES = (GroupsBurn, BurnChart, PassesBurn, ForecastBurn, PeopleBurn, CompoundBurn)
    ALONE = True
    BINDINGS: ClassVar[list["BindingType"]] = bindings("burn")

    def __init__(self) -> None:
        super().__init__()
        self.look = burning.Look()
        self._views: dict[By, tuple[object, View]] = {}

    def compose(self) -> "ComposeResult":
        """Ledgers; the chart beside what it leads to; groups; passes; people and loops."""
        self.add_class(layout(self.app.size.width))
        yield Header()
        yield Totals()
        with Horizontal(id="over"):
            yield BurnChart()
            yield ForecastBurn()
        yield GroupsBurn()
        yield PassesBurn()
        with Horizontal(id="below"):
            yield PeopleBurn()
            yield CompoundBurn()
        yield KeyBar()

    def fit_panes(self) -> None:
        """A narrow terminal shows the chart above the groups, too."""
        super().fit_panes()
        groups = isinstance(self.pane, GroupsBurn)
        for widget in (self.query_one("#over"), self.query_one(BurnChart)):
            if groups and self.alone and not self.zoomed:
                widget.remove_class("-away")

    @property
    def ledger(self) -> "Ledger":
        """The one that is looked at: no sum holds both."""
        return burning.ledger_of(self.look, self.console_app.mirror.state)

    @property
    def window(self) -> WindowName:
        """How far back."""
        return burning.window_of(self.look, self.console_app.mirror.book, self.console_app.clock())

    @property
    def view(self) -> View:
        """What the chart and the groups draw."""
        return self.view_of(self.look.by)

    def view_of(self, by: By) -> View:
        """The window by that, as far as the filter lets it through; made anew once a second."""
        mirror, now, groups = self.console_app.mirror, self.console_app.clock(), self.query_one(GroupsBurn)
        book = mirror.book
        made_of = (book, mirror.read, now // 1000, self.window, self.ledger, groups.filter)
        known = self._views.get(by)
        if known is None or known[0] != made_of:
            view = book.series.view(self.window, now, self.ledger, by, groups.wanted)
            self._views[by] = known = made_of, view
        return known[1]

    def turn(self, what: str) -> None:
        """Look at the next window, grouping, unit, ledger or order."""
        match what:
            case "window":
                self.look = replace(self.look, window=burning.window_after(self.window))
            case "group":
                self.look = self.look.next_by()
            case "sort":
                self.look = self.look.next_order()
            case "unit":
                self.look = replace(self.look, unit="tokens" if self.look.unit == "money" else "money")
            case "ledger":
                self._other_ledger()

    def _other_ledger(self) -> None:
        found = burning.ledgers(self.console_app.mirror.state)
        other = next((name for name in found if name != self.ledger), None)
        if other is None:
            self.console_app.say("waits", f"there is no other ledger than {self.ledger}")
        else:
            self.look = replace(self.look, ledger=other)
