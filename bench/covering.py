"""The 90 % interval that people see: how often it holds the truth, and its width beside Wilson's."""

import random
from collections.abc import Iterator, Sequence
from math import comb, sqrt

import msgspec

from factory_tui.domain.events import VerdictReached
from factory_tui.harness.satisfaction import PEOPLE, Count, Stratum, between, count

TOTALS = (*range(5, 31), 35, 40, 48, 50, 60, 80, 96, 100, 120, 144, 150, 192, 200)
TRUTHS = tuple(number / 100 for number in range(50, 100))
SPREAD_TOTALS = (5, 10, 20, 40, 100, 200)
SPREAD_TRUTHS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
ALIKE = (1.0, 1.0, 1.0, 1.0, 1.0)
UNLIKE = (2.0, 1.0, 1.0, 1.0)
"""Weights whose cycle holds five trajectories, as ALIKE's does."""
_Z = 1.6448536269514722
_SLACK = 1e-9


class Covered(msgspec.Struct, frozen=True):
    """At one point of the grid: the coverage, and the mean width over the mean width of Wilson's interval."""

    total: int
    truth: float
    coverage: float
    width: float


def wilson(satisfied: int, total: int) -> tuple[float, float]:
    """E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927; at 90 %."""
    share, square = satisfied / total, _Z * _Z / total
    middle = (share + square / 2) / (1 + square)
    half = _Z * sqrt(share * (1 - share) / total + square / (4 * total)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def exact(totals: Sequence[int] = TOTALS, truths: Sequence[float] = TRUTHS) -> Iterator[Covered]:
    """Alike trajectories: sums over the binomial, nothing drawn."""
    for total in totals:
        ours = [between(satisfied, total, 2 * PEOPLE) for satisfied in range(total + 1)]
        theirs = [wilson(satisfied, total) for satisfied in range(total + 1)]
        for truth in truths:
            chances = [comb(total, k) * truth**k * (1 - truth) ** (total - k) for k in range(total + 1)]
            held = sum(part for part, one in zip(chances, ours, strict=True) if _holds(one, truth))
            yield Covered(total, truth, held, _mean(chances, ours) / _mean(chances, theirs))


def spread(weights: Sequence[float], within: float, dice: random.Random, *, turns: int) -> Iterator[Covered]:
    """Scenarios that differ, with this intra-class correlation; the truth is their weighted mean as drawn.

    Trajectories are allotted as the plan does, whole cycles in proportion to weight.
    """
    units = [round(weight / min(weights)) for weight in weights]
    strata = {str(place): Stratum(weight) for place, weight in enumerate(weights)}
    for total in SPREAD_TOTALS:
        often = [unit * total // sum(units) for unit in units]
        known: dict[int, tuple[float, float]] = {}
        for truth in SPREAD_TRUTHS:
            held = ours = theirs = 0.0
            for _ in range(turns):
                chances = [chance(truth, within, dice) for _ in weights]
                good = [_drawn(number, chance, dice) for number, chance in zip(often, chances, strict=True)]
                if sum(good) not in known:
                    known[sum(good)] = _interval(strata, often, good)
                low, high = known[sum(good)]
                real = sum(map(float.__mul__, map(float, weights), chances)) / sum(weights)
                held += _holds((low, high), real)
                ours += high - low
                below, above = wilson(sum(good), total)
                theirs += above - below
            yield Covered(total, truth, held / turns, ours / theirs)


def once_each(within: float, dice: random.Random, *, turns: int) -> Iterator[Covered]:
    """A feedback set as it mostly runs: each scenario once, whatever its weight; 1, 1, 2, 0.5, 3 over and over."""
    for total in (5, 10, 20, 40):
        weights = [(1.0, 1.0, 2.0, 0.5, 3.0)[place % 5] for place in range(total)]
        strata = {str(place): Stratum(weight) for place, weight in enumerate(weights)}
        whole = sum(weights)
        effective = _count(strata, [1] * total, [1] * total).effective
        known: dict[float, tuple[float, float]] = {}
        for truth in SPREAD_TRUTHS:
            held = ours = theirs = 0.0
            for _ in range(turns):
                chances = [chance(truth, within, dice) for _ in weights]
                good = [dice.random() < chance for chance in chances]
                share = sum(weight for weight, one in zip(weights, good, strict=True) if one) / whole
                if share not in known:
                    found = Count(sum(good), total, share=share, effective=effective).satisfaction()
                    known[share] = found.low, found.high
                low, high = known[share]
                real = sum(weight * chance for weight, chance in zip(weights, chances, strict=True)) / whole
                held += _holds((low, high), real)
                ours += high - low
                below, above = wilson(sum(good), total)
                theirs += above - below
            yield Covered(total, truth, held / turns, ours / theirs)


def chance(truth: float, within: float, dice: random.Random) -> float:
    """How often one of many scenarios satisfies: of a beta law with that mean and intra-class correlation."""
    if within <= 0.0:
        return truth
    if within >= 1.0:
        return float(dice.random() < truth)
    apart = (1 - within) / within
    return dice.betavariate(truth * apart, (1 - truth) * apart)


def _drawn(number: int, chance: float, dice: random.Random) -> int:
    if chance in (0.0, 1.0):
        return number * int(chance)
    return sum(dice.random() < chance for _ in range(number))


def _interval(strata: dict[str, Stratum], often: Sequence[int], good: Sequence[int]) -> tuple[float, float]:
    found = _count(strata, often, good).satisfaction()
    return found.low, found.high


def _count(strata: dict[str, Stratum], often: Sequence[int], good: Sequence[int]) -> Count:
    verdicts = [
        VerdictReached(1, 1, name, "vault", index, index < fine, 1.0, "")
        for name, number, fine in zip(strata, often, good, strict=True)
        for index in range(number)
    ]
    return count(verdicts, strata)


def _holds(interval: tuple[float, float], truth: float) -> bool:
    return interval[0] <= truth + _SLACK and truth <= interval[1] + _SLACK


def _mean(chances: Sequence[float], intervals: Sequence[tuple[float, float]]) -> float:
    return sum(part * (high - low) for part, (low, high) in zip(chances, intervals, strict=True))
