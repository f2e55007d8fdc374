"""The overfit gap: how far a run's outputs satisfy what their maker is told of better than what it is not.

Its significance is the exact conditional test for tables of two by two, a table a pass (R. A. Fisher, "The logic of
inductive inference", 1935; for several tables M. W. Birch, "The detection of partial association, I", 1964): given how
many trajectories of a pass satisfied in all, how likely would the feedback set have so many of them, were both sets
satisfied alike? One-sided, since only this side is overfitting. Pure arithmetic.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from factory_tui.domain.visit_facts import Satisfaction

Table = tuple[int, int, int, int]
"""Satisfied and all of the feedback set, satisfied and all of the vault."""


class Gap(msgspec.Struct, frozen=True):
    """Feedback over vault, in shares of the newest pass, and how likely so much is where nothing is overfitted."""

    share: float
    chance: float
    passes: int
    """How many passes the chance is reckoned over, the newest among them."""


MOST = 2_000
"""Trajectories of a set in a pass from which on no chance is reckoned: exactly it would take minutes."""


def gap_of(judged: Iterable[tuple[Satisfaction | None, Satisfaction | None]]) -> Gap | None:
    """The gap of the last of these passes; each has the satisfaction of its feedback set and of its vault.

    Before it was told of a verdict nobody can have fitted anything to it: the first pass counts only while it is alone.
    """
    both = [(told, kept) for told, kept in judged if told and kept]
    known = [(told, kept) for told, kept in both if 0 < told.total <= MOST and 0 < kept.total <= MOST]
    if not known:
        return None
    counted = known[1:] or known
    told, kept = known[-1]
    tables = tuple((one.satisfied, one.total, other.satisfied, other.total) for one, other in counted)
    return Gap(told.share - kept.share, by_chance(tables), len(tables))


@lru_cache(maxsize=4096)
def by_chance(tables: tuple[Table, ...]) -> float:
    """The probability that the feedback sets are satisfied so often or more, given how much satisfied of each pass."""
    chances, seen = [1.0], 0
    for good, told, fine, kept in tables:
        both = good + fine
        least, most = max(0, both - kept), min(told, both)
        whole = comb(told + kept, both)
        law = [comb(told, number) * comb(kept, both - number) / whole for number in range(least, most + 1)]
        chances = _added(chances, law)
        seen += good - least
    return min(1.0, sum(chances[seen:]))


def _added(one: list[float], other: list[float]) -> list[float]:
    found = [0.0] * (len(one) + len(other) - 1)
    for at, chance in enumerate(one):
        for more, part in enumerate(other):
            found[at + more] += chance * part
    return found
