"""The wall: live traces of the runs that moved last, side by side. One widget, which draws anew only what changed."""

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from factory_tui.console.figures import duration, percent, stamp
from factory_tui.console.glyphs import LAMPS
from factory_tui.console.mirror import Trace
from factory_tui.console.paint import Row, cut, fit, framed, left, middle, wrap
from factory_tui.console.trace import Line
from factory_tui.console.wall import Box, Seats, beside, grid, room
from factory_tui.console.widgets.floor_table import FloorTable, measured
from factory_tui.console.widgets.pane import Motion, Pane
from factory_tui.domain.hostile import one_line
from factory_tui.domain.state import Run

if TYPE_CHECKING:
    from textual import events

TIMES = 70
"""Cells from which on a place has times before its lines."""
STILL = 60
"""Seconds after which it says for how long nothing moved."""


def _gutter(width: int) -> int:
    """Cells before a line's text."""
    return 19 if width >= TIMES else 10


class _Seen(msgspec.Struct, frozen=True, eq=False):
    """What a place is drawn from."""

    run: Run
    trace: Trace
    told: tuple[int, int]
    """How far the trace was then."""
    stream: str
    size: tuple[int, int]
    age: str
    words: Row
    chosen: bool
    frozen: bool

    def same(self, other: "_Seen") -> bool:
        """Whether nothing changed; a run that did is another struct."""
        if self.run is not other.run or self.trace is not other.trace:
            return False
        return all(getattr(self, name) == getattr(other, name) for name in _REST)


_REST = ("told", "stream", "size", "age", "words", "chosen", "frozen")


class Wall(Pane):
    """Its runs are those of the table, as filtered; its cursor is the app's."""

    TITLE = "wall"
    OPENS = True
    FRAMED = False

    def __init__(self) -> None:
        super().__init__()
        self._seats = Seats()
        self._grid: list[list[Box]] = []
        self._kept: dict[str, tuple[_Seen, list[Row]]] = {}
        """Rows by run, with what they were drawn from."""

    @property
    def names(self) -> list[str]:
        """Who hangs there, in the order of the places."""
        return self._seats.names

    @property
    def _table(self) -> FloorTable:
        return self.screen.query_one(FloorTable)

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        found = self._table.runs()
        if not found:
            return framed(self._table.nothing(width - 2, height - 2), (width, height), self.glyphs, self._words(0))
        heard = self.mirror.heard
        moved = {run.id: max(run.changed_at, heard.get(run.id, 0)) for run in found}
        names = self._seats.take(moved, self.console_app.chosen, room((width, height)))
        self._grid = grid((width, height), len(names))
        runs = {run.id: run for run in found}
        self._kept = {name: kept for name, kept in self._kept.items() if name in names}
        rows: list[Row] = []
        seated = iter(names)
        for boxes in self._grid:
            here = list(islice(seated, len(boxes)))
            drawn = [self._place(runs[name], box, name == names[-1]) for name, box in zip(here, boxes, strict=True)]
            rows += [[span for part in parts for span in part] for parts in zip(*drawn, strict=True)]
        return rows

    def _words(self, shown: int) -> tuple[tuple[Row, Row], Row]:
        table = self._table
        total = len(self.mirror.state.runs)
        said = f"{shown} of {total} runs, those that moved last" if shown < total else ""
        row: Row = [(f"/ {cut(table.filter.text, 40)}  ", "key")] if table.filter.text else []
        return ([], []), [*row, (said, "dim")] if row or said else []

    def _place(self, run: Run, box: Box, last: bool) -> list[Row]:
        trace, stream = self.mirror.trace(run.id), self.mirror.stream.get(run.id, "")
        self.console_app.glance(run.id)
        still = (self.console_app.clock() - run.changed_at) / 1000
        seen = _Seen(
            run,
            trace,
            (trace.total, trace.version),
            stream,
            box[2:],
            duration(still) if still >= STILL and not stream else "",
            self._words(len(self._seats.names))[1] if last else [],
            run.id == self.console_app.chosen,
            self.mirror.state.frozen,
        )
        known = self._kept.get(run.id)
        if known is None or not known[0].same(seen):
            known = self._kept[run.id] = (seen, self._draw_place(seen))
        return known[1]

    def _draw_place(self, seen: _Seen) -> list[Row]:
        width, height = seen.size
        flow = self._flow(seen.stream, width - 2, height - 2)
        lines = list(islice(reversed(seen.trace.lines), height - 2 - len(flow)))
        rows = [*(self._line(line, width - 2) for line in reversed(lines)), *flow]
        foot = [*seen.words, (f"  still for {seen.age}".removeprefix("" if seen.words else "  "), "dim")]
        heads = (self._title(seen), self._aside(seen.run))
        words = (heads, foot if seen.age else seen.words)
        nothing: list[Row] = [[("  nothing yet", "dim")]]
        return framed(rows or nothing, seen.size, self.glyphs, words, "chosen" if seen.chosen else "frame")

    def _title(self, seen: _Seen) -> Row:
        run, chosen = seen.run, seen.chosen
        frozen = seen.frozen and run.state == "running"
        tone = "waits" if frozen else LAMPS[run.state]
        cursor: Row = [(f"{self.glyphs.cursor} ", "key")] if chosen else []
        name = middle(run.id, max(8, seen.size[0] - 36))
        said = f"  {self.glyphs.marks[tone]} {'frozen' if frozen else run.state}"
        return [*cursor, (name, "title" if chosen else "strong"), (said, tone)]

    def _aside(self, run: Run) -> Row:
        row: Row = [(f"{run.node}  " if run.node else "", "dim"), (f"{len(run.passes)}/{run.max_passes}", "dim")]
        if share := measured(run):
            row.append((f"  {percent(share.share)}", "good" if share.low >= run.ship_at else "text"))
        return row

    def _flow(self, stream: str, width: int, height: int) -> list[Row]:
        """The newest rows of what is being written now."""
        if not stream:
            return []
        last = [line for line in stream.rsplit("\n", height + 1)[-height - 1 :] if line.strip()]
        gutter = _gutter(width)
        parts = [part for line in last for part in wrap(one_line(line, 400), width - gutter)]
        return [[(" " * gutter, "text"), (part, "live")] for part in parts[-height:]]

    def _line(self, line: Line, width: int) -> Row:
        quiet = line.tone in ("text", "dim", "idle")
        head: Row = [(f"{stamp(line.at)} ", "dim")] if width >= TIMES else []
        mark = " " if quiet else self.glyphs.marks[line.tone]
        role = "text" if line.tone in ("running", "waits", "good") else line.tone
        head += [(left(line.who, 8), "dim" if line.tone == "dim" else "strong"), (f"{mark} ", line.tone)]
        return fit([*head, (cut(line.text, max(0, width - _gutter(width))), role)], width)

    def go(self, motion: Motion) -> bool:  # noqa: D102
        names, chosen = self._seats.names, self.console_app.chosen
        if names and self._grid:
            at = names.index(chosen) if chosen in names else 0
            self.console_app.choose(names[beside(self._grid, at, motion)])
        return True

    def enter(self) -> bool:  # noqa: D102
        self.console_app.open_run()
        return True

    def on_click(self, event: "events.Click") -> None:
        """Choose the clicked run; a second click opens it."""
        boxes = [box for row in self._grid for box in row]
        inside = (
            name
            for name, (x, y, wide, high) in zip(self._seats.names, boxes, strict=False)
            if x <= event.x < x + wide and y <= event.y < y + high
        )
        name = next(inside, "")
        if name and name == self.console_app.chosen:
            self.enter()
        elif name:
            self.console_app.choose(name)
