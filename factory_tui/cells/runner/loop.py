"""The runner's one loop: descriptors that are listened to, and the stream to the engine.

Sending never blocks: nobody attached means that bytes go nowhere.
"""

from __future__ import annotations

import os
import select

from factory_tui.cells.runner.frames import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from factory_tui.cells.runner.frames import Header

BACKLOG = 1 << 20
"""Bytes waiting to be sent above which live output is dropped and file work waits."""
READ = 1 << 16
"""Bytes read at once: what a pipe holds, and little enough to come from the heap."""


class Loop:
    """Callbacks by descriptor, and what waits to be sent."""

    def __init__(self) -> None:
        self.waiting = bytearray()
        self._poll = select.epoll()
        self._heard: dict[int, Callable[[int], None]] = {}
        os.set_blocking(1, False)

    def hear(self, fd: int, events: int, callback: Callable[[int], None]) -> None:
        """Call back on these events; asking again for a descriptor replaces what was asked before."""
        (self._poll.modify if fd in self._heard else self._poll.register)(fd, events)
        self._heard[fd] = callback

    def forget(self, fd: int) -> None:
        """Listen no more, where one did."""
        if self._heard.pop(fd, None):
            self._poll.unregister(fd)

    def close(self, fd: int) -> None:
        """Forget and close."""
        self.forget(fd)
        os.close(fd)

    def send(self, header: Header, payload: bytes = b"") -> None:
        """Queue a frame."""
        self.waiting += pack(header, payload)

    def turn(self, seconds: float) -> None:
        """Wait for events for so long (-1 is for ever), and call back. Flush first: a flush may make work ready."""
        found = [(fd, self._heard[fd]) for fd, _ in self._poll.poll(seconds)]
        for fd, callback in found:
            if self._heard.get(fd) is callback:  # else it was closed since, and the number may be another's
                callback(fd)

    def flush(self) -> None:
        """Send what can be sent; the rest when there is room."""
        while self.waiting:
            try:
                del self.waiting[: os.write(1, self.waiting[:READ])]
            except BlockingIOError:
                self.hear(1, select.EPOLLOUT, lambda _: None)
                return
            except OSError:
                self.waiting.clear()
        self.forget(1)
