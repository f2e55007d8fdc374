"""What a seed's scenarios were found to be, visit by visit, over runs and revisions: which are flaky, which tell. Pure.

What was judged while an operator had a twin fail tells nothing of a scenario, and is left out of every figure here.
"""

from collections.abc import Collection, Sequence
from itertools import combinations

import msgspec

from factory_tui.domain.gap import by_chance
from factory_tui.domain.run_state import Tally
from factory_tui.domain.visit_facts import VisitKind

VISITS = 20
"""Of each seed, the newest."""
UNLIKELY = 0.01
"""The chance below which two visits of the same snapshot are taken to differ."""


PAIRS = 6
"""Pairs of passes that differ below which nothing is said of what a scenario tells: four passes that all differ."""


class Visited(msgspec.Struct, frozen=True):
    """One visit that ended: which snapshot it looked at, and what came of each scenario."""

    run: str
    number: int
    visit: int
    kind: VisitKind
    revision: str
    commit: str
    tallies: dict[str, Tally]
    faults: tuple[str, ...] = ()
    """What operators had its twins do meanwhile: nothing is learnt from it of the scenarios."""


def flaky(visits: Sequence[Visited], fixed: Collection[str]) -> dict[str, str]:
    """Scenarios that say one thing and another of the same snapshot, and why.

    One without draws that has both verdicts; of one with draws, whose trajectories may well differ, two visits whose
    shares chance hardly puts so far apart (Fisher's exact test, both sides).
    """
    found: dict[str, str] = {}
    for one, other in combinations([one for one in visits if not one.faults], 2):
        if one.commit != other.commit or not one.commit:
            continue
        for name in one.tallies.keys() & other.tallies.keys():
            why = _differ(one.tallies[name], other.tallies[name], name in fixed)
            if why:
                where = f"visits {one.visit} of {one.run} and {other.visit} of {other.run}"
                found[name] = f"{why} of the same snapshot, in {where}"
    return found


def _differ(one: Tally, other: Tally, fixed: bool) -> str:
    if not one.judged or not other.judged:
        return ""
    if fixed:
        both = one.satisfied + other.satisfied and one.unsatisfied + other.unsatisfied
        return "satisfied and not satisfied without any draw" if both else ""
    table = (one.satisfied, one.judged, other.satisfied, other.judged)
    chance = 2 * min(by_chance((table,)), by_chance((table[2:] + table[:2],)))
    if chance >= UNLIKELY:
        return ""
    return f"{one.satisfied} of {one.judged} and {other.satisfied} of {other.judged} satisfied (p {chance:.1g})"


class Power(msgspec.Struct, frozen=True):
    """How well a scenario tells passes apart, and over how many pairs of them; None: too few visits to say."""

    value: float | None = None
    pairs: int = 0

    def __str__(self) -> str:
        return "too few visits" if self.value is None else f"{self.value:+.2f}"


def powers(visits: Sequence[Visited]) -> dict[str, Power]:
    """The discriminating power of each scenario: Somers' D of its share of satisfied trajectories, given the rest's.

    Of every two passes, those count on which the mean share of all other scenarios differs that judged both: C of them
    the scenario ranks as the others do, D the other way round, and T not at all, since it is the same on both.
    D = (C - D) / (C + D + T): 1 ranks every two passes as the rest of the corpus does, 0 tells nothing, as a scenario
    does that always has the same verdict, and below 0 it speaks against the others. R. H. Somers, "A new asymmetric
    measure of association for ordinal variables", American Sociological Review 27, 1962; that an item is held against
    the rest without itself is the corrected item-total correlation of classical test theory.
    """
    found: dict[str, list[int]] = {}
    for one, other in combinations(_passes(visits), 2):
        both = one.keys() & other.keys()
        whole = sum(one[name] - other[name] for name in both)
        for name in both if len(both) > 1 else ():
            own = one[name] - other[name]
            rest = whole - own
            if abs(rest) > _SAME:
                found.setdefault(name, []).append(0 if abs(own) <= _SAME else 1 if (own > 0) == (rest > 0) else -1)
    names = {name for one in visits for name in one.tallies}
    ranked = {name: found.get(name, []) for name in names}
    return {name: Power(sum(one) / len(one) if len(one) >= PAIRS else None, len(one)) for name, one in ranked.items()}


_SAME = 1e-9


def _passes(visits: Sequence[Visited]) -> list[dict[str, float]]:
    """Of each pass the share of every scenario that was judged: a screen and its confirm saw the same snapshot."""
    pooled: dict[tuple[str, int], dict[str, tuple[int, int]]] = {}
    for one in visits:
        seen = pooled.setdefault((one.run, one.number), {}) if not one.faults else {}
        for name, tally in one.tallies.items():
            good, all_of = seen.get(name, (0, 0))
            seen[name] = good + tally.satisfied, all_of + tally.judged
    return [{name: good / of for name, (good, of) in seen.items() if of} for seen in pooled.values()]
