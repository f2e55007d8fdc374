"""What waits to be sent to one console: bounded, whatever the console does.

Live frames give way first; then events, which become one "skipped" with a fresh full state once the console reads
again. Answers are kept: their number is bounded by reading no further requests. Knows neither sockets nor tasks.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from factory_tui.domain.live import LiveCell, LiveFrame, LiveStream, LiveText
from factory_tui.link.protocol import FullState, Live, Now, Skipped, line

EVENTS_BOUND = 4 << 20
"""Bytes of lines that may wait; one that is longer than this may wait alone."""
LIVE_BOUND = 256 << 10
"""Bytes of live text that may wait."""
WRITE = 256 << 10
"""Bytes handed to the socket at a time: what was handed over can no longer be dropped."""


class _Line(NamedTuple):
    data: bytes
    first: int = 0
    holds: int = 0
    """Events in it; 0 for an answer."""


class _Joined:
    """A live frame and the pieces of the same text that came after it."""

    def __init__(self, which: tuple[str, ...], frame: LiveStream) -> None:
        self.which = which
        self.frame = frame
        self.parts = [frame.text]

    def line(self) -> bytes:
        return line(Live(replace(self.frame, text="".join(self.parts))))


class Outbox:
    """The queue of one console. `fresh` makes a new full state."""

    def __init__(self, fresh: Callable[[], FullState]) -> None:
        self._fresh = fresh
        self._items: deque[_Line | _Joined] = deque()
        self._open: dict[tuple[str, ...], _Joined] = {}
        """Live frames with nothing but live frames after them: those that can still grow."""
        self._live = 0
        self.pending = 0
        """Bytes of lines that wait."""
        self._skipped = 0
        self._from = 0
        self._now: int | None = None
        self._cells: dict[str, LiveCell] = {}
        """Of each cell the newest frame."""

    def __bool__(self) -> bool:
        return bool(self._items) or bool(self._skipped) or self._now is not None or bool(self._cells)

    @property
    def full(self) -> bool:
        """Whether no further request should be read until the console reads its answers."""
        return self.pending >= EVENTS_BOUND

    def attach(self) -> None:
        """Begin: the full state."""
        self._put(_Line(line(self._fresh())))

    def answer(self, data: bytes) -> None:
        """Queue the line of an answer."""
        self._put(_Line(data))

    def events(self, data: bytes, first: int, count: int) -> None:
        """Queue a line of events, or count them as skipped."""
        if self._skipped:
            self._skipped += count
        elif self.pending and self.pending + len(data) > EVENTS_BOUND:
            self._skip(first, count)
        else:
            self._put(_Line(data, first, count))

    def live(self, frame: LiveFrame) -> None:
        """Queue a live frame: of a cell the newest alone; text joined to the last of the same, or dropped when the
        console is behind.
        """
        if isinstance(frame, LiveCell):
            self._cells[frame.cell] = frame
            return
        if self._skipped or self._live >= LIVE_BOUND:
            return
        self._live += len(frame.text)
        which = (frame.run, str(frame.step)) if isinstance(frame, LiveText) else (frame.run, frame.call, frame.stream)
        joined = self._open.get(which)
        if joined is not None:
            joined.parts.append(frame.text)
            return
        joined = self._open[which] = _Joined(which, frame)
        self._items.append(joined)

    def tick(self, now: int) -> None:
        """Have the newest clock sent; an unsent older one is forgotten."""
        self._now = now

    def take(self) -> bytes:
        """The next bytes for the socket, in order; empty when nothing waits."""
        parts: list[bytes] = []
        size = 0
        while self._items and size < WRITE:
            item = self._items.popleft()
            if isinstance(item, _Joined):
                self._live -= sum(map(len, item.parts))
                self._open.pop(item.which, None)
                data = item.line()
            else:
                data = item.data
                self.pending -= len(data)
            parts.append(data)
            size += len(data)
        if not self._items and self._skipped:
            parts.append(line(Skipped(self._skipped, self._fresh().state, self._from)))
            self._skipped = 0
        parts += [line(Live(frame)) for frame in self._cells.values()]
        self._cells.clear()
        if self._now is not None:
            parts.append(line(Now(self._now)))
            self._now = None
        return b"".join(parts)

    def _put(self, item: _Line) -> None:
        self._items.append(item)
        self.pending += len(item.data)
        self._open.clear()

    def _skip(self, first: int, count: int) -> None:
        """Leave out every live frame and event that waits, and all to come until the console has read the rest."""
        dropped = [item for item in self._items if isinstance(item, _Line) and item.holds]
        self._items = deque(item for item in self._items if isinstance(item, _Line) and not item.holds)
        self._open.clear()
        self._live = 0
        self.pending = sum(len(item.data) for item in self._items if isinstance(item, _Line))
        self._skipped = count + sum(item.holds for item in dropped)
        self._from = dropped[0].first if dropped else first
