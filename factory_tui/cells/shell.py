"""A shell where an agent's commands run: what to start for it, by the kind of cell.

Owns the command only; starting it, and the terminal, are the caller's. A shell has the agent's uid and none of the
engine's environment, so no key.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from factory_tui.cells.process import Record
from factory_tui.cells.protocol import NoEngine

if TYPE_CHECKING:
    from pathlib import Path

_BEST = "command -v bash >/dev/null && exec bash; exec sh"


class Shell(NamedTuple):
    """What to start: the words, where (None: here), and with which environment (None: this process's own)."""

    words: list[str]
    folder: Path | None = None
    env: dict[str, str] | None = None


def in_container(name: str, *, terminal: bool, docker: str | None) -> Shell:
    """A shell in a running container; `docker` is the client's path. Raises NoEngine without one."""
    if docker is None:
        raise NoEngine("a shell in a docker cell needs the `docker` command. Remedy: install Docker's client")
    from factory_tui.cells.fence import AGENT  # noqa: PLC0415 - slow to load, which a process cell need not wait for

    options = ["--interactive", *(["--tty"] if terminal else []), "--user", f"{AGENT}:{AGENT}", "--workdir", "/work"]
    options += ["--env", "HOME=/tmp", "--env", f"TERM={os.environ.get('TERM', 'dumb')}"]
    return Shell([docker, "exec", *options, name, "sh", "-c", _BEST])


def in_folder(state: Path, name: str) -> Shell:
    """A shell in a process cell's folder, by the records in `state`; it is ended with the cell. Raises OSError."""
    record = msgspec.json.decode((state / f"{name}.json").read_bytes(), type=Record)
    folder = state.__class__(record.folder)
    kept = {key: os.environ[key] for key in ("PATH", "TERM", "LANG") if key in os.environ}
    env = kept | {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    return Shell([os.environ.get("SHELL") or "/bin/sh"], folder / "work", env)
