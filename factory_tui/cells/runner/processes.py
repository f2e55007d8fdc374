"""Processes below processes: finding, stopping and killing all that a command started, daemons too."""

from __future__ import annotations

import os
import signal

_OURS = (0, 1, os.getpgrp())
"""Groups that are no command's: none that can be seen, the first process's, the runner's with its keepers."""


def descendants(roots: set[int], besides: frozenset[int] | set[int] = frozenset()) -> set[int]:
    """Every process below these, without ``besides`` and what is below them; and every process group of theirs, as the
    negative number that a signal to it takes: a process that forks and ends, again and again, stays in its group.
    """
    if not roots:
        return set()
    below: dict[int, list[tuple[int, int]]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b") ")[2].split(None, 3)
            except OSError:
                continue  # it has just ended
            below.setdefault(int(fields[1]), []).append((int(name), int(fields[2])))
    found: set[int] = set()
    todo = list(roots)
    while todo:
        for pid, group in below.get(todo.pop(), ()):
            if pid not in found and pid not in besides:
                found.add(pid)
                todo.append(pid)
                if group not in _OURS:
                    found.add(-group)
    return found - roots


def signal_all(pids: set[int], number: int) -> None:
    """Signal each that still is."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def freeze(roots: set[int], besides: frozenset[int] | set[int] = frozenset()) -> set[int]:
    """Stop everything below these, but not what is below ``besides``, until nothing new appears: what is stopped cannot
    fork.
    """
    stopped: set[int] = set()
    for _ in range(100):
        new = descendants(roots, besides) - stopped
        if not new:
            break
        signal_all(new, signal.SIGSTOP)
        stopped |= new
    return stopped


def reap() -> bool:
    """Wait for every child that has ended; whether there was one."""
    some = False
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            some = True
    except ChildProcessError:
        pass
    return some
