"""Whole runs that models judge, which err: by the code's own panels, bounds and decisions."""

import random
from bisect import bisect
from collections import Counter, defaultdict
from itertools import accumulate, product
from math import ceil, floor

from msgspec.structs import replace

from factory_tui.domain.events import Flips
from factory_tui.harness.noise import Panel, beyond, error_of, high, majority_error, panel, unfit
from factory_tui.harness.plan import Decision, Plan
from factory_tui.harness.satisfaction import Count

WANTED, MOST = 0.01, 11
"""As bundled: judge_error and judge_most."""
_FINE = 1e-4
"""To which an error is rounded up, so that decisions can be remembered."""

Outcome = tuple[float, float, bool]
"""What one transcript tells: pairs, flips, and whether its verdict is right."""


class Judges:
    """Judgements that err with one chance. `lenient`: those of bad transcripts alone, so that all errors are a yes."""

    def __init__(self, rate: float, *, lenient: bool = False) -> None:
        self._error = error_of(rate)
        self._lenient = lenient
        self._tables: dict[tuple[Panel, bool], tuple[list[float], list[Outcome]]] = {}

    def judge(self, chosen: Panel, good: bool, dice: random.Random) -> Outcome:
        """One transcript, by a panel: drawn from all that its judgements can come to."""
        sure = good and self._lenient
        if (chosen, sure) not in self._tables:
            self._tables[chosen, sure] = _table(chosen, 0.0 if sure else self._error)
        chances, outcomes = self._tables[chosen, sure]
        return outcomes[min(bisect(chances, dice.random()), len(outcomes) - 1)]


def _table(chosen: Panel, error: float) -> tuple[list[float], list[Outcome]]:
    """Outcomes with their chances, added up."""
    found: dict[tuple[int, int, bool], float] = defaultdict(float)
    for said in product((True, False), repeat=chosen.most):
        end = next(number for number in range(1, chosen.most + 1) if chosen.verdict(said[:number]) is not None)
        chance = error ** said.count(False) * (1 - error) ** said.count(True)
        found[end, min(said[:end].count(True), said[:end].count(False)), bool(chosen.verdict(said[:end]))] += chance
    told = [(Flips.of(number, dissent), right) for number, dissent, right in found]
    return list(accumulate(found.values())), [(one.pairs, one.flips, right) for one, right in told]


class Doubting:
    """What a plan decides of judged trajectories."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._known: dict[tuple[int, int, int, int], Decision | None] = {}
        self._noise: dict[tuple[int, int], tuple[Panel, float]] = {}

    def ships(self, truth: float, judges: Judges, passes: int, dice: random.Random) -> bool:
        """Whether a drawn run ships; one that its judges' noise jams is let go on each time."""
        flips = Flips()
        for _ in range(passes):
            decision, flips = self._pass(truth, judges, flips, dice)
            if decision == "ship" and not beyond(flips, WANTED, MOST) and not unfit(flips, WANTED, MOST):
                return True
        return False

    def _pass(self, truth: float, judges: Judges, before: Flips, dice: random.Random) -> tuple[Decision | None, Flips]:
        pairs, flips, transcripts = before.pairs, before.flips, before.transcripts
        start = failures = 0
        sizes = Counter[int]()
        decision: Decision | None = None
        for cycle in range(1, self._plan.last + 1):
            for _ in self._plan.cycle:
                chosen, _ = self._known_noise(pairs, flips)
                good = dice.random() < truth
                more, flipped, right = judges.judge(chosen, good, dice)
                pairs += more
                flips += flipped
                transcripts += 1
                sizes[chosen.size] += 1
                failures += good != right
            decision = self._decide(start, cycle, failures, self._error(pairs, flips, sizes))
            if decision == "confirm":
                start = cycle
            elif decision is not None:
                break
        return decision, Flips(flips, pairs, transcripts)

    def _known_noise(self, pairs: float, flips: float) -> tuple[Panel, float]:
        """The panel of the next transcript, and the error of one judgement at most: both hang on whole pairs alone."""
        key = floor(pairs), ceil(flips - 1e-9)
        if key not in self._noise:
            seen = Flips(flips, pairs, 1)
            self._noise[key] = panel(seen, WANTED, MOST), error_of(high(seen))
        return self._noise[key]

    def _error(self, pairs: float, flips: float, sizes: Counter[int]) -> int:
        """As `error_of_verdicts`, in steps."""
        _, error = self._known_noise(pairs, flips)
        mean = sum(often * majority_error(error, size) for size, often in sizes.items()) / sizes.total()
        return int(mean / _FINE) + 1

    def _decide(self, start: int, cycle: int, failures: int, error: int) -> Decision | None:
        key = (start, cycle, failures, error)
        if key not in self._known:
            seen = cycle * len(self._plan.cycle)
            vault = replace(Count(seen - failures, seen), error=error * _FINE, judged=1.0)
            if start:
                self._known[key] = self._plan.after_confirm(start, cycle, vault)
            else:
                self._known[key] = self._plan.after_screen(cycle, vault)
        return self._known[key]
