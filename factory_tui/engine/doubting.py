"""The judges of a run: which models they are, and the question that their noise raises.

Of the vault neither a scenario's name nor its rubric is told: whoever answers may be about to tell the agent something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from factory_tui.domain.events import Judged
from factory_tui.domain.hostile import one_line
from factory_tui.domain.questions import GO_ON, STOP
from factory_tui.engine.packet import packet
from factory_tui.engine.parking import Parked, Question
from factory_tui.harness.judges import Judges
from factory_tui.harness.noise import error_of, high, majority_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory_tui.engine.walk import Walk
    from factory_tui.harness.corpus import Corpus
    from factory_tui.harness.visit import VisitResult
    from factory_tui.model.door import Model

REMEDY = (
    "make the rubric say what decides, name a better model in [judge] or as [harness] judge_model, or raise its "
    "judge_most"
)


def judges_of(walk: Walk, corpus: Corpus) -> Judges | None:
    """Who judges transcripts of the run; None where expectations alone decide."""
    if not any(one.judge for one in corpus.scenarios):
        return None
    place, table = walk.place, walk.place.settings.harness

    def model(name: str) -> Model:
        return place.models(replace(walk.run, model=name or table.judge_model or walk.run.model))

    return Judges(
        door=place.door,
        model=model,
        ledger=walk.run.ledger,
        numbers=place.judgements,
        redact=place.redact,
        wanted=table.judge_error,
        most=table.judge_most,
    )


async def noisy(walk: Walk, result: VisitResult) -> Parked:
    """A question to the owner: the judges cannot be gone by, so that nothing can ship on what they say."""
    facts = [event.fact for event in await walk.events([Judged])]
    used_up = len(walk.run.passes) >= walk.run.max_passes
    then = "and start a new run" if used_up else "after `go on` the next pass is judged by what they say then"
    told = [*_told(walk, result, [fact for fact in facts if isinstance(fact, Judged)]), f"Remedy: {REMEDY}; {then}."]
    why = f"{result.noise}; {len(walk.run.passes)} passes are used up" if used_up else result.noise
    choices = (STOP,) if used_up else (GO_ON, STOP)
    question = Question("jam", why, choices, await packet(walk, "\n".join(told), 0), jam="judge-noise")
    return Parked("jammed", why, question=question)


def _told(walk: Walk, result: VisitResult, judged: list[Judged]) -> Iterator[str]:
    flips, table = result.flips, walk.place.settings.harness
    error = error_of(flips.rate)
    yield (
        f"{flips.transcripts} transcripts judged, {flips.pairs:g} pairs of judgements, {flips.flips:.1f} flips: "
        f"{flips.rate:.0%}, at most {high(flips):.0%} (95 %)"
    )
    yield (
        f"one judgement errs in {error:.1%}, a majority of {table.judge_most} in "
        f"{majority_error(error, table.judge_most):.1%}; wanted: {table.judge_error:.1%}"
    )
    models = ", ".join(dict.fromkeys(fact.model for fact in judged))
    void = sum(fact.satisfied is None for fact in judged)
    yield f"tried: {len(judged)} judgements by {models}, {void} of which were none"
    rubrics = [one for one in walk.corpus.scenarios if one.judge]
    for one in rubrics:
        if one.judge and one.set == "feedback":
            yield f"rubric of {one.name}: {one_line(one.judge.rubric, 400)}"
    if hidden := sum(one.set == "vault" for one in rubrics):
        yield f"and {hidden} of the vault, which {'is' if hidden == 1 else 'are'} not told here"
