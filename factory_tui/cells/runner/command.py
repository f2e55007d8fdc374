"""One command as the runner knows it, and what it keeps of a stream that may be longer than anybody reads."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factory_tui.cells.runner.frames import Header
    from factory_tui.cells.runner.keeper import Keeper


class Kept:
    """The head and the tail of a stream, and how much there was."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, data: bytes) -> None:
        """Take the next piece."""
        self.total += len(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self._half + 65536:
            del self._tail[: -self._half]

    def bytes(self) -> bytes:
        """What is left: all of it, or head and tail."""
        return bytes(self._head + self._tail[-self._half :])


class Command:
    """One command: running, then its outcome as a frame. Its descriptors are the runner's ends, -1 once closed."""

    def __init__(self, header: Header, keeper: Keeper, counts: list[int]) -> None:
        self.id: str = header["id"]
        self.keep = bool(header.get("keep"))
        self.live = bool(header.get("live"))
        self.annex = bool(header.get("annex"))
        self.keeper = keeper
        self.stdin = self.stdout = self.stderr = -1
        self.out = Kept(header["limit"])
        self.err = Kept(header["limit"])
        self.started = time.monotonic()
        self.deadline = self.started + header["timeout"] if header.get("timeout") else None
        self.input = bytearray()
        self.input_at = 0
        self.input_last = False
        self.exit: int | None = None
        self.frame: bytes | None = None
        self.acked = False
        self.timed_out = False
        self.dying = False
        self.forgotten = False
        self.counts = counts
        """What the kernel had counted when it began."""
