"""The ship node: hand over the newest pass, with its provenance.

It asks the state whether the harness was satisfied with exactly this snapshot, whatever the loop's edges say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory_tui.delivery.git import DeliveryError
from factory_tui.delivery.ship import JournalRange
from factory_tui.delivery.ship import ship as hand_over
from factory_tui.domain.events import RunQueued, Shipped, VisitEnded
from factory_tui.engine.orders import GO_ON, STOP
from factory_tui.engine.parking import Parked, Question
from factory_tui.pipeline.outcome import Outcome, Status

if TYPE_CHECKING:
    from factory_tui.engine.walk import Done, Walk
    from factory_tui.pipeline import Node


async def ship(walk: Walk, _node: Node) -> Done:
    """Ship what the harness let through; anything else is a failure."""
    place, current = walk.place, walk.current
    events = await walk.events((RunQueued, VisitEnded))
    visits = [event.fact for event in events if isinstance(event.fact, VisitEnded)]
    if not visits or visits[-1].decision != "ship" or visits[-1].number != current.number:
        return Outcome(status=Status.FAIL, failure_reason="the harness was not satisfied with this pass"), []
    head = place.record.journal.head
    try:
        made = await hand_over(
            place.snapshots, walk.run, JournalRange(events[0].seq, head.seq, head.hash), place.workspace.shipped
        )
    except DeliveryError as error:
        raise Parked("jammed", str(error), question=Question("jam", str(error), (GO_ON, STOP), jam="dead")) from error
    shown = made.path.relative_to(place.workspace.root)
    return Outcome(status=Status.SUCCESS), [Shipped(str(shown), made.commit, made.provenance)]
