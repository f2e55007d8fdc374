"""A pseudo terminal in a cell: it runs one command on it, and lends keyboard and output to whoever asks over HTTP.

Travels as text into the cell's Python: standard library only, Python >= 3.8. It runs as the agent, with whatever the
command makes of that; nothing here knows what is wanted of the command.

`POST /OFFSET/MILLISECONDS` types the body and answers with what came since that offset, at the latest after that time;
`X-Exit` is there once the command has ended and all of its output is in this answer or before. The first request is
answered at once, and starts the command.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import socket
import struct
import sys
import termios
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

ROOM = 1 << 18
"""Bytes of output that wait to be asked for; beyond that the command has to wait."""
_LOOK = 0.05
"""Seconds between two looks whether the command ended, which may leave others on its terminal."""


class Terminal:
    """One command on one terminal."""

    def __init__(self, columns: int, rows: int, command: str) -> None:
        pid, self.master = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            shell = os.environ.get("SHELL", "/bin/sh")
            os.execv(shell, [shell, "-c", command])  # noqa: S606  (a shell is what is asked for)
        os.set_blocking(self.master, False)
        self._pid, self._out, self._open = pid, bytearray(), True
        self.keys = bytearray()
        self.offset = 0
        """Where what waits begins."""
        self.exit: int | None = None

    def turn(self, listener: socket.socket, seconds: float) -> bool:
        """Move bytes once; whether somebody calls."""
        reads: list[socket.socket | int] = [self.master] if self._open and len(self._out) < ROOM else []
        writes = [self.master] if self._open and self.keys else []
        ended_before = self.exit is not None  # what came between this look and its end is still to be heard
        ready, room, _ = select.select([listener, *reads], writes, [], seconds)
        if room:
            self._type()
        if self.exit is None and (ended := os.waitpid(self._pid, os.WNOHANG))[0]:
            self.exit = -os.WTERMSIG(ended[1]) if os.WIFSIGNALED(ended[1]) else os.WEXITSTATUS(ended[1])
        if self.master in ready:
            self._hear()
        elif ended_before:
            self._open = self._open and len(self._out) >= ROOM
        return listener in ready

    def _type(self) -> None:
        try:
            del self.keys[: os.write(self.master, self.keys[:1024])]
        except BlockingIOError:
            return
        except OSError:
            self.keys.clear()

    def _hear(self) -> None:
        try:
            self._out += os.read(self.master, 65536)
        except BlockingIOError:
            return
        except OSError:  # nobody has the terminal open any more
            self._open = False

    def news(self, offset: int) -> bool:
        """Whether there is something to say to who has heard this much."""
        return len(self._out) > offset - self.offset or self.over()

    def over(self) -> bool:
        """Whether it has ended, with all that it wrote heard."""
        return self.exit is not None and not self._open

    def since(self, offset: int) -> bytes:
        """What came after that; what came before was heard."""
        del self._out[: offset - self.offset]
        self.offset = max(offset, self.offset)
        return bytes(self._out)


def asked(caller: socket.socket) -> tuple[int, float, bytes]:
    """A request's offset, its patience in seconds, and its keys. Raises OSError, ValueError."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = caller.recv(65536)
        if not piece:
            raise ValueError("half a request")
        data += piece
    head, _, keys = data.partition(b"\r\n\r\n")
    _, offset, wait = head.split(b" ", 2)[1].split(b"/")
    size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(keys) < size:
        piece = caller.recv(65536)
        if not piece:
            raise ValueError("half a request")
        keys += piece
    return int(offset), int(wait) / 1000, keys


def main() -> NoReturn:
    """Serve for ever."""
    columns, rows, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    listener = socket.create_server(("127.0.0.1", int(os.environ.pop("PORT"))))
    terminal: Terminal | None = None
    while True:
        if terminal and not terminal.turn(listener, _LOOK):
            continue
        caller = listener.accept()[0]
        with caller:
            caller.settimeout(5)
            try:
                offset, wait, keys = asked(caller)
                if terminal is None:  # told first: who ends this at once has begun all the same
                    caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            except (OSError, ValueError):
                continue  # somebody else's call: the command can find the port
            if terminal is None:
                terminal = Terminal(columns, rows, command)
                terminal.keys += keys
                continue
            terminal.keys += keys
            until = time.monotonic() + wait
            while (terminal.keys or not terminal.news(offset)) and time.monotonic() < until:
                terminal.turn(listener, min(_LOOK, max(0.0, until - time.monotonic())))
            body = terminal.since(offset)
            ended = f"X-Exit: {terminal.exit}\r\n" if terminal.over() else ""
            try:
                caller.sendall(f"HTTP/1.1 200 OK\r\n{ended}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            except OSError:
                continue


if __name__ == "__main__":
    main()
