"""A shell in a bubble, with what the cell's own commands have and no more: namespaces, groups, limits, the filter.

Run as a program, with the pid of the cell's first process and the uid of its commands (0: the runner's own). Its
environment is the shell's, so that no memory of it ever held a key. On a terminal the shell gets another one: who holds
a terminal may type into it, and what is typed into this one is read by the shell of whoever called.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import select
import signal
import sys
import termios
import tty
from pathlib import Path
from typing import TYPE_CHECKING, Final

from factory_tui.cells import bpf
from factory_tui.cells.fence import WORK
from factory_tui.cells.runner.rights import limit

if TYPE_CHECKING:
    from typing import NoReturn

BEST: Final = "command -v bash >/dev/null && exec bash; exec sh"
_GET_PARENT: Final = 0xB702
"""NS_GET_PARENT, see ioctl_ns(2): bwrap makes all other namespaces in a user namespace of its own, and the cell's only
below that.
"""
_NAMESPACES: Final = ("cgroup", "ipc", "uts", "net", "pid", "mnt")
_LIMITS: Final = {
    "Max core file size": "CORE",
    "Max data size": "DATA",
    "Max file size": "FSIZE",
    "Max open files": "NOFILE",
    "Max processes": "NPROC",
}
"""As /proc/PID/limits has them: reading them otherwise takes a capability that not every root has."""
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_FILTER: Final = 2
_LOST: Final = 70
_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """`struct sock_fprog` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def main() -> NoReturn:
    """Be the shell's other end, and end as it does."""
    first, user = (int(word) for word in sys.argv[1:])
    try:
        program = bpf.program()
    except bpf.Uncompiled:
        program = b""  # the cell's commands have none either, and it is called UNFENCED
    ours, theirs = os.openpty() if os.isatty(0) else (-1, -1)
    _resize(ours)
    child = os.fork()
    if not child:
        try:
            _enter(first, user)
            within = os.fork()
            if not within:
                _be_shell(user, theirs, program)
            os._exit(_ending(within))
        except (OSError, ValueError) as error:
            os.write(2, f"no shell can be had in the cell: {error}\n".encode())
        finally:
            os._exit(_LOST)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the shell's to hear
    if ours >= 0:
        os.close(theirs)
        _relay(ours)
    os._exit(_ending(child))


def _enter(first: int, user: int) -> None:
    """Go where the cell is, for what this process starts: its groups, limits and namespaces. Raises OSError."""
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)
    _join(first, must=bool(user))
    bounds = _bounds(first)
    namespaces = [os.open(f"/proc/{first}/ns/{name}", os.O_RDONLY) for name in _NAMESPACES]
    if not user:
        own = os.open(f"/proc/{first}/ns/user", os.O_RDONLY)
        namespaces = [fcntl.ioctl(own, _GET_PARENT), *namespaces, own]
    sys.meta_path.clear()  # what Python would find from here on may be the agent's
    for one in namespaces:
        _call("setns", one, 0)
    limit(bounds)


def _bounds(first: int) -> dict[str, int]:
    """The limits of a child of the runner, which are those of commands."""
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    if not children:
        raise FileNotFoundError("nothing runs there")
    rows = Path(f"/proc/{children[0]}/limits").read_text().splitlines()
    found = {_LIMITS[row[:26].strip()]: row[26:].split()[1] for row in rows if row[:26].strip() in _LIMITS}
    return {name: int(most) for name, most in found.items() if most.isdecimal()}


def _join(first: int, *, must: bool) -> None:
    """The control groups of the cell. A plain user may not move what their login started, and a group that the cell has
    not for itself is none to join: only root must.
    """
    for line in Path(f"/proc/{first}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        folder = Path("/sys/fs/cgroup", controllers.split(",")[0], path.lstrip("/"))
        try:
            (folder / "cgroup.procs").write_text(str(os.getpid()))
        except OSError:
            if must and path.startswith("/factory-tui/"):
                raise


def _be_shell(user: int, terminal: int, program: bytes) -> NoReturn:
    """Raises OSError."""
    os.setsid()
    if terminal >= 0:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(terminal, fd)
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.chdir(WORK)
    os.umask(0o022)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if program:
        _call("prctl", _PR_SET_SECCOMP, _FILTER, ctypes.byref(_Program(len(program) // 8, program)), 0, 0)
    os.execvp("sh", ["sh", "-c", BEST])  # noqa: S606 - it is a shell


def _call(name: str, *arguments: object) -> None:
    """A function of the C library that answers 0. Raises OSError."""
    if getattr(_libc, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _ending(child: int) -> int:
    """The exit status of a child, as a shell has it."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def _relay(ours: int) -> None:
    """Between this terminal and the shell's, until nobody holds that one any more or the shell is gone."""
    before = termios.tcgetattr(0)
    tty.setraw(0, termios.TCSADRAIN)  # what was typed ahead is the shell's
    signal.signal(signal.SIGWINCH, lambda *_: _resize(ours))
    try:
        heard = [0, ours]
        while True:
            for fd in select.select(heard, [], [])[0]:
                try:
                    data = os.read(fd, 1 << 16)
                except OSError:  # EIO: the last of the other side is gone
                    data = b""
                if not data and fd == ours:
                    return
                if not data:
                    heard.remove(fd)
                at = 1 if fd == ours else ours
                while data:
                    data = data[os.write(at, data) :]
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def _resize(ours: int) -> None:
    """Make the shell's terminal as large as this one."""
    if ours >= 0:
        fcntl.ioctl(ours, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))
