"""Facts of two kinds that screens of their own look back at: revisions of seeds, and calls that were paid for.

Pure. Events of now come by themselves; what lies before them is read from the journal when a screen first asks.
"""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from factory_tui.domain.events import CallSettled, Event, SeedRevised

HOUR = 3_600_000
"""Milliseconds that a rate looks back."""
CALLS = 50_000
"""Paid calls that are kept."""
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


class Paid(msgspec.Struct, frozen=True):
    """One settled call."""

    at: int
    run: str
    money: Decimal
    tokens: int


class Past:
    """What is known of them. `whole_from`: UTC ms from which on no paid call is missing."""

    def __init__(self, whole_from: int = 0) -> None:
        self.revisions: deque[Revision] = deque(maxlen=REVISIONS)
        self.paid: deque[Paid] = deque()
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
                self.revisions.append(_revision(event, event.fact))
            case CallSettled():
                self.paid.append(_paid(event, event.fact))
                while self.paid[0].at < event.at - HOUR or len(self.paid) > CALLS:
                    self.whole_from = max(self.whole_from, self.paid.popleft().at + 1)
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
            found = [_revision(event, event.fact) for event in page if isinstance(event.fact, SeedRevised)]
            self.revisions.extendleft(reversed(found[-room:] if room else []))
            return bool(page) and room > len(found)
        calls = [_paid(event, event.fact) for event in page if isinstance(event.fact, CallSettled)]
        room = CALLS - len(self.paid)
        self.paid.extendleft(reversed(calls[-room:] if room else []))
        self.whole_from = 0 if not page else page[0].at
        return bool(page) and page[0].at > now - HOUR and room > len(calls)

    def of(self, seed: str) -> list[Revision]:
        """A seed's revisions, newest first."""
        return [one for one in reversed(self.revisions) if one.seed == seed]


def _revision(event: Event, fact: SeedRevised) -> Revision:
    return Revision(fact.seed, fact.revision, event.at, fact.source, fact.diff, fact.by_hand)


def _paid(event: Event, fact: CallSettled) -> Paid:
    return Paid(event.at, event.run, fact.money, fact.tokens.total)
