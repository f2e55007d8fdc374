"""The trace of one run as it grows: follow it, or scroll back while it waits below."""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from textual.message import Message

from factory_tui.console.figures import stamp
from factory_tui.console.mirror import RING, Trace
from factory_tui.console.paint import Row, wrap
from factory_tui.console.trace import Line
from factory_tui.console.widgets.pane import Motion, Pane
from factory_tui.domain.hostile import one_line

if TYPE_CHECKING:
    from textual import events

STREAM_ROWS = 6
_WRITES = "writing"
_GUTTER = 20
"""Cells before the text: time, who, mark."""


class TailView(Pane):
    """Keeps wrapped rows of the newest lines in a ring; `back` is how many rows below are out of sight."""

    TITLE = "trace"

    class NeedsOlder(Message):
        """The operator reached the top of what is held."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.back = 0
        self.fresh = 0
        """Rows that came while not following."""
        self._ring: deque[Row] = deque(maxlen=RING)
        self._of: tuple[Trace, int, int] | None = None
        self._seen = 0

    @property
    def following(self) -> bool:
        """Whether the newest line is in sight and stays so."""
        return self.back == 0

    def heading(self) -> tuple[Row, Row]:
        """Whose trace it is, and whether it follows."""
        run = self.console_app.chosen
        title: Row = [("trace", "title"), (f" {run}" if run else " of the floor", "text")]
        if self.following:
            return title, [("follow", "dim")]
        return title, [(f"{self.fresh} new {self.glyphs.more}" if self.fresh else "scrolled back", "waits")]

    def footing(self) -> Row:
        """How to come back to the newest line."""
        return [] if self.following else [("f follows", "dim")]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        self._take(width)
        flow = self._flow(width) if self.following else []
        end = len(self._ring) - self.back
        start = max(0, end - (height - len(flow)))
        shown = [self._ring[index] for index in range(start, end)]
        if not shown and not flow:
            stopped = self.mirror.stopped
            return [[("  the engine stopped: q, then attach again to read on" if stopped else "  nothing yet", "dim")]]
        return [*shown, *flow]

    def _take(self, width: int) -> None:
        """Wrap what is new; begin anew when the run, the width or what lies in front changed."""
        trace = self.mirror.trace(self.console_app.chosen)
        of = (trace, width, trace.version)
        anew = of != self._of
        if anew:
            if self._of is None or self._of[0] is not trace:
                self.back = self.fresh = 0
            self._of, self._seen = of, trace.total - len(trace.lines)
            self._ring.clear()
        new = min(trace.total - self._seen, len(trace.lines))
        self._seen = trace.total
        added = 0
        for line in islice(trace.lines, len(trace.lines) - max(new, 0), None):
            wrapped = self._wrapped(line, width)
            self._ring.extend(wrapped)
            added += len(wrapped)
        if self.back and added and not anew:
            self.back = min(self.back + added, max(0, len(self._ring) - 1))
            self.fresh += added

    def _wrapped(self, line: Line, width: int) -> list[Row]:
        mark = self.glyphs.marks[line.tone] if line.tone in ("good", "bad", "asks", "waits", "running") else " "
        role = "text" if line.tone in ("running", "waits", "good") else line.tone
        first, *rest = wrap(line.text, width - _GUTTER)
        head: Row = [
            (f"{stamp(line.at)} ", "dim"),
            (f"{line.who:<8} ", "dim" if line.tone == "dim" else "strong"),
            (f"{mark} ", line.tone),
            (first, role),
        ]
        more: list[Row] = [[(" " * _GUTTER, "text"), (text, role)] for text in rest]
        return [head, *more]

    def _flow(self, width: int) -> list[Row]:
        """The newest rows of what is being written now."""
        said = [line for line in self.mirror.stream.get(self.console_app.chosen, "").splitlines() if line.strip()]
        parts = [part for line in said[-STREAM_ROWS:] for part in wrap(one_line(line, 400), width - _GUTTER)]
        pad = " " * (_GUTTER - 9 - len(_WRITES))
        return [
            [(" " * 9, "text"), (_WRITES if index == 0 else " " * len(_WRITES), "live"), (pad, "text"), (part, "live")]
            for index, part in enumerate(parts[-STREAM_ROWS:])
        ]

    def go(self, motion: Motion) -> bool:  # noqa: D102
        page = max(1, self.size.height - 3)
        rows = {"up": -1, "down": 1, "page-up": -page, "page-down": page, "first": -RING, "last": RING}.get(motion)
        if rows is not None:
            self.scroll(rows)
        return rows is not None

    def scroll(self, rows: int) -> None:
        """Move by `rows` (negative: back in time)."""
        room = max(0, len(self._ring) - max(1, self.size.height - 2))
        wanted = self.back - rows
        if wanted >= room and rows < 0:
            self.post_message(self.NeedsOlder())
        self.back = max(0, min(room, wanted))
        if self.following:
            self.fresh = 0
        self.sync()

    def follow(self) -> None:
        """Back to the newest line."""
        self.back = self.fresh = 0
        self.sync()

    def on_mouse_scroll_up(self, event: "events.MouseScrollUp") -> None:
        """Back in time."""
        event.stop()
        self.scroll(-3)

    def on_mouse_scroll_down(self, event: "events.MouseScrollDown") -> None:
        """Towards now."""
        event.stop()
        self.scroll(3)
