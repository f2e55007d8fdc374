"""The trace of one run as it grows: follow it, or read back in it with a cursor while it waits below."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.message import Message

from factory_tui.console.figures import count, duration
from factory_tui.console.filtering import Filter, parse
from factory_tui.console.mirror import RING, Trace
from factory_tui.console.paint import Row, wrap
from factory_tui.console.reading import FIELDS, Item, Key, Reading
from factory_tui.console.traced import TIMES, WHO, Look, Times, at, drawn, words
from factory_tui.console.widgets.pane import Motion, Pane
from factory_tui.domain.hostile import one_line

if TYPE_CHECKING:
    from textual import events

STREAM_ROWS = 6
WINDOWS = (0, 3600, 900, 300, 60)
"""Seconds back from now that are shown; 0: all."""
WHEEL = 3
ASIDE = 20
"""Cells that a line which is not wrapped goes sideways."""
_WRITES = "writing"


class TailView(Pane):
    """Only what is in sight is wrapped and drawn, however much is held."""

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
        self.times: Times = "clock"
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

    def heading(self) -> tuple[Row, Row]:
        """Whose trace it is, and whether it follows."""
        run = self.console_app.chosen
        title: Row = [("trace", "title"), (f" {run}" if run else " of the floor", "text")]
        if self.following:
            return title, [("follow", "dim")]
        return title, [(f"{self.fresh} new {self.glyphs.more}" if self.fresh else "scrolled back", "waits")]

    def footing(self) -> Row:
        """What was found, how it is read, and how to come back to the newest line."""
        parts: list[tuple[str, str]] = []
        if self.searched is not None:
            parts.append((f"searching, {count(self.searched)} events back", "running"))
        elif self.filter.text:
            at_match, of = self.reading.count(self._cursor)
            parts.append((f"{at_match} of {of}  n N" if of else "none here, N looks further back", "text"))
        parts += [(f"last {duration(self.window)}", "waits")] if self.window else []
        parts += [("calls folded", "dim")] if self.reading.folding else []
        parts += [("time " + self.times, "dim")] if self.times != "clock" else []
        parts += [(f"not wrapped{f', {self._side} aside' if self._side else ''}", "dim")] if not self.wrapped else []
        parts += [] if self.following else [("f follows", "dim")]
        return [span for part in parts for span in (part, ("  ", "dim"))][:-1]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        if self.reading.take(self.trace):
            self._cursor, self.searched = None, None
        look = Look(width, self.glyphs, self.times, self.wrapped, self._side)
        flow = self._flow(look) if self.following else []
        found = self._window(look, max(1, height - len(flow)))
        if found or flow:
            return [*found, *flow]
        if self.mirror.stopped:
            return [[("  the engine stopped: q, then attach again to read on", "dim")]]
        return [[(f"  nothing in the last {duration(self.window)}" if self.window else "  nothing yet", "dim")]]

    def _first(self) -> int:
        """Where what is shown begins."""
        return self.reading.since(self.console_app.clock() - self.window * 1000) if self.window else 0

    def _window(self, look: Look, height: int) -> list[Row]:
        """From the last line in sight upwards; the one under the cursor is seen in full."""
        items, first = self.reading.items, self._first()
        bottom = len(items) - 1 if self.following else self.reading.index(self._bottom)
        cursor = -1 if self._cursor is None else max(first, self.reading.index(self._cursor))
        blocks = self._upwards(max(bottom, cursor), first, look, height, cursor)
        if cursor >= 0 and blocks and (blocks[0][0] > cursor or (blocks[0][0] == cursor and _rows(blocks) > height)):
            bottom = cursor
            blocks = [(cursor, self._block(cursor, look, under=True))]
            while _rows(blocks) < height and bottom + 1 < len(items):
                bottom += 1
                blocks.append((bottom, self._block(bottom, look)))
            over = _rows(blocks) - height
            if over > 0:
                blocks[-1] = (blocks[-1][0], blocks[-1][1][: len(blocks[-1][1]) - over])
            self._bottom = items[bottom].key
        elif cursor > bottom:
            self._bottom = items[cursor].key
        pairs = [(index, row) for index, rows in blocks for row in rows][-height:]
        self._lines = [index for index, _ in pairs]
        return [row for _, row in pairs]

    def _upwards(self, bottom: int, first: int, look: Look, height: int, cursor: int) -> list[tuple[int, list[Row]]]:
        blocks: list[tuple[int, list[Row]]] = []
        room, index = height, bottom
        while room > 0 and index >= first:
            blocks.append((index, self._block(index, look, under=index == cursor)))
            room -= len(blocks[-1][1])
            index -= 1
        return blocks[::-1]

    def _block(self, index: int, look: Look, *, under: bool = False) -> list[Row]:
        item = self.reading.items[index]
        before = self.reading.items[index - 1].line.at if index else None
        if self.filter.terms and self.filter.holds(item.fields()):
            look = replace(look, words=words(self.filter))
        began = self._began(item.line.at) if look.times == "in the pass" else None
        return drawn(item, at(item, before, began, look.times), look, under=under)

    def _began(self, when: int) -> int | None:
        """When the pass of that time began."""
        run = self.mirror.run(self.console_app.chosen)
        begun = [item.began_at for item in run.passes if 0 < item.began_at <= when] if run else []
        return begun[-1] if begun else None

    def _flow(self, look: Look) -> list[Row]:
        """The newest rows of what is being written now."""
        said = [line for line in self.mirror.stream.get(self.console_app.chosen, "").splitlines() if line.strip()]
        room = look.room - look.gutter
        parts = [part for line in said[-STREAM_ROWS:] for part in wrap(one_line(line, 400), room)][-STREAM_ROWS:]
        before = " " * (look.gutter - WHO - 2)
        return [
            [(before, "text"), (f"{'' if index else _WRITES:<{WHO + 2}}", "live"), (part, "live")]
            for index, part in enumerate(parts)
        ]

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
        if self.trace.last is not None:
            self.trace.renew()
        self.sync()

    def enter(self) -> bool:  # noqa: D102
        item = self.item
        if item is None or (self.following and self.console_app.scope != "run"):
            return False
        if self.following:
            self._put(len(self.reading.items) - 1)
        elif item.folded:
            self.reading.open(item.line.call)
            self.sync()
        else:
            self.console_app.open_output(item.line, item.events)
        return True

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

    def tell_search(self, read: int | None) -> None:
        """How many events a search in the journal has read; None: it ended."""
        self.searched = read
        self.sync()

    def offers(self, action: str) -> bool:
        """Whether an action makes sense now."""
        if action == "trace.follow":
            return not self.following
        return bool(self.filter.text) if action in ("trace.next", "trace.earlier") else bool(self.reading.items)

    def to_match(self, by: int) -> bool:
        """To the next match, or with -1 to the one before; whether there is one in what is held."""
        found = self.reading.match(self._cursor, by)
        if found is None:
            return False
        self._begun_at = None
        self._put(self.reading.index(found))
        return True

    def fold(self) -> None:
        """Each tool call to one line, or back."""
        self.reading.fold()
        self.sync()

    def next_window(self) -> None:
        """Less far back from now; then all again."""
        self.window = WINDOWS[(WINDOWS.index(self.window) + 1) % len(WINDOWS)]
        self.sync()

    def next_times(self) -> None:
        """Times said in another way."""
        self.times = TIMES[(TIMES.index(self.times) + 1) % len(TIMES)]
        self.sync()

    def switch_wrap(self) -> None:
        """Long lines wrapped, or cut at the edge."""
        self.wrapped, self._side = not self.wrapped, 0
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

    def _wheel(self, lines: int) -> None:
        """The page under the cursor moves; the cursor stays in sight."""
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
        shift = max(lines, first - top)
        self._put(min(bottom + shift, max(top + shift + 1, here)))
        self._bottom = items[max(first, bottom + shift)].key
        self.sync()

    def on_mouse_scroll_up(self, event: "events.MouseScrollUp") -> None:
        """Back in time."""
        event.stop()
        self._wheel(-WHEEL)

    def on_mouse_scroll_down(self, event: "events.MouseScrollDown") -> None:
        """Towards now."""
        event.stop()
        self._wheel(WHEEL)


def _rows(blocks: Sequence[tuple[int, Sequence[Row]]]) -> int:
    return sum(len(rows) for _, rows in blocks)
