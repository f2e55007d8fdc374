"""What a runner does about rights before it starts anything, where no Docker engine did it."""

from __future__ import annotations

import ctypes
import os
import resource
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PR_SET_DUMPABLE = 4
_CAPABILITY_VERSION_3 = 0x20080522
_KEPT = 1 << 5 | 1 << 6 | 1 << 7
"""KILL, SETGID, SETUID, as capabilities(7) numbers them."""


def own(folders: list[tuple[str, int]]) -> None:
    """Give folders to their users, then the capability to do so away. Raises OSError."""
    for folder, user in folders:
        os.chown(folder, user, user)
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(_KEPT, _KEPT, 0, 0, 0, 0)
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")


@contextmanager
def acting(uid: int | None) -> Iterator[None]:
    """With the agent's effective user (None: it is this process's), which alone lets nobody send a signal here."""
    if uid is None:
        yield
        return
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


def hide() -> None:
    """Shut this process's memory and descriptors, and those of its forks, to others of its user; and let the kernel end
    what it starts before all else, which its commands inherit: a shut process cannot say that later.
    """
    raise_oom_score()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def raise_oom_score() -> None:
    """Let the kernel kill commands, which inherit this, before the runner."""
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    except OSError:
        return  # a host without it, or a process that is hidden; the cell then loses its runner first
    os.write(fd, b"800")
    os.close(fd)


def limit(limits: Mapping[str, int]) -> None:
    """Set resource limits by name, not above those that this process has. Raises OSError, ValueError."""
    for name, most in limits.items():
        number = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(number)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(number, (value, value))
