"""A screen with a key of its own: its panes, which one keys are about, and what is shown of them."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual.screen import Screen

from factory_tui.console.action import Scope
from factory_tui.console.widgets.pane import Motion, Pane

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp

BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-ultra")]
_LINES = frozenset({"Header", "KeyBar", "Prompt"})
"""What a zoom leaves beside the chosen pane."""


def layout(width: int) -> str:
    """The class a screen of this width has; Textual gives it only after a frame without."""
    return next(name for least, name in reversed(BREAKPOINTS) if width >= least)


class Place(Screen[None], inherit_bindings=False):
    """Says which actions of the table are meant while it is in front, and passes them to its panes."""

    SCOPE: ClassVar[Scope]
    PANES: ClassVar[tuple[type[Pane], ...]]
    """In the order of tab, the one that is chosen at first in front."""
    ALONE: ClassVar[bool] = False
    """Whether a narrow terminal shows the chosen pane alone."""
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.zoomed = False
        self._index = 0
        self._arranged: object = None

    @property
    def console_app(self) -> "ConsoleApp":
        """The app, as what it is."""
        return cast("ConsoleApp", self.app)

    @property
    def kinds(self) -> tuple[type[Pane], ...]:
        """The panes that there are now."""
        return self.PANES

    @property
    def _at(self) -> int:
        """Which of them is chosen; a terminal that became narrow may have taken some."""
        return min(self._index, len(self.kinds) - 1)

    @_at.setter
    def _at(self, index: int) -> None:
        self._index = index

    @property
    def panes(self) -> list[Pane]:
        """All of them, in the order of tab."""
        return [self.query_one(kind) for kind in self.kinds]

    @property
    def pane(self) -> Pane:
        """The one that keys are about."""
        return self.query_one(self.kinds[self._at])

    def is_chosen(self, pane: Pane) -> bool:
        """Whether keys are about it; asked while panes are still being put in place, too."""
        return isinstance(pane, self.kinds[self._at])

    @property
    def points(self) -> bool:
        """Whether it shows what lies under the cursor of its verdict matrix."""
        return False

    @property
    def pass_under_cursor(self) -> int | None:
        """The number of the pass that keys are about, where they are about one."""
        return None

    @property
    def alone(self) -> bool:
        """Whether the chosen pane is the only one in sight."""
        return self.zoomed or (self.ALONE and self.app.size.width < BREAKPOINTS[1][0])

    @property
    def crumbs(self) -> tuple[str, ...]:
        """What it is called on the way here, and what is looked at in it."""
        return (self.SCOPE,)

    def begin_with(self, pane: type[Pane] | None) -> None:
        """Before it is shown: keys are about this one at first."""
        self._at = self.kinds.index(pane) if pane else 0

    def choose(self, pane: Pane) -> None:
        """Keys are about this one from now on."""
        self._at = self.panes.index(pane)
        self.fit_panes()

    def next_pane(self, by: int) -> None:
        """To another pane, round and round."""
        self._at = (self._at + by) % len(self.kinds)
        self.fit_panes()

    def coming(self) -> str:
        """What the next pane is called."""
        return self.kinds[(self._at + 1) % len(self.kinds)].TITLE

    def zoom(self) -> None:
        """The chosen pane alone, or all of them again."""
        self.zoomed = not self.zoomed
        self.fit_panes()

    def on_mount(self) -> None:
        """A narrow terminal may have room for one of them."""
        self.fit_panes()

    def on_resize(self) -> None:
        """The terminal changed beneath it."""
        self.fit_panes()

    def fit_panes(self) -> None:
        """Take out of sight what a zoom or a narrow terminal has no room for."""
        wanted = (self.alone, self.zoomed, self._at)
        if wanted == self._arranged:
            return
        self._arranged = wanted
        kept = {self.pane, *self.pane.ancestors} - {self}
        inside = {pane.parent for pane in self.panes} - {self}
        for widget in self.query("*"):
            beside = self.zoomed or isinstance(widget, Pane) or widget in inside or widget.parent in inside
            beside = beside and (self.zoomed or not (isinstance(widget, Pane) and widget.STAYS))
            stays = widget in kept or type(widget).__name__ in _LINES
            widget.set_class(self.alone and beside and not stays, "-away")
            widget.set_class(self.alone and widget in kept, "-alone")
        self.console_app.mirror.dirty = True

    def go(self, motion: Motion) -> None:
        """Move in the chosen pane; what means nothing there, in the first where it does."""
        if not self.pane.go(motion):
            any(pane.go(motion) for pane in self.panes if pane is not self.pane)

    def enter(self) -> None:
        """Open what is under the cursor of the chosen pane, else of the first that has one."""
        if not self.pane.enter():
            any(pane.enter() for pane in self.panes if pane is not self.pane)

    @property
    def filterable(self) -> Pane | None:
        """The pane that a filter is about."""
        return next((pane for pane in (self.pane, *self.panes) if pane.FILTERED), None)

    def back(self) -> bool:
        """Out of a zoom or a filter; whether there was one."""
        pane = self.filterable
        if self.zoomed:
            self.zoom()
        elif pane and pane.filter.text:
            pane.narrow("")
        else:
            return False
        return True

    def offers(self, action: str) -> bool:
        """Whether an action makes sense here and now."""
        match action:
            case "open":
                return any(pane.OPENS for pane in self.panes)
            case "pane.next" | "pane.before":
                return len(self.kinds) > 1
            case "pane.zoom":
                return len(self.kinds) > 1 or self.zoomed
            case "filter":
                return self.filterable is not None
            case "back":
                pane = self.filterable
                return self.SCOPE != "floor" or self.zoomed or bool(pane and pane.filter.text)
        return True
