"""What the cell uses of what it may, and what ran out: from its own control group (v1 or v2) and its file systems.

The kernel counts anyway: a look costs a tenth of a millisecond here, and no daemon is asked. Files by the kernel's
documentation of cgroup-v1 (memory, pids, cpuacct) and cgroup-v2.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factory_tui.cells.runner.frames import Header
    from factory_tui.cells.runner.loop import Loop

_NEARLY = 64 << 10
"""Bytes below which a file system is full."""
_STILL = 0.01
"""Shares by which a figure moves before it is told again."""
_V1 = {
    "memory.current": "memory/memory.usage_in_bytes",
    "memory.max": "memory/memory.limit_in_bytes",
    "memory.events": "memory/memory.oom_control",
    "memory.stat": "memory/memory.stat",
    "pids.current": "pids/pids.current",
    "pids.max": "pids/pids.max",
    "pids.events": "pids/pids.events",
}
"""Where version 1 has what version 2 calls so."""


class Gauge:
    """Where to look. Without ``cgroup`` in the configuration the cell has no control group of its own."""

    def __init__(self, loop: Loop, config: Header) -> None:
        self._loop = loop
        self._root = config.get("cgroup", "")
        self._second = os.path.exists(f"{self._root}/cgroup.controllers")
        self._killed, self._refused = self._kept("memory.events"), self._kept("pids.events")
        temporary = config["env"].get("TMPDIR") or os.environ.get("TMPDIR")
        spaces = {"work": config["work"], "tmp": temporary}
        self._spaces = {name: path for name, path in spaces.items() if path and os.path.isdir(path)}
        self._watcher = ""
        self._every = self._due = 0.0
        self._told: Header = {}
        self._spent = (0.0, 0.0)

    # -- what ran out

    def counts(self) -> list[int]:
        """How often the kernel killed for memory, and how often it refused a process, so far."""
        return [_row(_again(self._killed), b"oom_kill"), _row(_again(self._refused), b"max")]

    def lacked(self, before: list[int], *, failed: bool) -> list[tuple[str, int, str]]:
        """What ran out since: its name, the limit, and the folder where it is of one. Space: where something failed."""
        now = self.counts()
        found = []
        for index, (what, limit) in enumerate((("memory", "memory.max"), ("processes", "pids.max"))):
            if now[index] > before[index]:
                found.append((what, _number(self._read(limit)), ""))
        for path in self._spaces.values() if failed else ():
            space = os.statvfs(path)
            if space.f_bavail * space.f_frsize < _NEARLY:
                found.append(("space", space.f_blocks * space.f_frsize, path))
            elif space.f_files and not space.f_favail:
                found.append(("inodes", space.f_files, path))
        return found

    # -- what is used

    def watch(self, header: Header, _: bytes) -> None:
        """Tell now, and from now on ``every`` so many seconds if something moved."""
        self._watcher, self._every = header["id"], header["every"]
        self._due, self._told = 0.0, {}
        self._spent = (time.monotonic(), self._cpu())

    def unwatch(self, header: Header, _: bytes) -> None:
        """Tell no more."""
        if self._watcher == header["id"]:
            self._watcher = ""

    def forget(self) -> None:
        """Whoever watched is gone."""
        self._watcher = ""

    def on_time(self) -> float:
        """Tell what is due; seconds until this must be called again, -1 for never."""
        if not self._watcher:
            return -1
        now = time.monotonic()
        if now >= self._due:
            self._due = now + self._every
            sample = self._sample(now)
            if not self._told or _moved(sample, self._told):
                self._told = sample
                self._loop.send({"op": "part", "id": self._watcher, "gauge": sample})
        return self._due - now

    def _sample(self, now: float) -> Header:
        found: Header = {}
        if self._root:
            cpu, (then, before) = self._cpu(), self._spent
            self._spent = (now, cpu)
            used = _number(self._read("memory.current"))
            cache = _row(self._read("memory.stat"), b"inactive_file" if self._second else b"total_inactive_file")
            found = {
                "memory": max(0, used - cache),
                "memory_limit": _number(self._read("memory.max")),
                "cpu": max(0.0, (cpu - before) / (now - then)) if now > then else 0.0,
                "cpu_limit": self._cores(),
                "pids": _number(self._read("pids.current")),
                "pids_limit": _number(self._read("pids.max")),
            }
            for name, path in self._spaces.items():
                space = os.statvfs(path)
                found[name] = (space.f_blocks - space.f_bfree) * space.f_frsize
                found[f"{name}_limit"] = space.f_blocks * space.f_frsize
        return found

    def _cpu(self) -> float:
        """Seconds of processor time so far."""
        if self._second:
            return _row(self._read("cpu.stat"), b"usage_usec") / 1e6
        return _number(self._read("cpuacct/cpuacct.usage")) / 1e9

    def _cores(self) -> float:
        """How many processors it may use at once; 0: as many as there are."""
        if self._second:
            quota, _, period = self._read("cpu.max").partition(b" ")
        else:
            quota, period = self._read("cpu/cpu.cfs_quota_us"), self._read("cpu/cpu.cfs_period_us")
        return _number(quota) / (_number(period) or 1)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name if self._second else _V1.get(name, name)}"

    def _kept(self, name: str) -> int:
        """A descriptor that stays open: what it gives is read at both ends of every command."""
        try:
            return os.open(self._path(name), os.O_RDONLY | os.O_CLOEXEC) if self._root else -1
        except OSError:
            return -1

    def _read(self, name: str) -> bytes:
        try:
            with open(self._path(name), "rb") as file:
                return file.read()
        except OSError:
            return b""


def _again(fd: int) -> bytes:
    try:
        return os.pread(fd, 4096, 0) if fd >= 0 else b""
    except OSError:
        return b""


def _row(data: bytes, name: bytes) -> int:
    """The number behind a name."""
    for row in data.splitlines():
        if row.startswith(name + b" "):
            return _number(row[len(name) :])
    return 0


def _number(data: bytes) -> int:
    """The number; 0 for none, and for `max`, -1 or what no machine has: no limit."""
    text = data.strip()
    number = int(text) if text.isdigit() else 0
    return number if number < 1 << 60 else 0


def _moved(now: Header, told: Header) -> bool:
    """Whether anything is worth telling again."""
    for name, value in now.items():
        full: float = now.get(f"{name}_limit") or max(value, 1)
        if name == "pids" and value != told[name]:
            return True
        if abs(value - told[name]) > full * _STILL:
            return True
    return False
