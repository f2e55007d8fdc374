"""The acts that the journal's screen holds: a part of the journal without gaps, grown at both ends. Pure."""

from collections import deque
from collections.abc import Sequence

from factory_tui.console.acts import DEEDS, KINDS, Act, act, tag
from factory_tui.domain.events import Event

MOST = 20_000
"""Acts that are held; what was looked at longest ago gives way."""


class Ledger:
    """Acts of some kinds, in order of seq. What is newer comes by itself, once its newest end is the journal's."""

    def __init__(self) -> None:
        self.acts: deque[Act] = deque()
        self.kinds: frozenset[str] = frozenset(DEEDS)
        self.oldest = False
        """Whether there is nothing older."""
        self.newest = False
        """Whether there is nothing newer."""
        self.version = 0
        """Raised when it became another part of the journal."""

    @property
    def wanted(self) -> tuple[str, ...] | None:
        """What a query asks for; None: everything."""
        return None if len(self.kinds) == len(KINDS) else tuple(sorted(self.kinds))

    def about(self, kinds: frozenset[str]) -> None:
        """Hold acts of these kinds, beginning anew where they are others."""
        if kinds != self.kinds:
            self.kinds = kinds
            self.clear()

    def clear(self) -> None:
        """Hold nothing: another part of the journal is read."""
        self.acts.clear()
        self.oldest = self.newest = False
        self.version += 1

    def older(self, events: Sequence[Event]) -> None:
        """A page that lies before all that is held, or the first one; an empty one says that there is no more."""
        found = [act(event) for event in events if not self.acts or event.seq < self.acts[0].seq]
        self.oldest = not found
        self.acts.extendleft(reversed(found))
        while len(self.acts) > MOST:
            self.acts.pop()
            self.newest = False

    def newer(self, events: Sequence[Event]) -> None:
        """A page that lies after all that is held; an empty one says that there is no more."""
        found = [act(event) for event in events if not self.acts or event.seq > self.acts[-1].seq]
        self.newest = not found
        self._add(found)

    def take(self, event: Event) -> None:
        """One that just happened."""
        held = not self.acts or event.seq > self.acts[-1].seq
        if self.newest and held and tag(type(event.fact)) in self.kinds:
            self._add([act(event)])

    def _add(self, found: Sequence[Act]) -> None:
        self.acts.extend(found)
        while len(self.acts) > MOST:
            self.acts.popleft()
            self.oldest = False
