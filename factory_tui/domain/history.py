"""What a seed's scenarios were found to be, visit by visit, over runs and revisions; and which are flaky. Pure."""

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


class Visited(msgspec.Struct, frozen=True):
    """One visit that ended: which snapshot it looked at, and what came of each scenario."""

    run: str
    number: int
    visit: int
    kind: VisitKind
    revision: str
    commit: str
    tallies: dict[str, Tally]


def flaky(visits: Sequence[Visited], fixed: Collection[str]) -> dict[str, str]:
    """Scenarios that say one thing and another of the same snapshot, and why.

    One without draws that has both verdicts; of one with draws, whose trajectories may well differ, two visits whose
    shares chance hardly puts so far apart (Fisher's exact test, both sides).
    """
    found: dict[str, str] = {}
    for one, other in combinations(visits, 2):
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
