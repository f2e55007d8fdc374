"""What a visit has to doubt in its judges: their noise so far, what it takes off, and when it stands in the way.

Owns the reasons for which a run jams as judge-noise. The arithmetic is `noise`'s; which visits and looks there are is
not known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from factory_tui.domain.events import Flips
from factory_tui.harness.noise import LEARN, beyond, error_of_verdicts, unfit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_tui.domain.events import VerdictReached
    from factory_tui.harness.corpus import Corpus
    from factory_tui.harness.plan import Decision
    from factory_tui.harness.satisfaction import Count


def doubted(flips: Flips, wanted: float, most: int, least: int = LEARN) -> str:
    """Why judges cannot be gone by, as far as that many pairs tell; empty where they can, or where fewer are known."""
    if flips.pairs < least or not unfit(flips, wanted, most):
        return ""
    known = f"{flips.rate:.0%} of {flips.pairs:g} pairs of judgements flip: as far as that is known"
    return f"{known}, {most} judgements a transcript (judge_most) leave more error than {wanted:g} (judge_error)"


class Doubt:
    """Of one visit. `before`: what the run's visits before it told of noise, by the same scenarios.

    `last`: no pass is left in which more could be known of it.
    """

    def __init__(self, corpus: Corpus, before: Flips, wanted: float, most: int, *, last: bool = False) -> None:
        vault = [one for one in corpus.scenarios if one.set == "vault"]
        whole = sum(one.weight for one in vault)
        self.share = sum(one.weight for one in vault if one.judge) / whole if whole else 0.0
        """The weight of judged scenarios in the vault."""
        self.flips = before
        self.in_the_way = False
        """Whether the judges' error alone keeps what is counted by now from a confirm or a ship."""
        self._wanted = wanted
        self._most = most
        self._last = last

    def take(self, verdict: VerdictReached) -> None:
        """One more verdict, of either set."""
        self.flips += Flips.of(verdict.judgements, verdict.dissent)

    def taken_off(self, count: Count, verdicts: Sequence[VerdictReached]) -> Count:
        """The vault's count, with the error of the judged ones among its verdicts."""
        sizes = [one.panel for one in verdicts if one.set == "vault" and one.judgements]
        return replace(count, error=error_of_verdicts(self.flips, sizes), judged=self.share) if sizes else count

    def against(self, decision: Decision, verdicts: Sequence[VerdictReached]) -> str:
        """Why the judges cannot be gone by; empty where they can, or where nothing hangs on them."""
        if not self.flips.pairs and not any(one.panel for one in verdicts):
            return ""
        known = f"{self.flips.rate:.0%} of {self.flips.pairs:g} pairs of judgements flip"
        most = f"{self._most} judgements a transcript (judge_most)"
        if beyond(self.flips, self._wanted, self._most):
            return f"{known}: {most} cannot bring their error down to {self._wanted:g} (judge_error)"
        if decision == "ship" and (said := doubted(self.flips, self._wanted, self._most, least=0)):
            return said
        if decision == "unsatisfied" and self._last and (said := doubted(self.flips, self._wanted, self._most)):
            return said
        for own in self._of_each(verdicts) if decision != "unsatisfied" else ():
            if beyond(own, self._wanted, self._most):  # all others may hide it
                flip = f"{own.rate:.0%} of {own.pairs:g} pairs of judgements of one story of the vault flip"
                return f"{flip}: {most} cannot bring their error down to {self._wanted:g} (judge_error)"
        unjudged = sum(one.set == "vault" and bool(one.panel) and one.satisfied is None for one in verdicts)
        if decision != "unsatisfied" and unjudged:
            some = f"{unjudged} transcript{'s' * (unjudged > 1)}"
            return f"{some} of the vault got no judgement, so that nobody knows what they are worth"
        if decision == "unsatisfied" and self.in_the_way:
            return f"{known}: what that error can have added is all that keeps it from the ship rule"
        return ""

    @staticmethod
    def _of_each(verdicts: Sequence[VerdictReached]) -> list[Flips]:
        """The flips of each judged story of the vault, as far as these verdicts tell."""
        found: dict[str, Flips] = {}
        for one in verdicts:
            if one.set == "vault" and one.judgements:
                found[one.scenario] = found.get(one.scenario, Flips()) + Flips.of(one.judgements, one.dissent)
        return list(found.values())
