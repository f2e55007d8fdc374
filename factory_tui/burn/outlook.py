"""When a run will satisfy: passes, money and time until the vault's share reaches `ship_at`. Pure.

The model is one sentence: each further pass closes as much of what is missing as passes did before, the median of them;
and costs and takes as much. A run with `NEED` passes is judged by its own alone: whoever stands still is told so. One
with fewer takes the newest of its loop's earlier ones beside them, `POOL` in all; with fewer than `NEED` of both there
is no outlook. The interval is what comes of their quartiles.
"""

from collections.abc import Sequence
from decimal import Decimal
from math import ceil, log, log1p
from statistics import median
from typing import NamedTuple

import msgspec

NEED = 3
"""Passes that have to be known."""
POOL = 9
"""Passes that are looked at, the newest."""
LEAST = 0.005
"""What may be missing where `ship_at` is 1: a share of nothing is never reached by halving."""
MOST = 100
"""Passes beyond which it is said that no end is seen."""


class Gain(NamedTuple):
    """What one pass did."""

    closed: float
    """The share of what was missing that it closed; below 0 where it lost some."""
    money: Decimal
    took: int
    """Milliseconds, whoever was waited for in it."""


class Outlook(msgspec.Struct, frozen=True):
    """What is left from the end of the pass that it was made at. None: no end is seen."""

    passes: int | None
    least: int | None
    most: int | None
    money: Decimal
    took: int
    """Milliseconds."""
    known: int
    """Passes that it rests on."""


class Miss(msgspec.Struct, frozen=True):
    """By how much an outlook was wrong, once the run satisfied."""

    passes: int
    money: Decimal
    took: int
    inside: bool
    """Whether the passes that it took lay in the interval."""


class Record(msgspec.Struct, frozen=True):
    """How good outlooks were: medians of how wrong they were, by amount."""

    count: int
    passes: float
    money: Decimal
    took: int
    inside: int
    """Of them, those whose interval held."""
    never: int
    """Beside them, those that saw an end to runs which ended without."""
    unseen: int
    """And those that saw none, and it came."""


def gain(before: float, after: float, money: Decimal, took: int) -> Gain:
    """What a pass did that began with one share and ended with another; nothing is missing of a share of 1."""
    missing = 1 - before
    return Gain((after - before) / missing if missing > 0 else 0.0, money, took)


def outlook(share: float, ship_at: float, own: Sequence[Gain], others: Sequence[Gain]) -> Outlook | None:
    """From a share that does not satisfy yet; gains oldest first, others' without the run's own."""
    known = own[-POOL:] if len(own) >= NEED else [*own, *others[len(own) - POOL :]]
    if len(known) < NEED or share >= ship_at:
        return None
    slow, middle, fast = _quartiles([one.closed for one in known])
    passes = _passes(share, ship_at, middle)
    count, money = passes or 0, median(one.money for one in known)
    took = int(median(one.took for one in known))
    least, most = _passes(share, ship_at, fast), _passes(share, ship_at, slow)
    return Outlook(passes, least, most, count * money, count * took, len(known))


def miss(told: Outlook, passes: int, money: Decimal, took: int) -> Miss | None:
    """How wrong an outlook was, now that it is known what it took from there; None where it saw no end."""
    if told.passes is None:
        return None
    inside = (told.least or 1) <= passes and (told.most is None or passes <= told.most)
    return Miss(abs(told.passes - passes), abs(told.money - money), abs(told.took - took), inside)


def record(misses: Sequence[Miss], never: int, unseen: int) -> Record | None:
    """How good outlooks were; None before any could be held against what came."""
    if not misses:
        return Record(0, 0.0, Decimal(0), 0, 0, never, unseen) if never or unseen else None
    return Record(
        len(misses),
        float(median(one.passes for one in misses)),
        median(one.money for one in misses),
        int(median(one.took for one in misses)),
        sum(one.inside for one in misses),
        never,
        unseen,
    )


def _passes(share: float, ship_at: float, closed: float) -> int | None:
    """How many of that kind it takes; None: more than anybody waits for."""
    if closed <= 0:
        return None
    if closed >= 1:
        return 1
    wanted = log(max(LEAST, 1 - ship_at) / (1 - share)) / log1p(-closed)
    return max(1, ceil(wanted - 1e-9)) if wanted <= MOST else None  # a hair over a whole number is that number


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower, median, upper: the values at a quarter, half and three quarters of the way, between neighbours linear."""
    ranked = sorted(values)

    def at(share: float) -> float:
        place = share * (len(ranked) - 1)
        low = int(place)
        high = min(low + 1, len(ranked) - 1)
        return ranked[low] + (ranked[high] - ranked[low]) * (place - low)

    return at(0.25), at(0.5), at(0.75)
