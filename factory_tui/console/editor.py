"""Opening a file in the operator's editor. For a console at the workspace itself only: the door opens no process."""

import os
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from factory_tui.domain.hostile import one_line

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp


def seed_file(folder: Path, seed: str) -> Path:
    """Where a seed's text is: in a folder of its own, or the single file."""
    inside = folder / "seeds" / seed / "seed.md"
    return inside if inside.is_file() else folder / "seeds" / f"{seed}.md"


def edit(app: "ConsoleApp", path: Path) -> None:
    """Give the terminal to `$VISUAL`, `$EDITOR` or vi until it ends; the engine reads what was saved by itself.

    Nothing is drawn meanwhile: Textual's writer stands still then, and would never be emptied again.
    """
    try:
        words = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
        with app.suspend(), app.batch_update():
            done = subprocess.run([*words, str(path)], check=False)
    except SuspendNotSupported:
        app.say("waits", f"this terminal cannot be lent to an editor; the file is {path}")
    except (OSError, ValueError) as error:
        app.say(
            "bad", f"the editor did not start: {one_line(str(error), 120)}. Remedy: set EDITOR to one that is there"
        )
    else:
        said = "the editor ended" if done.returncode == 0 else f"the editor ended with {done.returncode}"
        app.say("good" if done.returncode == 0 else "waits", f"{said}: {path.name}")
