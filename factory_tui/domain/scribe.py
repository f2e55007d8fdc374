"""The two ways out of the work: facts, which are kept, and live frames, which are only shown.

Every floor that works for a run is handed a Scribe bound to it; none of them sees the journal.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from factory_tui.domain.events import AnyFact
from factory_tui.domain.live import LiveFrame


class Scribe(Protocol):
    """Bound to one run (and so to its name and its actor)."""

    @property
    def run(self) -> str:
        """The run it writes about."""
        ...

    async def record(self, *facts: AnyFact) -> None:
        """Return once the facts are on disk, in this order; then they are never lost."""
        ...

    def show(self, frame: LiveFrame) -> None:
        """Pass a live frame to whoever watches; never waits, may be dropped."""
        ...


Clock = Callable[[], int]
"""UTC milliseconds."""
Sleep = Callable[[float], Awaitable[None]]
