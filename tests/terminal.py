"""A terminal for tests: a pseudo terminal, and a program that has nothing else."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self


class Terminal:
    """80 x 24 characters; what the program draws is kept as the bytes that came."""

    def __init__(self, command: Sequence[str]) -> None:
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.got = b""
        self._program = subprocess.Popen(
            command,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._program.kill()
        self._program.wait()
        if self._master >= 0:
            self._close()

    @property
    def settings(self) -> list[Any]:
        """Echo, line discipline and the like, as termios tells them."""
        return termios.tcgetattr(self._slave)

    def until(self, word: bytes, seconds: float = 60.0) -> bytes:
        """What came since the last call, up to and with `word` at least."""
        deadline, since = time.monotonic() + seconds, len(self.got)
        while word not in self.got[since:]:
            assert self._more(max(0.0, deadline - time.monotonic())), f"{word!r} did not come: {self.got[-400:]!r}"
        return self.got[since:]

    def type(self, keys: bytes) -> None:
        """Press these keys."""
        os.write(self._master, keys)

    def interrupt(self) -> None:
        """What a terminal does at Ctrl-C; this one is nobody's controlling terminal."""
        self._program.send_signal(signal.SIGINT)

    def hang_up(self, seconds: float = 60.0) -> int:
        """Take the terminal away, as a lost line does; the program's exit code."""
        self._close()
        return self._program.wait(seconds)

    def _close(self) -> None:
        os.close(self._slave)
        os.close(self._master)
        self._master = -1

    def ends(self, seconds: float = 60.0) -> int:
        """The program's exit code, once it ended and all that it said came."""
        deadline = time.monotonic() + seconds
        while self._program.poll() is None:
            assert time.monotonic() < deadline, f"it did not end: {self.got[-400:]!r}"
            self._more(0.05)
        while self._more(0.0):
            continue
        return self._program.returncode

    def _more(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if ready:
            self.got += os.read(self._master, 65536)
        return bool(ready)
