"""Which process of this machine a cell is for, where that is not the workspace's engine, and whether it still lives."""

import os
from pathlib import Path


def this_process() -> str:
    """Its number, and when it began: a number alone is given again."""
    return f"{os.getpid()} {_began(os.getpid())}"


def lives(holder: str) -> bool:
    """Whether the process that said so of itself is still there."""
    pid, _, began = holder.partition(" ")
    return pid.isdecimal() and began != "" and _began(int(pid)) == began


def _began(pid: int) -> str:
    """In ticks since the machine's boot; empty for one that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode("ascii")
