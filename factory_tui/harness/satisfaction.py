"""Satisfaction and its bounds: pure arithmetic over verdicts.

Bounds are those of Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
binomial", Biometrika 26 (1934): exact, found here by bisection of the binomial tail. Scenarios are fixed strata,
allotted in proportion to weight; then the count of satisfied trajectories is less spread than a binomial of the same
mean (W. Hoeffding, "On the distribution of the number of successes in independent trials", 1956), so the bound is
conservative.

Knows nothing of visits, plans or files.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from factory_tui.domain.events import Satisfaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from factory_tui.domain.events import VerdictReached

PEOPLE = 0.05
"""Each tail of the 90 % interval that people see."""


@lru_cache(maxsize=65536)
def at_most(failures: int, total: int, chance: float) -> float:
    """P(X <= failures), X binomial over `total` with that chance each."""
    if failures >= total or chance <= 0.0:
        return 1.0
    if failures < 0 or chance >= 1.0:
        return 0.0
    log, rest = math.log(chance), math.log1p(-chance)
    whole = math.lgamma(total + 1)
    return min(
        1.0,
        math.fsum(
            math.exp(whole - math.lgamma(k + 1) - math.lgamma(total - k + 1) + k * log + (total - k) * rest)
            for k in range(failures + 1)
        ),
    )


@lru_cache(maxsize=65536)
def lower(satisfied: int, total: int, level: float) -> float:
    """The one-sided bound: truths below it would give so many satisfied with probability below `level`."""
    if satisfied <= 0:
        return 0.0
    return _bisect(lambda truth: at_most(total - satisfied, total, 1.0 - truth) <= level)


def upper(satisfied: int, total: int, level: float) -> float:
    """The one-sided bound from above."""
    return 1.0 - lower(total - satisfied, total, level)


def off(bound: float, error: float, share: float) -> float:
    """What judges' error can have added to a satisfaction of which `bound` is a lower bound, at most.

    `share` is the weight (0..1) of judged scenarios. Of the trajectories that should be no, judges that err at most so
    often find at most that part to be yes: observed <= true + error * min(share, 1 - true). That they take no yes for a
    no is the worst case; so it is conservative whatever way they lean.
    """
    if error >= 1.0:
        return bound
    return min(error * share, error * (1.0 - bound) / (1.0 - error))


def _bisect(below: Below) -> float:
    """The largest truth that is still below, to 1e-12, never above it."""
    low, high = 0.0, 1.0
    for _ in range(42):
        middle = (low + high) / 2
        if below(middle):
            low = middle
        else:
            high = middle
    return low


if TYPE_CHECKING:
    from collections.abc import Callable

    Below = Callable[[float], bool]


class Stratum(msgspec.Struct, frozen=True):
    """What counting needs to know of a scenario: without draws it is one observation, however often it ran."""

    weight: float
    drawn: bool = True


class Count(msgspec.Struct, frozen=True):
    """Verdicts counted. `fixed` is the weight (0..1) of unsatisfied scenarios without draws: known, not estimated."""

    satisfied: int = 0
    total: int = 0
    void: int = 0
    share: float = 0.0
    fixed: float = 0.0
    error: float = 0.0
    """How often verdicts of judges are wrong, at most."""
    judged: float = 0.0
    """The weight (0..1) of scenarios that judges decide."""

    @property
    def failures(self) -> int:
        """Observations that did not satisfy."""
        return self.total - self.satisfied

    def low(self, level: float) -> float:
        """The one-sided lower bound of the truth at that level.

        A scenario without draws has one outcome. When it satisfies, counting it as one observation only lowers the
        bound (its weight is at least its part of the count); when it does not, its whole weight is lost. What judges'
        error can have added is taken off.
        """
        bound = max(0.0, lower(self.satisfied, self.total, level) - self.fixed)
        return max(0.0, bound - off(bound, self.error, self.judged))

    def satisfaction(self) -> Satisfaction:
        """For people: the weighted share with its 90 % interval."""
        if not self.total:
            return Satisfaction(0.0, 0.0, 1.0, 0, 0, self.void)
        low = min(self.low(PEOPLE), self.share)
        above = upper(self.satisfied, self.total, PEOPLE)
        high = max(min(1.0, above + off(1.0 - above, self.error, self.judged)), self.share)
        return Satisfaction(self.share, low, high, self.satisfied, self.total, self.void)


def count(verdicts: Iterable[VerdictReached], strata: Mapping[str, Stratum]) -> Count:
    """Count the verdicts of these scenarios; the order does not matter. Void ones count for nobody."""
    good: dict[str, int] = {}
    seen: dict[str, int] = {}
    void = 0
    for verdict in verdicts:
        if verdict.scenario not in strata:
            continue
        if verdict.satisfied is None:
            void += 1
            continue
        seen[verdict.scenario] = seen.get(verdict.scenario, 0) + 1
        good[verdict.scenario] = good.get(verdict.scenario, 0) + verdict.satisfied
    whole = sum(stratum.weight for stratum in strata.values())
    fixed = 0.0
    for name, times in seen.items():
        if not strata[name].drawn:
            good[name], seen[name] = int(good[name] == times), 1
            fixed += 0.0 if good[name] else strata[name].weight / whole
    measured = sum(strata[name].weight for name in seen)
    share = sum(strata[name].weight * good[name] / seen[name] for name in seen) / measured if seen else 0.0
    return Count(sum(good.values()), sum(seen.values()), void, share, fixed)
