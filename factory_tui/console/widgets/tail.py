"""The trace of one run as it grows: follow it, or read back in it with a cursor while it waits below."""

from collections.abc import Sequence

from msgspec.structs import replace

from factory_tui.console.figures import count, duration
from factory_tui.console.paint import Row, wrap
from factory_tui.console.traced import TIMES, WHO, Look, Times, at, drawn, words
from factory_tui.console.widgets.reader import Reader
from factory_tui.domain.hostile import one_line

STREAM_ROWS = 6
_WRITES = "writing"


class TailView(Reader):
    """Only what is in sight is wrapped and drawn, however much is held."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.times: Times = "clock"

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
            parts.append((self._found(), "text"))
        parts += [(f"last {duration(self.window)}", "waits")] if self.window else []
        parts += [("calls folded", "dim")] if self.reading.folding else []
        parts += [("time " + self.times, "dim")] if self.times != "clock" else []
        parts += [(f"not wrapped{f', {self._side} aside' if self._side else ''}", "dim")] if not self.wrapped else []
        parts += [] if self.following else [("f follows", "dim")]
        return [span for part in parts for span in (part, ("  ", "dim"))][:-1]

    def _found(self) -> str:
        """`3 of 17`, with the keys where they mean that."""
        at_match, of = self.reading.count(self._cursor)
        keys = self.console_app.scope == "run"
        return f"{at_match} of {of}{'  n N' * keys}" if of else f"none here{', N looks further back' * keys}"

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

    def _window(self, look: Look, height: int) -> list[Row]:
        """From the last line in sight upwards; the one under the cursor is seen in full."""
        items, first = self.reading.items, self._first()
        if first == len(items):
            self._lines = []
            return []
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

    def fold(self) -> None:
        """Each tool call to one line, or back."""
        self.reading.fold()
        self.sync()

    def next_times(self) -> None:
        """Times said in another way."""
        self.times = TIMES[(TIMES.index(self.times) + 1) % len(TIMES)]
        self.sync()

    def switch_wrap(self) -> None:
        """Long lines wrapped, or cut at the edge."""
        self.wrapped, self._side = not self.wrapped, 0
        self.sync()


def _rows(blocks: Sequence[tuple[int, Sequence[Row]]]) -> int:
    return sum(len(rows) for _, rows in blocks)
