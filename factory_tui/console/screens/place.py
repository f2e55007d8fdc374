"""A screen with a key of its own: what the floor, a run and the inbox have in common."""

from typing import ClassVar

from textual.screen import Screen

from factory_tui.console.action import Scope

BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-ultra")]


def layout(width: int) -> str:
    """The class a screen of this width has; Textual gives it only after a frame without."""
    return next(name for least, name in reversed(BREAKPOINTS) if width >= least)


class Place(Screen[None]):
    """Says which actions of the table are meant while it is in front."""

    SCOPE: ClassVar[Scope]
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    AUTO_FOCUS = ""

    def offers(self, _action: str) -> bool:
        """Whether an action of its scope makes sense now."""
        return True
