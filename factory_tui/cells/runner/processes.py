"""Processes below processes: finding, stopping and killing all that a command started, daemons too."""

from __future__ import annotations

import os
import signal


def descendants(roots: frozenset[int] | set[int]) -> set[int]:
    """Every process below these, themselves left out."""
    if not roots:
        return set()
    below: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read()
            except OSError:
                continue  # it has just ended
            below.setdefault(int(fields[fields.rindex(b")") + 4 :].split(None, 1)[0]), []).append(int(name))
    found: set[int] = set()
    todo = list(roots)
    while todo:
        for pid in below.get(todo.pop(), ()):
            if pid not in found:
                found.add(pid)
                todo.append(pid)
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
        new = descendants(roots) - stopped - descendants(besides)
        if not new:
            break
        signal_all(new, signal.SIGSTOP)
        stopped |= new
    return stopped


def reap() -> None:
    """Wait for every child that has ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return
