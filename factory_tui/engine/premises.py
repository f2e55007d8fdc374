"""What surrounds an engine, for the doctor: the terminal it is looked at from, and who else may reach its files."""

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from factory_tui.config.reading import Mistakes
from factory_tui.config.settings import LEAST_TERMINAL, UiTable
from factory_tui.config.workspace import Workspace, keys_of


class Finding(NamedTuple):
    """One thing looked at. `instead` is what makes up for something that cannot be had here."""

    what: str
    well: bool
    found: str
    remedy: str = ""
    instead: str = ""


def terminal(ui: UiTable, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the console can be drawn here: size, kind, encoding, colours."""
    if not sys.stdout.isatty():
        yield Finding("terminal", well=True, found="none here: commands print a plain log")
        return
    size, kind = os.get_terminal_size(sys.stdout.fileno()), environ.get("TERM", "")
    shown = f"{size.columns} x {size.lines}"
    least = f"{LEAST_TERMINAL[0]} x {LEAST_TERMINAL[1]}"
    if size.columns < LEAST_TERMINAL[0] or size.lines < LEAST_TERMINAL[1]:
        yield Finding(
            "terminal", well=False, found=shown, remedy=f"make it {least} or larger; the console waits for that"
        )
    else:
        yield Finding("terminal", well=True, found=shown)
    if kind in {"", "dumb", "unknown"}:
        remedy = "set TERM to what your terminal is, such as xterm-256color; or use --plain"
        yield Finding("TERM", well=False, found=kind or "not set", remedy=remedy)
    else:
        yield Finding("TERM", well=True, found=f"{kind}, {_colours(kind, environ)}")
    language = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")
    fine = "utf8" in language.lower().replace("-", "") or ui.glyphs == "ascii"
    remedy = 'export LANG=C.UTF-8, or set [ui] glyphs = "ascii" in config.toml'
    if not fine and language in {"", "C", "POSIX"}:  # says nothing of the terminal, and Python writes UTF-8 then
        yield Finding(
            "locale", well=True, found=language or "not set", remedy=f"should the glyphs look wrong: {remedy}"
        )
    else:
        yield Finding("locale", fine, language or "not set", "" if fine else remedy)


def _colours(kind: str, environ: Mapping[str, str]) -> str:
    if environ.get("NO_COLOR"):
        return "no colours: NO_COLOR is set"
    if environ.get("COLORTERM") in {"truecolor", "24bit"}:
        return "16 million colours"
    return "256 colours" if "256" in kind else "16 colours; COLORTERM=truecolor where the terminal has more"


def permissions(workspace: Workspace) -> Iterator[Finding]:
    """Whether this user may write what is needed, and nobody else may."""
    root = workspace.root
    if not os.access(root, os.W_OK | os.X_OK):
        remedy = f"make it yours: sudo chown -R $USER {root}"
        yield Finding("permissions", well=False, found=f"this user may not write in {root}", remedy=remedy)
        return
    try:
        told = [told for path, wide in _private(workspace) if (told := _trouble(path, wide))]
    except Mistakes as mistakes:
        told = [Finding("permissions", well=False, found=str(mistakes))]
    yield from told
    if not told:
        yield Finding(
            "permissions", well=True, found="the workspace is yours to write; its state and keys are yours alone"
        )


def _private(workspace: Workspace) -> Iterator[tuple[Path, int]]:
    """What there is of it, and the modes it may not have."""
    yield workspace.root, 0o002
    yield workspace.config, 0o002
    yield workspace.state, 0o077
    if (workspace.state / "id").is_file():  # else no engine has run here, and to ask would draw one
        yield keys_of(workspace.identity), 0o077
        yield workspace.socket, 0o077


def _trouble(path: Path, wide: int) -> Finding | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if found.st_uid != os.getuid() and wide == 0o077:
        return Finding("permissions", well=False, found=f"{path} is another user's", remedy=f"sudo chown $USER {path}")
    mode = stat.S_IMODE(found.st_mode)
    if not mode & wide:
        return None
    who = "everybody may write" if wide == 0o002 else "others may reach"
    letters = "o-w" if wide == 0o002 else "go="
    return Finding("permissions", well=False, found=f"{who} {path} ({mode:o})", remedy=f"chmod {letters} {path}")
