"""A shell where an agent's commands run: what to start for it, by the kind of cell.

Owns the command only; starting it, and the terminal, are the caller's. A shell has the agent's uid and none of the
engine's environment, so no key.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from factory_tui.cells import entering
from factory_tui.cells.bubblewrap import path
from factory_tui.cells.fence import LABEL, TMP, USERS, WORK
from factory_tui.cells.process import Record, carriers
from factory_tui.cells.protocol import CellError, NoEngine
from factory_tui.domain.decoding import prepared

_LABELLED = f'{{{{index .Config.Labels "{LABEL}user"}}}}'
_HOME = str(Path(__file__).parents[2])
"""Where this package is, for a Python that is told nothing by its environment."""


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
    return Shell([docker, "exec", *options, name, "sh", "-c", entering.BEST])


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
    record = msgspec.json.decode((state / f"{name}.json").read_bytes(), type=prepared(Record))
    if record.bubble:
        return _in_bubble(record)
    folder = Path(record.folder)
    kept = {key: os.environ[key] for key in ("PATH", "TERM", "LANG") if key in os.environ}
    env = kept | {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    return Shell([os.environ.get("SHELL") or "/bin/sh"], folder / "work", env)


def _in_bubble(record: Record) -> Shell:
    """In the namespaces of the cell's first process: a child, in another pid namespace, of the bwrap that made them."""
    inside = [pid for outer in carriers(record) for pid in _children(outer) if _first(pid)]
    if not inside:
        raise FileNotFoundError(f"nothing runs in {record.id}")
    env = {"PATH": path(), "HOME": TMP, "TMPDIR": TMP, "LANG": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb")}
    program = f"import sys; sys.path.append({_HOME!r}); from {entering.__name__} import main; main()"
    return Shell([sys.executable, "-I", "-c", program, str(inside[0]), str(record.user or 0)], None, env)


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
