"""A shell that is started before its command is known: `bash -c`, of which all but the command's text has happened.

It waits at the end of a pipe that it reads as BASH_ENV. Its command is written where the text of its argument is, in
its own memory, so that it is no other than a fresh shell: what bash then parses, and whether it forks for the last
command, follows from that text alone. The few lines in the pipe undo what bash would not have done without them.

Whoever has the agent's user could stop, trace or change what waits. So nothing of the agent's may run meanwhile; but a
second command that comes with the first may see the first one's shell before it has its text. What it can do to that
it can do to any command beside it.
"""

from __future__ import annotations

import os
import signal
import time

_ROOM = 4096
_BLANK = b"#" * _ROOM
"""The text until there is one, and all that is run should nobody give one: a comment."""
_GATE = 3
_ENTRY = b"BASH_ENV=/proc/self/fd/%d\0" % _GATE
_STEERING = ("BASH", "POSIXLY_CORRECT", "SHELLOPTS")
"""How the names begin that change how a shell starts."""
_UNDO = b"exec %d<&-; unset BASH_ENV; BASH_EXECUTION_STRING=%s; SECONDS=0; : %s\n"
_AWAKE = (b"S", b"R", b"D")
_PATIENCE = 100
_SOON = 0.0005
"""Seconds between two looks, and how many: one that is late is still there before a fresh one would be."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def possible(shell: str, env: Mapping[str, str]) -> bool:
    """Whether this shell, with this environment, starts as expected here."""
    return os.path.basename(shell) == "bash" and not any(name.startswith(_STEERING) for name in env)


def takes(text: str) -> bool:
    """Whether a command can be given to a shell that waits."""
    return "\0" not in text and len(text.encode("utf-8", "surrogateescape")) < _ROOM


class Ahead:
    """One that waits, a child of this process. `gate` is where its pipe is written."""

    def __init__(self, pid: int, gate: int, shell: str) -> None:
        self.pid = pid
        self._gate = gate
        self._shell = shell

    def give(self, command: str) -> bool:
        """Give it its command; False, and it is no more, where it is not as it was left.

        This process must have the agent's effective user: only then may it write that memory.
        """
        text = command.encode("utf-8", "surrogateescape")
        try:
            given = self._write(text)
            if given:
                os.write(self._gate, _UNDO % (_GATE, _quoted(text), _quoted(self._shell.encode())))
        except OSError:
            given = False  # it was killed, or this kernel lets nobody
        if given:
            os.close(self._gate)
        else:
            self.drop()
        return given

    def _write(self, text: bytes) -> bool:
        fields = self._fields()
        for _ in range(_PATIENCE):
            if fields[0] not in _AWAKE or self._waits():
                break
            time.sleep(_SOON)
            fields = self._fields()
        if fields[0] not in _AWAKE or not self._waits():
            return False
        begin, end = int(fields[45]), int(fields[48])  # arg_start and env_end: one after the other, see proc(5)
        memory = os.open(f"/proc/{self.pid}/mem", os.O_RDWR | os.O_CLOEXEC)
        try:
            there = os.pread(memory, end - begin, begin)
            head, blank, tail = there.partition(_BLANK)
            if not blank or not tail.endswith(_ENTRY):
                return False
            there = head + text.ljust(_ROOM, b"\0") + tail[: -len(_ENTRY)]
            return os.pwrite(memory, there.ljust(end - begin, b"\0"), begin) == end - begin
        finally:
            os.close(memory)

    def _fields(self) -> list[bytes]:
        """Its state and what follows that, see proc(5)."""
        with open(f"/proc/{self.pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2].split()

    def _waits(self) -> bool:
        """Whether it has opened its pipe once more, to read it, so that it has read its environment."""
        try:
            return os.stat(f"/proc/{self.pid}/fd/{_GATE + 1}").st_ino == os.fstat(self._gate).st_ino
        except FileNotFoundError:
            return False

    def drop(self) -> None:
        """Kill it, and wait until it is gone: nobody stops what was killed."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._gate)


def image(shell: str, env: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of one that waits; it finds its pipe as the descriptor after the three streams."""
    name, _, value = _ENTRY[:-1].decode().partition("=")
    return [shell, "-c", _BLANK.decode()], {**env, name: value}


def _quoted(text: bytes) -> bytes:
    return b"'" + text.replace(b"'", b"'\\''") + b"'"
