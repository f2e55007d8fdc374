"""Calls to services on the cell's loopback: bytes there and bytes back. What they mean is the engine's business."""

from __future__ import annotations

import errno
import os
import select
import socket

from factory_tui.cells.runner.loop import READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factory_tui.cells.runner.frames import Header
    from factory_tui.cells.runner.loop import Loop


class Calls:
    """Open calls by the id of their request."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._open: dict[str, socket.socket] = {}

    def dial(self, header: Header, payload: bytes) -> None:
        """Connect and send the payload; what comes back goes to the engine as it comes, ``limit`` bytes at most."""
        name = header["id"]
        call = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        call.setblocking(False)
        code = call.connect_ex(("127.0.0.1", header["port"]))
        if code not in (0, errno.EINPROGRESS):
            call.close()
            self._loop.send({"op": "closed", "id": name, "error": os.strerror(code)})
            return
        self._open[name] = call
        left, room = bytearray(payload), header["limit"]

        def on_event(fd: int) -> None:
            nonlocal room
            try:
                if left:
                    del left[: call.send(left)]
                    if not left:
                        self._loop.hear(fd, select.EPOLLIN, on_event)
                    return
                data = call.recv(READ)
            except BlockingIOError:
                return
            except OSError as error:
                self._end(name, os.strerror(error.errno or 0))
                return
            room -= len(data)
            if data:
                self._loop.send({"op": "data", "id": name}, data)
            if not data or room < 0:
                self._end(name, "" if not data else "too long")

        self._loop.hear(call.fileno(), select.EPOLLOUT if left else select.EPOLLIN, on_event)

    def hang(self, header: Header, _: bytes) -> None:
        """End a call."""
        self._end(header["id"], "")

    def hang_all(self) -> None:
        """End every call: the engine that made them is gone."""
        for name in list(self._open):
            self._end(name, "")

    def _end(self, name: str, error: str) -> None:
        call = self._open.pop(name, None)
        if call:
            self._loop.close(call.detach())
            self._loop.send({"op": "closed", "id": name, "error": error})
