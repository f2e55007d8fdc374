"""The door: the command that sshd forces on an operator's key. It can only lower rights, and runs nothing it is told.

With a terminal it is the console, without one a bridge to the link. Who comes in is what the key's line says.
"""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from factory_tui.config.workspace import Workspace

if TYPE_CHECKING:
    from factory_tui.domain.commands import Role

Wish = Literal["console", "link"]
_STARTS = frozenset(
    {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn"}
)
_CHANGES = frozenset(
    {"os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate"}
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Refused(OSError):  # noqa: N818 -- it is what happened
    """What was asked for is not behind the door; the message says what is."""


def open_to(name: str, role: "Role", workspace: Workspace) -> None:
    """Let somebody in as `name` with this role until they go. Raises Refused, NoAnswer."""
    from factory_tui.link.protocol import Lower

    asked = os.environ.get("SSH_ORIGINAL_COMMAND", "")
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    lower = Lower(name, role)
    if wish(asked, workspace.root, terminal=terminal) == "link":
        from factory_tui.link.bridge import bridge

        bridge(workspace.socket, lower)
        return
    from factory_tui.config.load import shown_by
    from factory_tui.console.app import run_console
    from factory_tui.console.feed import attach_to
    from factory_tui.console.filtering import mistake
    from factory_tui.console.reckoning import targets

    connect, settings = (
        attach_to(workspace.socket, lower),
        shown_by(workspace.config, serves=lambda: True, mistake=mistake),
    )
    shut()
    run_console(connect, settings.ui, targets=targets(settings))
    print("Detached; the runs go on.")


def wish(asked: str, root: Path, *, terminal: bool) -> Wish:
    """What somebody wants who asked ssh for this command; empty for none. Raises Refused for all but two things."""
    from factory_tui.domain.hostile import one_line

    try:
        words = shlex.split(asked)
    except ValueError:
        words = [asked]
    if not words:
        return "console" if terminal else "link"
    if len(words) > 2 and words[-2] == "--workspace":
        words[-2:] = [f"--workspace={words[-1]}"]
    if len(words) > 1 and words[-1].startswith("--workspace="):
        folder = Path(words.pop().partition("=")[2])
        if not folder.resolve().is_relative_to(root.resolve()):
            raise Refused(f"this key opens {root} and nothing else. Remedy: name that workspace, or none")
    if words[1:] == [] and Path(words[0]).name == "factory-tui":
        if not terminal:
            raise Refused("the console needs a terminal. Remedy: ssh -t")
        return "console"
    if words[1:] and words[-1] == "link":
        if terminal:
            raise Refused("a link does not go through a terminal. Remedy: ssh -T")
        return "link"
    raise Refused(
        f"`{one_line(asked, 80)}` is not behind this door. Remedy: `factory-tui` in a terminal (ssh -t), or "
        "`factory-tui attach ssh://...` on your own machine"
    )


def shut() -> None:
    """From here on this process starts no other one and changes nothing on disk, whatever it is made to do."""
    sys.dont_write_bytecode = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _STARTS or event in _CHANGES:
            raise PermissionError(f"behind the door there is no {event}")
        if event == "open" and arguments[2] & _WRITES and arguments[0] not in ("/dev/null", "/dev/tty"):
            raise PermissionError(f"behind the door nothing is written: {arguments[0]}")

    sys.addaudithook(hook)
