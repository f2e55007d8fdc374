"""How far a model's judgements can be trusted: pure arithmetic over judgements of the same transcript.

The model: judgements of a transcript err independently, with one chance e for all transcripts of a run. Two of them
then disagree (a flip) with chance f = 2e(1 - e), whatever is true: so f, which shows, tells e, which does not. What
all judges of a rubric get wrong alike shows in no flip; human labels tell it.

Many judgements of a transcript are no independent pairs. Where d of its m judgements dissent, d(m - d) of its
m(m - 1)/2 pairs flip; they count as m/2 pairs with that share of flips. So counted, flips over pairs estimate f without
bias to the first order in e, though judging stops as soon as a majority is reached, and vary no more than so many
independent pairs.

Knows nothing of models, visits or scenarios.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from factory_tui.domain.events import Flips
from factory_tui.harness.satisfaction import PEOPLE, at_most, lower, upper

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEARN = 12
"""Pairs that are wanted before judging stops at a majority: what they cost is had back by smaller panels."""


KNOWN = 400
"""Pairs that bounds are reckoned from at most; more of them count as so many with the same share of flips."""


class Panel(msgspec.Struct, frozen=True):
    """How often a transcript is judged: `size` times, and up to `most` where they differ; both odd.

    A run's noise may sit in few transcripts: who is of one mind about the others says nothing for those. A majority of
    `most` ends it, unless it is `whole`.
    """

    size: int
    most: int
    whole: bool = False

    def verdict(self, judgements: Sequence[bool]) -> bool | None:
        """What the judgements so far come to; None: judge it once more."""
        said, yes = len(judgements), sum(judgements)
        differ = 0 < yes < said
        if said >= (self.most if differ else self.size) or (not self.whole and 2 * max(yes, said - yes) > self.most):
            return 2 * yes > said
        return None


def pooled(flips: Iterable[Flips]) -> Flips:
    """All of them together."""
    return sum(flips, Flips())


def high(flips: Flips, level: float = PEOPLE) -> float:
    """The upper confidence bound on the flip rate (Clopper and Pearson), at most 1/2."""
    pairs, found = _counted(flips)
    return min(0.5, upper(min(pairs, math.ceil(found - 1e-9)), pairs, level)) if pairs else 0.5


def low(flips: Flips, level: float = PEOPLE) -> float:
    """The lower confidence bound on the flip rate."""
    pairs, found = _counted(flips)
    return min(0.5, lower(min(pairs, math.floor(found + 1e-9)), pairs, level)) if pairs else 0.0


def _counted(flips: Flips) -> tuple[int, float]:
    """Whole pairs, and the flips among them."""
    pairs = min(KNOWN, math.floor(flips.pairs))
    return pairs, flips.flips if pairs < KNOWN else flips.rate * KNOWN


def error_of(rate: float) -> float:
    """The chance that one judgement errs, at that flip rate; the rate is capped at 1/2, where judging is a coin."""
    return (1.0 - math.sqrt(max(0.0, 1.0 - 2.0 * rate))) / 2.0


@lru_cache(maxsize=4096)
def majority_error(error: float, size: int) -> float:
    """The chance that a majority of `size` judgements errs, each of which errs with that chance."""
    return at_most(size // 2, size, 1.0 - error)


def fewest(error: float, wanted: float, most: int) -> int | None:
    """The smallest odd number of judgements, at most `most`, whose majority errs no more than is wanted."""
    return next((size for size in range(1, most + 1, 2) if majority_error(error, size) <= wanted), None)


def panel(flips: Flips, wanted: float, most: int) -> Panel:
    """How often the next transcript is judged. Never once alone: that would tell nothing of noise."""
    if flips.pairs < LEARN:
        return Panel(most, most, whole=True)
    return Panel(min(most, max(3, fewest(error_of(high(flips)), wanted, most) or most)), most)


def error_of_verdicts(flips: Flips, sizes: Sequence[int]) -> float:
    """At most so many verdicts by panels of these sizes err: by the upper bound on the flip rate, on average.

    That a panel grows where its judges differ only makes it err less.
    """
    if not sizes:
        return 0.0
    error = error_of(high(flips))
    return math.fsum(majority_error(error, size) for size in sizes) / len(sizes)


def beyond(flips: Flips, wanted: float, most: int) -> bool:
    """Whether it is known that no panel would do: not even at the lower bound on the flip rate."""
    return fewest(error_of(low(flips)), wanted, most) is None


def unfit(flips: Flips, wanted: float, most: int) -> bool:
    """Whether no panel would do at the flip rate as measured: nothing ships on such judges."""
    return fewest(error_of(flips.rate), wanted, most) is None
