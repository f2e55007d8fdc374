"""Facts of two kinds that screens of their own look back at: revisions of seeds, and what calls of an hour cost.

Pure. Events of now come by themselves; what lies before them is read from the journal when a screen first asks.
"""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from factory_tui.domain.events import CallSettled, Event, SeedRevised

MINUTE = 60_000
"""Milliseconds."""
MINUTES = 60
"""How far a rate looks back, the minute of now among them."""
REVISIONS = 200
"""Revisions that are kept, of all seeds together."""
REVISED = "seed-revised"
SETTLED = "call-settled"


class Revision(msgspec.Struct, frozen=True):
    """A seed as it was from `at` on."""

    seed: str
    revision: str
    at: int
    source: str
    diff: str
    by_hand: bool


class Past:
    """What is known of them. `whole_from`: UTC ms from which on no paid call is missing."""

    def __init__(self, whole_from: int = 0) -> None:
        self.revisions: deque[Revision] = deque(maxlen=REVISIONS)
        self.paid: dict[int, dict[str, Decimal]] = {}
        """By minute and run, what calls cost: of the newest minutes that had any."""
        self.whole_from = whole_from
        self.asked: set[str] = set()
        """Kinds of facts that were asked for already."""
        self.first: dict[str, int] = {}
        """By kind, the seq of the oldest fact known."""
        self._last: dict[str, int] = {}
        """By kind, of the newest: a page and the event itself may bring the same."""

    def take(self, event: Event) -> None:
        """An event that just happened."""
        kind = event.fact.__struct_config__.tag
        if not isinstance(kind, str) or event.seq <= self._last.get(kind, 0):
            return
        match event.fact:
            case SeedRevised():
                self.revisions += _revision(event, event.fact)
            case CallSettled():
                self._pay(event, event.fact)
                for minute in [one for one in self.paid if one <= event.at // MINUTE - MINUTES]:
                    del self.paid[minute]
            case _:
                return
        self.first.setdefault(kind, event.seq)
        self._last[kind] = event.seq

    def older(self, kind: str, events: Iterable[Event], now: int) -> bool:
        """A page of one kind that lies before all that is known; whether still older ones are wanted."""
        page = [event for event in events if event.seq < self.first.get(kind, event.seq + 1)]
        if page:
            self.first[kind] = page[0].seq
            self._last.setdefault(kind, page[-1].seq)
        if kind == REVISED:
            room = REVISIONS - len(self.revisions)
            revised = [(event, event.fact) for event in page if isinstance(event.fact, SeedRevised)]
            found = [one for event, fact in revised for one in _revision(event, fact)]
            self.revisions.extendleft(reversed(found[-room:] if room else []))
            return bool(page) and room > len(found)
        begins = since(now)
        for event in page:
            if isinstance(event.fact, CallSettled) and event.at >= begins:
                self._pay(event, event.fact)
        self.whole_from = page[0].at if page else 0
        return self.whole_from > begins

    def _pay(self, event: Event, fact: CallSettled) -> None:
        paid = self.paid.setdefault(event.at // MINUTE, {})
        paid[event.run] = paid.get(event.run, Decimal(0)) + fact.money

    def of(self, seed: str) -> list[Revision]:
        """A seed's revisions, newest first."""
        return [one for one in reversed(self.revisions) if one.seed == seed]


def _revision(event: Event, fact: SeedRevised) -> list[Revision]:
    """The one that it tells of; none where the seed is gone."""
    one = Revision(fact.seed, fact.revision, event.at, fact.source, fact.diff, fact.by_hand)
    return [one] if fact.revision else []


def since(now: int) -> int:
    """UTC ms of the first minute that a rate of `now` counts."""
    return (now // MINUTE - MINUTES + 1) * MINUTE
