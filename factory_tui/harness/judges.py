"""The judges of a visit: a model is asked about a transcript until its panel has a verdict.

Owns how often it is asked, and that each judgement is a fact before it counts: a visit that was killed and goes on asks
for none of them twice. What is asked is `judge`'s, what panels need `noise`'s; which model it is, the engine says.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import msgspec

from factory_tui.domain.events import Answered, Flips, Judged
from factory_tui.domain.hostile import clean, one_line
from factory_tui.harness.judge import LONGEST, SYSTEM, TOOL, NoJudgement, messages, read, tool
from factory_tui.harness.noise import Panel, panel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from factory_tui.domain.events import AnyFact
    from factory_tui.domain.money import Ledger
    from factory_tui.domain.scribe import Scribe
    from factory_tui.harness.shapes import Scenario
    from factory_tui.model.door import Door, Model

ANSWER = 1_000
"""Output tokens of a judgement."""
TRIES = 3
"""How often one is asked for before the verdict is void."""


class Sitting(msgspec.Struct, frozen=True):
    """Which trajectory is judged."""

    visit: int
    number: int
    index: int
    scenario: Scenario
    faults: tuple[str, ...] = ()
    """What operators had its twins do meanwhile: a verdict after a restart has them from its judgements."""


class Opinion(msgspec.Struct, frozen=True):
    """What a panel came to; `satisfied` is None where the judge gave no judgement."""

    satisfied: bool | None
    probability: float
    why: str
    transcript: str
    panel: int
    judgements: int = 0
    dissent: int = 0


class Judges(msgspec.Struct, frozen=True):
    """Those of one run. `wanted` and `most` are `[harness] judge_error` and `judge_most`."""

    door: Door
    model: Callable[[str], Model]
    """The model that a rubric's `model` stands for; empty: whatever the workspace says. Raises Parked."""
    ledger: Ledger
    numbers: Iterator[int]
    """Of calls, each once."""
    redact: Callable[[str], str]
    wanted: float
    most: int

    def names(self, scenarios: Iterable[Scenario]) -> tuple[str, ...]:
        """The models that judge by the rubrics of these. Raises Parked."""
        return tuple(sorted({self.model(one.judge.model).name for one in scenarios if one.judge}))

    async def judge(
        self, scribe: Scribe, sitting: Sitting, transcript: str, flips: Flips, known: Sequence[Judged] = ()
    ) -> Opinion:
        """The verdict on a transcript whose acts were all as wanted.

        `flips`: what is known of noise. `known`: judgements of it that were given before the engine was killed. Raises
        ProviderHeld.
        """
        shown = known[0].transcript if known else self.redact(clean(transcript))
        chosen = panel(flips, self.wanted, self.most)
        if known:
            chosen = Panel(known[0].panel, max(known[0].panel, self.most), known[0].whole)
        bench = _Bench(self, scribe, sitting, shown, chosen)
        said: list[Judged] = []
        while (verdict := chosen.verdict([bool(one.satisfied) for one in said])) is None:
            nth = len(said) + 1
            tried = [one for one in known if one.nth == nth]
            while len(tried) < TRIES and (not tried or tried[-1].satisfied is None):
                tried.append(await bench.ask(nth, tried[-1].rationale if tried else ""))
            if tried[-1].satisfied is None:
                why = f"the judge gave no judgement: {tried[-1].rationale}"
                return Opinion(None, 0.0, why, "", chosen.size)
            said.append(tried[-1])
        return _opinion(said, verdict, shown, chosen)


class _Bench(msgspec.Struct, frozen=True):
    """Judges over one transcript."""

    judges: Judges
    scribe: Scribe
    sitting: Sitting
    shown: str
    chosen: Panel

    async def ask(self, nth: int, wrong: str) -> Judged:
        """One more judgement; `wrong` is why what came before was none."""
        rubric, made = self.sitting.scenario.judge, list[Judged]()
        assert rubric is not None  # noqa: S101 -- else nobody sits over it
        model = self.judges.model(rubric.model)

        def said(answered: Answered) -> AnyFact:
            made.append(self._judged(answered.content, rubric.threshold, nth, model.name))
            return made[-1]

        await self.judges.door.call(
            self.scribe,
            model=model,
            ledger=self.judges.ledger,
            purpose="judge",
            step=-next(self.judges.numbers),  # the agent counts its own from 1 up
            system=SYSTEM,
            messages=messages(self.sitting.scenario, rubric, self.shown, nth, wrong),
            tools=[tool()],
            tool=TOOL,
            max_tokens=min(ANSWER, model.table.max_tokens),
            said=said,
        )
        return made[-1]

    def _judged(self, content: str, threshold: float, nth: int, model: str) -> Judged:
        """The fact that an answer becomes."""
        judged = Judged(
            visit=self.sitting.visit,
            number=self.sitting.number,
            scenario=self.sitting.scenario.name,
            set=self.sitting.scenario.set,
            index=self.sitting.index,
            nth=nth,
            satisfied=None,
            probability=0.0,
            rationale="",
            model=model,
            panel=self.chosen.size,
            whole=self.chosen.whole,
            transcript=self.shown if nth == 1 else "",
            faults=self.sitting.faults,
        )
        try:
            found = read(content, self.shown)
        except NoJudgement as none:
            return msgspec.structs.replace(judged, rationale=one_line(str(none), LONGEST))
        return msgspec.structs.replace(
            judged,
            satisfied=found.probability >= threshold,
            probability=found.probability,
            rationale=found.rationale,
            quotes=found.quotes,
        )


def _opinion(said: Sequence[Judged], verdict: bool, shown: str, chosen: Panel) -> Opinion:
    """The majority, with the mean of all probabilities, and the words of the first one that is of its mind."""
    with_it = [one for one in said if one.satisfied is verdict]
    mean = fmean(one.probability for one in said)
    quoted = "; ".join(f'"{quote}"' for quote in with_it[0].quotes)
    why = (
        f"{len(with_it)} of {len(said)} judgements, probability {mean:.2f}: {with_it[0].rationale.rstrip('.')}. "
        f"Quoted: {quoted}"
    )
    return Opinion(verdict, mean, why, shown, chosen.size, len(said), len(said) - len(with_it))
