"""When to call a human to the terminal, and the bytes that do: bell and desktop notification, for what is new only.

Pure: it is told the time, and writes nothing itself.
"""

from factory_tui.console.waiting import Item, waiting
from factory_tui.domain.hostile import one_line
from factory_tui.domain.state import State

PAUSE = 10.0
"""Seconds between two alarms; what comes meanwhile is said in one."""
TEXT = 120
_OPENINGS = {"osc9": "\x1b]9;", "osc777": "\x1b]777;notify;factory-tui;"}
"""Before the text: iTerm2's escape, which most terminals know, or urxvt's. Some know both and would say it twice."""


class Alarm:
    """Knows what was said already; what waited when the console attached first is not news."""

    def __init__(self) -> None:
        self._known: set[tuple[str, int]] | None = None
        self._news: dict[tuple[str, int], Item] = {}
        self._last = float("-inf")

    def look(self, state: State, now: float) -> str:
        """What to tell people at `now`, seconds; empty for nothing."""
        open_ = waiting(state)
        items = {(item.id, item.since): item for item in open_ if item.needs_human}
        if self._known is None:
            self._known = set(items)
        self._known -= {(item.id, item.since) for item in open_ if item.snoozed}  # what calls again is news
        fresh = items.keys() - self._known
        self._known |= fresh
        self._news = {key: items[key] for key in [*self._news, *sorted(fresh)] if key in items}
        if not self._news or now - self._last < PAUSE:
            return ""
        self._last = now
        news, self._news = list(self._news.values()), {}
        if len({item.run.id for item in news}) > 1:
            return f"{len({item.run.id for item in news})} runs need you"
        item = news[-1]
        asked = item.asked
        said = f"asks {asked.to}: {asked.question}" if asked else f"is held ({item.run.reason}): {item.run.why}"
        return one_line(f"{item.run.id} {said}", TEXT)


def sequence(said: str, bell: bool, notify: str) -> str:
    """What to write to the terminal for it."""
    opening = _OPENINGS.get(notify)
    text = one_line(said, TEXT).replace(";", ",")
    return ("\x07" if bell else "") + (f"{opening}{text}\x1b\\" if opening else "")
