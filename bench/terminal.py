"""A pseudo terminal and a program on it: what it draws is read as it comes, keys are typed, nothing of it stays."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_CONTROL = re.compile(rb"\x1b(?:\[[0-9;:?<>=]*[ -/]*[@-~]|[PX^_\]].*?(?:\x07|\x1b\\)|.)", re.DOTALL)


class Terminal:
    """`size` is columns and rows."""

    def __init__(self, command: Sequence[str], size: tuple[int, int] = (120, 40), cwd: Path | None = None) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.program = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            cwd=cwd,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.program.kill()
        self.program.wait()
        os.close(self._ours)

    def read(self, seconds: float) -> bytes:
        """What came, as soon as anything does; empty after `seconds`, and once the program closed its terminal."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return b""
        try:
            return os.read(self._ours, 1 << 16)
        except OSError:  # EIO: nobody holds the other end
            return b""

    def type(self, keys: bytes) -> None:
        """Press these keys."""
        os.write(self._ours, keys)


def words(drawn: bytes) -> str:
    """What was drawn, without its control sequences, in the order in which it came."""
    return _CONTROL.sub(b"", drawn).decode("utf-8", "replace")
