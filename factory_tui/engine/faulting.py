"""A run whose twins break: when its owner is asked, and which twins judge it once they have been mended."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from factory_tui.config.reading import Mistakes
from factory_tui.domain.events import EscalationAnswered, VerdictReached
from factory_tui.domain.questions import GO_ON, STOP
from factory_tui.engine.packet import packet
from factory_tui.engine.parking import Parked, Question
from factory_tui.policy import jams

if TYPE_CHECKING:
    from factory_tui.engine.walk import Walk
    from factory_tui.harness.corpus import Corpus

REMEDY = "mend the twin, or ship it anew by its loop, then go on: the pass is judged with the twin as it is then"


async def broken_by_a_twin(walk: Walk, decides: bool) -> Parked | None:
    """The question to the owner, where the run's visits are void by a twin's fault; once for each visit.

    `decides`: whether a ship is due that would not be, had what is void by it failed.
    """
    events = await walk.events((VerdictReached, EscalationAnswered))
    if isinstance(events[-1].fact, EscalationAnswered):
        return None  # somebody knows, and wants it counted as it is
    verdicts = [event.fact for event in events if isinstance(event.fact, VerdictReached)]
    jam = jams.twin_fault([list(visit) for _, visit in groupby(verdicts, lambda one: one.visit)], decides)
    if jam is None:
        return None
    told = await packet(walk, f"{jam.evidence}\nRemedy: {REMEDY}", jam.since)
    return Parked("jammed", jam.why, question=Question("jam", jam.why, (GO_ON, STOP), told, jam=jam.kind))


async def with_newest_twins(walk: Walk, corpus: Corpus) -> Corpus:
    """The same scenarios, with their twins as they are now where somebody was asked about those in this visit."""
    if not await walk.answered("twin-fault"):
        return corpus
    try:
        newest = walk.place.library.corpus(walk.run.seed)
    except Mistakes:  # it is kept as it was, until what is broken can be read
        return corpus
    return msgspec.structs.replace(corpus, twins=newest.twins) if newest.scenarios == corpus.scenarios else corpus
