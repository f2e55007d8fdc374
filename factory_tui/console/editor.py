"""Opening a file in the operator's editor. For a console at the workspace itself only: the door opens no process."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from factory_tui.console.outside import lend

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp


def seed_file(folder: Path, seed: str) -> Path:
    """Where a seed's text is: in a folder of its own, or the single file."""
    inside = folder / "seeds" / seed / "seed.md"
    return inside if inside.is_file() else folder / "seeds" / f"{seed}.md"


def edit(app: "ConsoleApp", path: Path) -> None:
    """Give the terminal to `$VISUAL`, `$EDITOR` or vi until it ends; the engine reads what was saved by itself."""
    try:
        words = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    except ValueError as error:
        app.say("bad", f"EDITOR cannot be read: {error}. Remedy: mend its quotes")
    else:
        lend(app, [*words, str(path)], "the editor", remedy="set EDITOR to one that is there")
