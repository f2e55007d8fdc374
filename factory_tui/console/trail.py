"""Where the operator was: screens and runs in the order looked at, with a way back and forth. Pure."""

import msgspec

from factory_tui.console.action import Scope

LONGEST = 50
"""Stops that are kept."""


class Stop(msgspec.Struct, frozen=True):
    """A screen, and the run that was chosen on it."""

    scope: Scope
    run: str


class Trail:
    """As in a browser: a new stop after going back forgets what lay ahead."""

    def __init__(self) -> None:
        self._stops: list[Stop] = []
        self._at = -1

    def visit(self, stop: Stop) -> None:
        """Somewhere new; another run on the same screen takes the place of the one before."""
        if self._at >= 0 and self._stops[self._at].scope == stop.scope:
            self._stops[self._at] = stop
            return
        self._stops = [*self._stops[: self._at + 1], stop][-LONGEST:]
        self._at = len(self._stops) - 1

    def leads(self, by: int) -> bool:
        """Whether there is a stop one back (-1) or forth (1)."""
        return 0 <= self._at + by < len(self._stops)

    def step(self, by: int) -> Stop | None:
        """One back (-1) or forth (1); None at either end."""
        if not self.leads(by):
            return None
        self._at += by
        return self._stops[self._at]
