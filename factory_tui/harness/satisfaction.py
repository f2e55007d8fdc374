"""Satisfaction and its bounds: pure arithmetic over verdicts.

The ship rule reads the one-sided bounds of Clopper and Pearson, "The use of confidence or fiducial limits illustrated
in the case of the binomial", Biometrika 26 (1934): exact, found here by bisection of the binomial tail. People see the
two-sided interval of Blaker, "Confidence curves and improved exact confidence intervals for discrete distributions",
Canadian Journal of Statistics 28 (2000): it covers as surely and lies within theirs. Scenarios are fixed strata,
allotted in proportion to weight; then the count of satisfied trajectories is less spread than a binomial of the same
mean (W. Hoeffding, "On the distribution of the number of successes in independent trials", 1956), so the bounds are
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
    from collections.abc import Callable, Iterable, Mapping

    from factory_tui.domain.events import VerdictReached

PEOPLE = 0.05
"""Each tail of the 90 % interval that people see."""
_NOTHING = 1e-18
"""The part of a sum that a double does not hold any more."""


@lru_cache(maxsize=65536)
def at_most(failures: int, total: int, chance: float) -> float:
    """P(X <= failures), X binomial over `total` with that chance each."""
    if failures >= total or chance <= 0.0:
        return 1.0
    if failures < 0 or chance >= 1.0:
        return 0.0
    top = min(failures, int((total + 1) * chance))
    whole = math.lgamma(total + 1) - math.lgamma(top + 1) - math.lgamma(total - top + 1)
    first = math.exp(whole + top * math.log(chance) + (total - top) * math.log1p(-chance))
    odds = chance / (1.0 - chance)
    found, term = first, first
    for k in range(top, 0, -1):
        term *= k / ((total - k + 1) * odds)
        found += term
        if term < found * _NOTHING:
            break
    term = first
    for k in range(top, failures):
        term *= (total - k) * odds / (k + 1)
        found += term
        if term < found * _NOTHING:
            break
    return min(1.0, found)


@lru_cache(maxsize=65536)
def lower(satisfied: int, total: int, level: float) -> float:
    """The one-sided bound: truths below it would give so many satisfied with probability below `level`."""
    if satisfied <= 0:
        return 0.0
    return _bisect(lambda truth: at_most(total - satisfied, total, 1.0 - truth) <= level)


def upper(satisfied: int, total: int, level: float) -> float:
    """The one-sided bound from above."""
    return 1.0 - lower(total - satisfied, total, level)


def between(satisfied: int, total: int, level: float) -> tuple[float, float]:
    """The two-sided interval that misses the truth with probability `level` at most."""
    return _from(satisfied, total, level), 1.0 - _from(total - satisfied, total, level)


@lru_cache(maxsize=8192)
def _from(satisfied: int, total: int, level: float) -> float:
    """The least truth that Blaker's test accepts: its tail here, and the largest one there that is no larger, exceed
    `level` together.

    From the one-sided bound at half the level on, the far tail is that of `far` observations until the next fits, where
    the two are alike and exceed the level; before that they fall and then rise, so that one bisection finds it.
    """
    start = lower(satisfied, total, level / 2)
    if not start:
        return 0.0

    def tail(truth: float) -> float:
        return at_most(total - satisfied, total, 1.0 - truth)

    far = -1
    while at_most(far + 1, total, start) <= tail(start):
        far += 1

    def refused(truth: float) -> bool:
        near = tail(truth)
        return near < at_most(far + 1, total, truth) and near + at_most(far, total, truth) <= level

    return _bisect(refused, start)


def off(bound: float, error: float, share: float) -> float:
    """What judges' error can have added to a satisfaction of which `bound` is a lower bound, at most.

    `share` is the weight (0..1) of judged scenarios. Of the trajectories that should be no, judges that err at most so
    often find at most that part to be yes: observed <= true + error * min(share, 1 - true). That they take no yes for a
    no is the worst case; so it is conservative whatever way they lean.
    """
    if error >= 1.0:
        return bound
    return min(error * share, error * (1.0 - bound) / (1.0 - error))


def _bisect(below: Callable[[float], bool], low: float = 0.0) -> float:
    """The largest truth from `low` on that is still below, to 1e-12, never above it."""
    high = 1.0
    for _ in range(42):
        middle = (low + high) / 2
        if below(middle):
            low = middle
        else:
            high = middle
    return low


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
    effective: int = 0
    """How many equal observations tell as much as these (L. Kish, "Survey Sampling", 1965, section 8.2)."""
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
        """For people: the weighted share with its 90 % interval, rounded outwards where weights are no whole parts."""
        if not self.total:
            return Satisfaction(0.0, 0.0, 1.0, 0, 0, self.void)
        part = self.share * self.effective
        low, _ = between(math.floor(part + 1e-9), self.effective, 2 * PEOPLE)
        _, high = between(math.ceil(part - 1e-9), self.effective, 2 * PEOPLE)
        low = min(max(0.0, low - off(low, self.error, self.judged)), self.share)
        high = max(min(1.0, high + off(1.0 - high, self.error, self.judged)), self.share)
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
    spread = sum(strata[name].weight ** 2 / seen[name] for name in seen)
    effective = math.floor(measured**2 / spread + 1e-9) if seen else 0
    return Count(sum(good.values()), sum(seen.values()), void, share, fixed, effective)
