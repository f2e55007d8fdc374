"""Where in a trace one is: following its newest line, or at a cursor further back. Draws nothing itself."""

from typing import TYPE_CHECKING

from textual.message import Message

from factory_tui.console.filtering import Filter, parse
from factory_tui.console.mirror import RING, Trace
from factory_tui.console.reading import FIELDS, Item, Key, Reading
from factory_tui.console.widgets.pane import Motion, Pane

if TYPE_CHECKING:
    from textual import events

WINDOWS = (0, 3600, 900, 300, 60)
"""Seconds back from now that are shown; 0: all."""
WHEEL = 3
ASIDE = 20
"""Cells that a line which is not wrapped goes sideways."""


class Reader(Pane):
    """A cursor that stays on its line whatever comes, and what moves it: keys, wheel, clicks, a search."""

    TITLE = "trace"
    OPENS = True
    FILTERED = True
    FIELDS = FIELDS
    SOUGHT = "search"

    class NeedsOlder(Message):
        """The operator reached the top of what is held."""

    class NeedsNewer(Message):
        """The operator reached the end of what is held, which is not the newest line."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.reading = Reading()
        self.wrapped = True
        self.window = 0
        self.searched: int | None = None
        """Events that a search has read from the journal so far; None: none is under way."""
        self._cursor: Key | None = None
        """The line that keys are about; None: the newest one is followed."""
        self._bottom: Key = (0, 0)
        """The last line in sight, while one reads back."""
        self._left_at = 0
        """How many lines there were when it was left."""
        self._begun_at: Key | None = None
        """Where the search that is typed began."""
        self._side = 0
        self._lines: list[int] = []
        """Of the rows in sight, which item each is of."""

    @property
    def trace(self) -> Trace:
        """Whose lines."""
        return self.mirror.trace(self.console_app.chosen)

    @property
    def following(self) -> bool:
        """Whether the newest line is in sight and stays so."""
        return self._cursor is None

    @property
    def fresh(self) -> int:
        """Lines that came while not following."""
        return 0 if self.following else self.trace.total - self._left_at

    @property
    def item(self) -> Item | None:
        """What is under the cursor; without one, the newest."""
        items = self.reading.items
        if not items:
            return None
        return items[-1] if self._cursor is None else items[self.reading.index(self._cursor)]

    def offers(self, action: str) -> bool:
        """Whether an action makes sense now."""
        if action == "trace.follow":
            return not self.following
        return bool(self.filter.text) if action in ("trace.next", "trace.earlier") else bool(self.reading.items)

    def go(self, motion: Motion) -> bool:  # noqa: D102
        if motion in ("left", "right"):
            if self.wrapped:
                return False
            self._side = max(0, self._side + (ASIDE if motion == "right" else -ASIDE))
            self.sync()
            return True
        page = max(1, self.size.height - 3)
        self.move(
            {"up": -1, "down": 1, "page-up": -page, "page-down": page, "first": -2 * RING, "last": 2 * RING}[motion]
        )
        return True

    def move(self, lines: int) -> None:
        """The cursor, back in time or towards now; beyond the newest line it is followed again."""
        items, first = self.reading.items, self._first()
        if not items:
            return
        last = len(items) - 1
        here = last + 1 if self._cursor is None else self.reading.index(self._cursor)
        wanted = here + lines
        if lines < 0 and wanted <= first:
            self.post_message(self.NeedsOlder())
        if wanted > last and lines > 0:
            if self.trace.last is None:
                self.follow()
                return
            self.post_message(self.NeedsNewer())
        self._begun_at = None
        self._put(min(last, max(first, wanted)))

    def _put(self, index: int) -> None:
        if self.following:
            self._left_at, self._bottom = self.trace.total, self.reading.items[-1].key
        self._cursor = self.reading.items[index].key
        self.sync()

    def follow(self) -> None:
        """Back to the newest line."""
        self._cursor = None
        if self.trace.last is not None and self.console_app.feed:
            self.trace.renew()
        self.sync()

    def narrow(self, text: str) -> str:
        """Search: the newest match at or above what is in sight comes under the cursor."""
        try:
            self.filter = parse(text, self.FIELDS)
        except ValueError as error:
            return str(error)
        self.console_app.workers.cancel_group(self.console_app, "search")
        self.reading.look_for(self.filter if self.filter.terms else Filter())
        if self.filter.terms:
            start = self._begun_at = self._begun_at or self._cursor or self.reading.last
            found = self.reading.match((start[0], start[1] + 1), -1) or self.reading.match(start, 1)
            if found:
                self._put(self.reading.index(found))
        else:
            self._begun_at = None
        self.mirror.dirty = True
        return ""

    def to_match(self, by: int) -> bool:
        """To the next match, or with -1 to the one before; whether there is one in what is held."""
        found = self.reading.match(self._cursor, by)
        if found is None:
            return False
        self._begun_at = None
        self._put(self.reading.index(found))
        return True

    def _first(self) -> int:
        """Where what is shown begins."""
        return self.reading.since(self.console_app.clock() - self.window * 1000) if self.window else 0

    def next_window(self) -> None:
        """Less far back from now; then all again."""
        self.window = WINDOWS[(WINDOWS.index(self.window) + 1) % len(WINDOWS)]
        self.sync()

    def tell_search(self, read: int | None) -> None:
        """How many events a search in the journal has read; None: it ended."""
        self.searched = read
        self.sync()

    def on_click(self, event: "events.Click") -> None:
        """A click chooses a line, a second one opens it."""
        row = event.y - 1
        if not 0 <= row < len(self._lines):
            return
        index = self._lines[row]
        if self._cursor == self.reading.items[index].key:
            self.enter()
        else:
            self._put(index)

    def wheel(self, notches: int) -> None:
        """The page under the cursor moves; the cursor stays in sight."""
        lines = notches * WHEEL
        items, first = self.reading.items, self._first()
        if not items or not self._lines:
            return
        top, bottom = self._lines[0], self._lines[-1]
        if lines > 0 and (self.following or bottom + lines >= len(items)):
            self.move(2 * RING)
            return
        if lines < 0 and top <= first:
            self.post_message(self.NeedsOlder())
        here = bottom if self._cursor is None else self.reading.index(self._cursor)
        shift = min(max(lines, first - top), len(items) - 1 - bottom)
        self._put(min(bottom + shift, max(top + shift + 1, here)))
        self._bottom = items[max(first, bottom + shift)].key
        self.sync()
