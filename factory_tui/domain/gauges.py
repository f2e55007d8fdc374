"""What a cell uses of what it may, and what ran out in it. Pure: sizes in bytes, processors in cores."""

from typing import Literal

import msgspec

Scarce = Literal["memory", "processes", "space", "inodes"]
NEAR = 0.80
"""The share of a limit from which it is near."""
FULL = 0.95
"""The share from which next to nothing is left."""


class Gauge(msgspec.Struct, frozen=True, omit_defaults=True):
    """One look at a cell; a limit of 0 is none. `cpu` is over the time since the look before."""

    memory: int = 0
    """Without the page cache that the kernel would give back."""
    memory_limit: int = 0
    cpu: float = 0.0
    cpu_limit: float = 0.0
    pids: int = 0
    pids_limit: int = 0
    work: int = 0
    work_limit: int = 0
    tmp: int = 0
    tmp_limit: int = 0


class Lack(msgspec.Struct, frozen=True, array_like=True):
    """What ran out in a cell: its name, the limit that it met, and the folder where it is of one."""

    what: Scarce
    limit: int
    where: str = ""

    def __str__(self) -> str:
        return lacks(self.what, self.limit, self.where)


def parts(gauge: Gauge) -> tuple[tuple[str, float, float], ...]:
    """Each thing by its short name, what is used of it, and its limit."""
    return (
        ("mem", gauge.memory, gauge.memory_limit),
        ("cpu", gauge.cpu, gauge.cpu_limit),
        ("pids", gauge.pids, gauge.pids_limit),
        ("work", gauge.work, gauge.work_limit),
        ("tmp", gauge.tmp, gauge.tmp_limit),
    )


def word(share: float) -> str:
    """What to say of a share of a limit: `full`, `near` or nothing. Not of the processor: a busy one is at work."""
    return "full" if share >= FULL else "near" if share >= NEAR else ""


def lacks(what: Scarce, limit: int, where: str) -> str:
    """What ran out, as a sentence for an agent as well as for people."""
    size = f"{limit >> 20} MiB"
    match what:
        case "memory":
            return f"memory ran out: the kernel killed a process; the cell may use {size}"
        case "processes":
            return f"processes ran out: the cell may have {limit} at once"
        case "space":
            return f"space ran out in {where}: it holds {size}"
        case "inodes":
            return f"files ran out in {where}: it holds {limit}, folders counted"
