"""The journal: who did what, one event whole, what it changed, and a way to see every screen as of it."""

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, Vertical

from factory_tui.console.keys import bindings
from factory_tui.console.lookup import Lookup
from factory_tui.console.screens.place import Place, layout
from factory_tui.console.widgets.bars import Header, KeyBar
from factory_tui.console.widgets.journal import ActList, Changed, EventSheet, TimeStrip

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from factory_tui.console.action import Scope


class JournalScreen(Place):
    """Its cursor is an event; the run that keys are about stays what it is."""

    SCOPE: ClassVar["Scope"] = "journal"
    BINDINGS: ClassVar[list["BindingType"]] = bindings("journal")
    PANES = (ActList, EventSheet, Changed)
    ALONE = True

    @cached_property
    def reading(self) -> Lookup:
        """What it asks the link for, and what came of that."""
        return Lookup(self.console_app)

    def compose(self) -> "ComposeResult":
        """Header, timeline, acts, the event and what it changed, keys."""
        self.add_class(layout(self.app.size.width))
        yield Header()
        yield TimeStrip()
        with Horizontal(id="told"):
            yield ActList()
            with Vertical(id="whole"):
                yield EventSheet()
                yield Changed()
        yield KeyBar()

    _first: int | None = None
    """The event that its cursor begins on; None: the newest."""

    def begin_on(self, seq: int) -> None:
        """Put its cursor on an event, as soon as it is there."""
        self._first = seq
        if self.is_mounted:
            self.list.point(seq)

    def on_mount(self) -> None:
        """On the event that it was opened for."""
        super().on_mount()
        if self._first is not None:
            self.list.point(self._first)

    @property
    def list(self) -> ActList:
        """Who did what, with the cursor."""
        return self.query_one(ActList)

    def see(self) -> None:
        """Every screen as of the event under the cursor."""
        act = self.list.act
        if act:
            self.console_app.visit(act.seq, act.run)

    def walk(self) -> None:
        """The chain."""
        self.reading.walk()
        self.console_app.say("waits", "the chain is walked from its first row; this may take seconds")
