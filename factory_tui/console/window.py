"""Part of the journal near an instant, so that stepping in it asks nobody: a state, and the events after it. Pure."""

from bisect import bisect_right
from collections.abc import Sequence

from factory_tui.domain.events import Event
from factory_tui.domain.reducer import fold, reduce
from factory_tui.domain.state import State

BEFORE = 200
"""Events before the instant asked for that a window holds."""
SPAN = 500
"""Events that it holds in all."""


class Window:
    """The states from `base` on, event by event."""

    def __init__(self, base: State, events: Sequence[Event] = ()) -> None:
        self.base = base
        self.events = list(events)
        self._seqs = [event.seq for event in self.events]
        self._at = base
        """The state asked for last: the next one is mostly near."""

    @property
    def end(self) -> int:
        """The last seq that it holds."""
        return self._seqs[-1] if self._seqs else self.base.seq

    def holds(self, seq: int) -> bool:
        """Whether the state as of that event is in it."""
        return self.base.seq <= seq <= self.end

    def state(self, seq: int) -> State:
        """As of that event, which it holds."""
        if self._at.seq > seq:
            self._at = self.base
        done = bisect_right(self._seqs, self._at.seq)
        self._at = fold(self.events[done : bisect_right(self._seqs, seq)], self._at)
        return self._at

    def event(self, seq: int) -> Event | None:
        """That event, if it holds it."""
        at = bisect_right(self._seqs, seq) - 1
        return self.events[at] if at >= 0 and self._seqs[at] == seq else None

    def step(self, seq: int, kinds: Sequence[str], *, later: bool) -> int | None:
        """The seq of the next event of those kinds, earlier or later than that one; None: it is not in here."""
        wanted = [one.seq for one in self.events if one.fact.__struct_config__.tag in kinds]
        if later:
            return next((one for one in wanted if one > seq), None)
        return next((one for one in reversed(wanted) if one < seq), None)

    def take(self, event: Event) -> None:
        """One that just happened, if it comes next and there is room."""
        if event.seq == self.end + 1 and len(self.events) < SPAN:
            self.events.append(event)
            self._seqs.append(event.seq)


def around(window: Window, seq: int) -> tuple[State, State] | None:
    """The state before an event and after it, where both are known."""
    if not window.holds(seq - 1) or (event := window.event(seq)) is None:
        return None
    before = window.state(seq - 1)
    return before, reduce(before, event)
