"""Whether a series goes up or down by more than chance, and by how much a step. Pure arithmetic, exact at any length.

The test is Kendall's (M. G. Kendall, "A new measure of rank correlation", Biometrika 30, 1938): over all pairs, how
many rise less how many fall. Its chance is exact, ties and all: of all orders in which the same values could have come,
the share that rises or falls as much (G. P. Sillitto, "The distribution of Kendall's tau coefficient of rank
correlation in rankings containing ties", Biometrika 34, 1947). The slope is the median of those of all pairs (P. K.
Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63, 1968).
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from math import sqrt
from statistics import median

import msgspec

UNLIKELY = 0.05
"""The chance below which a series is said to go somewhere."""
LONGEST = 40
"""Values that are looked at, the newest."""


class Trend(msgspec.Struct, frozen=True):
    """Which way it goes. `tau` is 1 where every later value is greater, -1 where each is less."""

    tau: float
    chance: float
    """That values in no order at all would go so far, either way."""
    slope: float
    """A step, in the values' unit."""
    count: int

    @property
    def goes(self) -> bool:
        """Whether it goes somewhere by more than chance."""
        return self.chance < UNLIKELY


def trend(values: Sequence[float]) -> Trend | None:
    """That of the newest values, oldest first; None where fewer than two are known."""
    values = values[-LONGEST:]
    if len(values) < 2:
        return None
    pairs = list(combinations(enumerate(values), 2))
    rises = sum((later > sooner) - (later < sooner) for (_, sooner), (_, later) in pairs)
    slope = median((later - sooner) / (at - before) for (before, sooner), (at, later) in pairs)
    ties = tuple(sorted(Counter(values).values()))
    differ = len(pairs) - sum(tie * (tie - 1) // 2 for tie in ties)
    tau = rises / sqrt(len(pairs) * differ) if differ else 0.0
    return Trend(tau, by_chance(rises, ties), slope, len(values))


@lru_cache(maxsize=256)
def by_chance(rises: int, ties: tuple[int, ...]) -> float:
    """The share of all orders of values, so many of each, in which rises and falls differ by so much or more."""
    orders, count, differ = [1], 0, 0
    for tie in ties:
        differ += count * tie
        for place in range(1, tie + 1):
            count += 1
            orders = _times(orders, count, place)
    far = sum(number for falls, number in enumerate(orders) if abs(differ - 2 * falls) >= abs(rises))
    return far / sum(orders)


def _times(orders: list[int], more: int, less: int) -> list[int]:
    """Coefficients, times (1 - q^more) / (1 - q^less), which leaves nothing over."""
    found = orders + [0] * more
    for at in range(len(found) - 1, more - 1, -1):
        found[at] -= found[at - more]
    for at in range(less, len(found)):
        found[at] += found[at - less]
    return found[: len(orders) + more - less]
