"""The harness node: a snapshot of the work tree, a screen, and where that is good enough, a confirm.

Both visits are of the same snapshot, with no generation between. Symptoms of the feedback set become the message on the
edge back to generate.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from factory_tui.agents.messages import as_prompted
from factory_tui.agents.protocol import Prompt
from factory_tui.cells.protocol import TreeUnfit
from factory_tui.domain.events import (
    Prompted,
    Revealed,
    VerdictReached,
    VisitBegan,
    VisitKind,
)
from factory_tui.engine.doubting import judges_of, noisy
from factory_tui.engine.faulting import broken_by_a_twin, with_newest_twins
from factory_tui.engine.parking import Parked
from factory_tui.harness import meter
from factory_tui.harness.visit import Visitor, VisitResult, spoilt
from factory_tui.pipeline.outcome import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_tui.cells.protocol import Entry
    from factory_tui.engine.walk import Done, Walk
    from factory_tui.harness.corpus import Corpus
    from factory_tui.pipeline import Node


async def harness(walk: Walk, node: Node) -> Done:
    """Judge this pass; success when the ship rule holds."""
    place = walk.place
    corpus = walk.corpus
    if walk.current.ended:
        # The ship rule's error is shared out among passes: one more look at the same pass would be one too many.
        why = (
            f"loop {walk.run.loop} reaches {node.id} again, and nothing was generated since pass {walk.current.number}"
        )
        raise Parked("held", f"{why}. Remedy: lead it back to a codergen node, and start a new run.", reason="config")
    try:
        commit = walk.current.commit or await walk.snapshot()
    except TreeUnfit as unfit:  # there is nothing to judge; the agent is told as the pass ends
        return Outcome(status=Status.FAIL, failure_reason=str(unfit)), []
    entries = await place.snapshots.entries(commit)
    result = await _visit(walk, corpus, entries, "screen", ())
    if result.decision == "confirm":
        result = await _visit(walk, corpus, entries, "confirm", result.verdicts)
    if result.noise and not await walk.answered("judge-noise"):
        raise await noisy(walk, result)
    gap = walk.current.gap
    figures = {
        "satisfaction": f"{result.vault.share:.4f}",
        "ship.low": f"{result.ship_low:.4f}",
        "overfit_gap": f"{gap.share:.4f}" if gap else "",
        "overfit_chance": f"{gap.chance:.4f}" if gap else "",
    }
    why = result.why
    if walk.current.number <= walk.run.tainted:
        why = f"something of the vault was found by then, so that pass {walk.current.number} does not ship; {why}"
    elif walk.current.faults and result.decision == "ship":  # those of an earlier visit, which told nothing
        why = spoilt(walk.current.faults) + why
    elif result.decision == "ship":
        return Outcome(status=Status.SUCCESS, context_updates=figures, notes=result.why), []
    told = Prompt("feedback", ({"type": "text", "text": result.symptoms},))
    outcome = Outcome(status=Status.FAIL, context_updates=figures, failure_reason=why)
    prompted = as_prompted(node.id, told, place.redact, await walk.watch())
    return outcome, [prompted, await _revealed(walk, corpus, prompted)]


async def _revealed(walk: Walk, corpus: Corpus, prompted: Prompted) -> Revealed:
    """What this message and those before it have told; that of a fork or a restart begins with one of before."""
    past = [event.fact for event in await walk.events([Prompted])]
    said = [fact for fact in (*past, prompted) if isinstance(fact, Prompted) and fact.origin in ("seed", "feedback")]
    texts = [str(block.get("text", "")) for fact in said for block in json.loads(fact.content)]
    messages = [text for text in texts if text.startswith(meter.BEGINS)]
    told = await asyncio.to_thread(meter.revealed, corpus, messages)
    return Revealed(walk.current.number, {name: round(share, 3) for name, share in told.items()}, meter.bits(messages))


async def _visit(
    walk: Walk, corpus: Corpus, entries: Sequence[Entry], kind: VisitKind, pooled: Sequence[VerdictReached]
) -> VisitResult:
    """One visit, or the rest of the one that a dead engine began since the node was entered.

    Raises Parked for one that reached no verdict: it would be counted against the pass, and a confirm end it.
    """
    place = walk.place
    since = [event.fact for event in await walk.since_entry()]
    begun = [fact.visit for fact in since if isinstance(fact, VisitBegan) and fact.kind == kind]
    judged = [fact for fact in since if isinstance(fact, VerdictReached) and fact.visit in begun[-1:]]
    visit = begun[-1] if begun and not (judged and _void(judged)) else walk.run.visits + 1
    mould = await place.mould(walk.scribe, walk.recipe)
    visitor = Visitor(place.workspace.identity, place.settings.harness.timeout, mould, spoiling=place.spoiling)
    result = await visitor.visit(
        walk.scribe,
        run=walk.run,
        corpus=await with_newest_twins(walk, corpus),
        entries=entries,
        number=walk.current.number,
        visit=visit,
        kind=kind,
        cells=place.cells,
        parallel=place.parallel,
        known=since,
        pooled=pooled,
        judges=judges_of(walk, corpus),
    )
    reached = result.verdicts[len(pooled) :]
    broke = any(verdict.twin for verdict in reached) or result.by_void
    if broke and (parked := await broken_by_a_twin(walk, result.by_void)):
        raise parked
    if reached and _void(reached):
        raise Parked("held", _why_void(walk.current.number, reached), reason="config")
    return result


def _void(verdicts: Sequence[VerdictReached]) -> bool:
    """Whether none that decides says anything of the product: that is no pass to judge, and no reason for another."""
    return all(verdict.satisfied is None for verdict in _deciding(verdicts))


def _deciding(verdicts: Sequence[VerdictReached]) -> Sequence[VerdictReached]:
    """Those of the vault, or all where it had no turn yet."""
    return [verdict for verdict in verdicts if verdict.set == "vault"] or verdicts


def _why_void(number: int, verdicts: Sequence[VerdictReached]) -> str:
    void = [verdict for verdict in verdicts if verdict.satisfied is None]
    first = next((verdict for verdict in void if verdict.set == "feedback"), void[0])
    said = first.evidence.partition("\n")[0].rstrip(".")  # without the canary of a story of the vault
    why = f"all {len(_deciding(verdicts))} verdicts that decide on pass {number} are void, {said}"
    return f"{why}. Remedy: see the engine's log, mend what is named, and resume: the pass is judged anew."
