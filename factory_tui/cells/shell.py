"""A shell where an agent's commands run: what to start for it, by the kind of cell.

Owns the command only; starting it, and the terminal, are the caller's. A shell has the agent's uid and none of the
engine's environment, so no key.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from factory_tui.cells.bubblewrap import path
from factory_tui.cells.fence import LABEL, TMP, USERS, WORK
from factory_tui.cells.process import Record, carriers
from factory_tui.cells.protocol import CellError, NoEngine

_BEST = "command -v bash >/dev/null && exec bash; exec sh"
_LABELLED = f'{{{{index .Config.Labels "{LABEL}user"}}}}'
_FROM_PARENT = """
import fcntl, os, sys
_, pid, *words = sys.argv
parent = fcntl.ioctl(os.open(f"/proc/{pid}/ns/user", os.O_RDONLY), 0xB702)
os.set_inheritable(parent, True)
os.execv(words[0], [words[0], f"--user=/proc/self/fd/{parent}", *words[1:]])
"""
"""bwrap makes all other namespaces in a user namespace of its own, and the cell's only below that: NS_GET_PARENT, see
ioctl_ns(2), leads there.
"""


class Shell(NamedTuple):
    """What to start: the words, where (None: here), and with which environment (None: this process's own)."""

    words: list[str]
    folder: Path | None = None
    env: dict[str, str] | None = None


def in_container(name: str, *, terminal: bool, docker: str | None) -> Shell:
    """A shell in a running container; `docker` is the client's path. Raises NoEngine without one, CellError."""
    if docker is None:
        raise NoEngine("a shell in a docker cell needs the `docker` command. Remedy: install Docker's client")
    user = _user(docker, name)
    options = ["--interactive", *(["--tty"] if terminal else []), "--user", f"{user}:{user}", "--workdir", WORK]
    options += ["--env", f"HOME={TMP}", "--env", f"TERM={os.environ.get('TERM', 'dumb')}"]
    return Shell([docker, "exec", *options, name, "sh", "-c", _BEST])


def _user(docker: str, name: str) -> int:
    """The uid of the cell's commands, by its label. A program in the cell that found it would run as more than that
    user, and may be the agent's: an image's PATH can lead to what the agent may write.
    """
    asked = subprocess.run(
        [docker, "container", "inspect", "--format", _LABELLED, name], capture_output=True, text=True, check=False
    )
    user = asked.stdout.strip()
    if asked.returncode or not user.isdecimal() or int(user) not in USERS:
        why = asked.stderr.strip() or "it is not labelled with the user of its commands"
        raise CellError(
            f"no shell can be had in the cell {name[:12]}: {why}. Remedy: see that `docker ps` lists it; a cell of an "
            "older factory-tui has no shell, but a pass (--pass) does"
        )
    return int(user)


def in_folder(state: Path, name: str) -> Shell:
    """A shell in a process cell, by the records in `state`; it is ended with the cell. Raises OSError, NoEngine."""
    record = msgspec.json.decode((state / f"{name}.json").read_bytes(), type=Record)
    if record.bubble:
        return _in_bubble(record)
    folder = Path(record.folder)
    kept = {key: os.environ[key] for key in ("PATH", "TERM", "LANG") if key in os.environ}
    env = kept | {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    return Shell([os.environ.get("SHELL") or "/bin/sh"], folder / "work", env)


def _in_bubble(record: Record) -> Shell:
    """In the namespaces of the cell's first process: a child, in another pid namespace, of the bwrap that made them."""
    nsenter = shutil.which("nsenter")
    if nsenter is None:
        raise NoEngine("a shell in bubblewrap needs the `nsenter` command. Remedy: install util-linux")
    carrying = set(carriers(record))
    inside = [pid for outer in carrying for pid in _children(outer) if _first(pid)]
    if not inside:
        raise FileNotFoundError(f"nothing runs in {record.id}")
    env = {"PATH": path(), "HOME": TMP, "TMPDIR": TMP, "LANG": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb")}
    options = ["--mount", "--pid", "--net", "--ipc", "--uts"]
    last = ["sh", "-c", f"cd {WORK}; {_BEST}"]
    if record.user is not None:
        rights = ["--setuid", str(record.user), "--setgid", str(record.user)]
        return Shell([nsenter, f"--target={inside[0]}", *options, *rights, *last], None, env)
    within = [nsenter, "--target=1", "--user", "--preserve-credentials", *last]
    outside = [nsenter, f"--target={inside[0]}", *options, "--preserve-credentials", *within]
    return Shell([sys.executable, "-I", "-S", "-c", _FROM_PARENT, str(inside[0]), *outside], None, env)


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _first(pid: int) -> bool:
    """Whether it is the first process of a pid namespace."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
        return any(line.split()[2:][-1:] == ["1"] for line in status.splitlines() if line.startswith("NSpid:"))
    return False
