"""A control group around a process cell, so that its memory, processes and processors are bounded as a whole.

Root makes one by the kernel's files, version 1 or 2; a plain user asks their systemd for a scope, which ends by itself.
Whether it holds is seen from inside: `bubblewrap` tries it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from factory_tui.cells.protocol import CellLimits

_ROOT: Final = Path("/sys/fs/cgroup")
_OURS: Final = "factory-tui"
_FIRST: Final = ("memory", "pids", "cpu")
"""The controllers of version 1 that are used, each a file system of its own."""
_PERIOD: Final = 100_000
"""Microseconds over which a share of the processors is counted; the kernel's default."""
_PATIENCE: Final = 5
_ENTER: Final = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 70; shift; done; shift; exec "$@"'


@dataclass(frozen=True)
class Scope:
    """A scope of the user's own systemd."""

    program: str

    def words(self, name: str, limits: CellLimits) -> list[str]:
        """What goes in front of a command to start it in a group of this name."""
        bounds = {
            "MemoryMax": str(limits.memory),
            "MemorySwapMax": "0",
            "TasksMax": str(limits.pids),
            "CPUQuota": f"{limits.cpus:.0%}",
        }
        options = [word for key, value in bounds.items() for word in ("-p", f"{key}={value}")]
        return [self.program, "--user", "--scope", "--quiet", "--collect", f"--unit={_OURS}-{name}", *options, "--"]


@dataclass(frozen=True)
class Folders:
    """Folders of the kernel's: one for all controllers in version 2, in version 1 one for each."""

    folders: tuple[Path, ...]
    second: bool

    def words(self, name: str, limits: CellLimits) -> list[str]:
        """What goes in front of a command to start it in a group of this name, which this makes. Raises OSError."""
        for folder in self.folders:
            (folder / name).mkdir(parents=True, exist_ok=True)
            for file, value in _bounds(limits, second=self.second).items():
                path = folder / name / file
                if path.exists():  # the controller's own; and not every kernel counts swap
                    path.write_text(value)
        entries = [str(folder / name / "cgroup.procs") for folder in self.folders]
        return ["sh", "-c", _ENTER, "sh", *entries, "--"]


Group = Scope | Folders


def _bounds(limits: CellLimits, *, second: bool) -> dict[str, str]:
    """File and value; see the kernel's admin-guide/cgroup-v2 and cgroup-v1. Memory comes before memory with swap."""
    quota = int(limits.cpus * _PERIOD)
    if second:
        cpu = f"{quota} {_PERIOD}"
        return {"memory.max": str(limits.memory), "memory.swap.max": "0", "pids.max": str(limits.pids), "cpu.max": cpu}
    return {
        "memory.limit_in_bytes": str(limits.memory),
        "memory.memsw.limit_in_bytes": str(limits.memory),
        "pids.max": str(limits.pids),
        "cpu.cfs_quota_us": str(quota),
    }


def remove(name: str) -> None:
    """Remove the folders of a group whose processes are ending; systemd removes a scope itself."""
    deadline = time.monotonic() + _PATIENCE
    for folder in (_ROOT / _OURS / name, *(_ROOT / controller / _OURS / name for controller in _FIRST)):
        while folder.exists() and time.monotonic() < deadline:
            with suppress(OSError):  # busy, until the last of them is gone
                folder.rmdir()
                break
            time.sleep(0.02)


def find() -> Group | None:
    """The way this user can make groups; None where there is none."""
    return _folders() if os.geteuid() == 0 else _scope()


def _folders() -> Folders | None:
    try:
        if (_ROOT / "cgroup.controllers").exists():
            ours = _ROOT / _OURS
            for folder in (_ROOT, ours):
                folder.mkdir(exist_ok=True)
                (folder / "cgroup.subtree_control").write_text("+memory +pids +cpu")
            return Folders((ours,), second=True)
        found = tuple(_ROOT / name / _OURS for name in _FIRST if (_ROOT / name).is_dir())
        for folder in found:
            folder.mkdir(exist_ok=True)
    except OSError:
        return None
    return Folders(found, second=False) if len(found) == len(_FIRST) else None


def _scope() -> Scope | None:
    program = shutil.which("systemd-run")
    if program is None:
        return None
    words = [program, "--user", "--scope", "--quiet", "--collect", "-p", "MemoryMax=64M", "true"]
    try:
        tried = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Scope(program) if tried.returncode == 0 else None
