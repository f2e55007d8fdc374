"""The ship node: hand over the newest pass, with its provenance.

It asks the state whether the harness was satisfied with exactly this snapshot, whatever the loop's edges say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory_tui.delivery.git import DeliveryError
from factory_tui.delivery.promoting import promote
from factory_tui.delivery.ship import JournalRange
from factory_tui.delivery.ship import ship as hand_over
from factory_tui.domain.events import EscalationRaised, RunQueued, Shipped, VisitEnded
from factory_tui.domain.questions import CONFIRM, GO_ON, STOP
from factory_tui.engine.differing import difference
from factory_tui.engine.parking import Parked, Question
from factory_tui.harness.reviewing import stale
from factory_tui.pipeline.outcome import Outcome, Status

if TYPE_CHECKING:
    from factory_tui.engine.walk import Done, Walk
    from factory_tui.pipeline import Node


async def ship(walk: Walk, node: Node) -> Done:
    """Ship what the harness let through; anything else is a failure. `to="twins"` has it promoted as well."""
    place, current = walk.place, walk.current
    events = await walk.events((RunQueued, VisitEnded))
    visits = [event.fact for event in events if isinstance(event.fact, VisitEnded)]
    if not visits or visits[-1].decision != "ship" or visits[-1].number != current.number:
        return Outcome(status=Status.FAIL, failure_reason="the harness was not satisfied with this pass"), []
    if current.number <= walk.run.tainted:
        why = f"something of the vault was found by pass {current.number}"
        return Outcome(status=Status.FAIL, failure_reason=why), []
    if current.faults:
        why = f"pass {current.number} was judged while operators had its twins fail"
        return Outcome(status=Status.FAIL, failure_reason=why), []
    if walk.run.leaks:
        why = "something of the vault was found on its way to the agent, and nobody released it"
        raise Parked("held", f"{why}. Remedy: have an admin release {walk.run.id}, or stop it.", reason="fence")
    if not await _reviewed(walk):
        raise Parked("stopped", "its scenarios were not confirmed")
    head = place.record.journal.head
    promoted = place.workspace.twins / walk.run.seed if node.text("to") == "twins" else None
    try:
        made = await hand_over(
            place.snapshots, walk.run, JournalRange(events[0].seq, head.seq, head.hash), place.workspace.shipped
        )
        if promoted:
            await promote(made, promoted)
    except DeliveryError as error:
        raise Parked("jammed", str(error), question=Question("jam", str(error), (GO_ON, STOP), jam="dead")) from error
    shown, also = (str(path.relative_to(place.workspace.root)) if path else "" for path in (made.path, promoted))
    return Outcome(status=Status.SUCCESS), [Shipped(shown, made.commit, made.provenance, also)]


async def _reviewed(walk: Walk) -> bool:
    """Whether the vault judges the revision that is to be shipped, or somebody said so here; False: somebody said stop.

    Raises Parked with the question otherwise: a vault that nobody looked at since the seed changed decides nothing.
    """
    run, record = walk.run, walk.place.record
    asked = [event.fact.id for event in await walk.since_entry() if isinstance(event.fact, EscalationRaised)]
    known = [record.state.escalations[one] for one in asked]
    if any(one.answer == CONFIRM for one in known):
        return True
    if any(one.answer == STOP for one in known):
        return False
    view = record.state.seeds.get(run.seed)
    confirmed = view is not None and view.confirmed == run.revision
    found = stale(walk.corpus, run.revision, origin=run.origin, confirmed=confirmed)
    if not found:
        return True
    text = (
        f"{len(found)} vault scenarios were not reviewed for revision {run.revision} of {run.seed}: "
        f"{', '.join(found)}. Do they judge what the seed says now?"
    )
    if run.reseed:
        text += f" Revision {run.reseed} came since; what is shipped now is without it."
    evidence = ""
    if run.revision != run.origin:
        evidence = difference(walk.seed_at(run.origin), walk.seed_at(run.revision))
    still = any(not one.answered_at for one in known)
    question = None if still else Question("signoff", text, (CONFIRM, STOP), evidence)
    raise Parked("signoff", text, question=question)
