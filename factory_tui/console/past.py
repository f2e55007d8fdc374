"""Revisions of seeds, which the workshop looks back at.

Pure. Events of now come by themselves; what lies before them is read from the journal when a screen first asks.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from factory_tui.domain.events import Event, SeedRevised

REVISIONS = 200
"""Revisions that are kept, of all seeds together."""
REVISED = "seed-revised"


class Revision(msgspec.Struct, frozen=True):
    """A seed as it was from `at` on."""

    seed: str
    revision: str
    at: int
    source: str
    diff: str
    by_hand: bool


class Past:
    """What is known of them."""

    def __init__(self) -> None:
        self.revisions: deque[Revision] = deque(maxlen=REVISIONS)
        self.asked = False
        """Whether the older ones were asked for."""
        self.first: int | None = None
        """Seq of the oldest fact known."""
        self._last = 0
        """Of the newest: a page and the event itself may bring the same."""

    def take(self, event: Event) -> None:
        """An event that just happened."""
        if not isinstance(event.fact, SeedRevised) or event.seq <= self._last:
            return
        self.revisions += _revision(event, event.fact)
        self.first = event.seq if self.first is None else self.first
        self._last = event.seq

    def older(self, events: Iterable[Event]) -> bool:
        """A page that lies before all that is known; whether still older ones are wanted."""
        page = [event for event in events if self.first is None or event.seq < self.first]
        if page:
            self.first = page[0].seq
            self._last = self._last or page[-1].seq
        room = REVISIONS - len(self.revisions)
        revised = [(event, event.fact) for event in page if isinstance(event.fact, SeedRevised)]
        found = [one for event, fact in revised for one in _revision(event, fact)]
        self.revisions.extendleft(reversed(found[-room:] if room else []))
        return bool(page) and room > len(found)

    def of(self, seed: str) -> list[Revision]:
        """A seed's revisions, newest first."""
        return [one for one in reversed(self.revisions) if one.seed == seed]


def _revision(event: Event, fact: SeedRevised) -> list[Revision]:
    """The one that it tells of; none where the seed is gone."""
    one = Revision(fact.seed, fact.revision, event.at, fact.source, fact.diff, fact.by_hand)
    return [one] if fact.revision else []
