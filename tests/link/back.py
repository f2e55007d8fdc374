"""What looks back, answered from a list of events: for engines of tests that keep no journal."""

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from factory_tui.domain.events import Event
from factory_tui.domain.reducer import fold
from factory_tui.link.protocol import (
    BackRequest,
    Chain,
    QueryRequest,
    StateRequest,
    Timeline,
    TimelineRequest,
    line,
    state_then,
)


def back(events: Sequence[Event], asked: BackRequest) -> bytes:
    """The answer, as a line."""
    newest, times = len(events), [event.at for event in events]
    if isinstance(asked, StateRequest):
        seq = asked.seq if asked.seq is not None else bisect_right(times, asked.at or 0)
        return state_then(asked, msgspec.json.encode(fold(events[:seq])))
    if isinstance(asked, TimelineRequest):
        begin, end = (times[0], times[-1]) if times else (0, 0)
        begin, end = asked.begin or begin, asked.end or end
        edges = [begin - 1 + (end + 1 - begin) * one // asked.spans for one in range(asked.spans + 1)]
        return line(Timeline(asked.id, begin, end, tuple(bisect_right(times, edge) for edge in edges)))
    return line(Chain(asked.id, newest, newest, times[-1] if times else None))


def page(events: Sequence[Event], asked: QueryRequest) -> list[Event]:
    """The events that a query is about."""
    actor = asked.actor
    found = [one for one in events if asked.run is None or one.run == asked.run]
    found = [one for one in found if asked.kinds is None or one.fact.__struct_config__.tag in asked.kinds]
    if actor is not None:
        found = [one for one in found if (one.actor != actor[1:] if actor.startswith("!") else one.actor == actor)]
    if asked.after is not None:
        return [one for one in found if one.seq > asked.after][: asked.limit]
    older = [one for one in found if asked.before is None or one.seq < asked.before]
    return older[-asked.limit :] if asked.limit else []
