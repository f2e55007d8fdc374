"""Lending the terminal to another program. For a console at the workspace itself only: the door opens no process."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from factory_tui.domain.hostile import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_tui.console.app import ConsoleApp


def shell_words(folder: Path, run: str, number: int | None) -> list[str]:
    """`factory-tui shell` for the run's cell, or for a copy of what a pass left."""
    of_pass = ["--pass", str(number)] if number else []
    return [sys.executable, "-m", "factory_tui", "shell", run, "--workspace", str(folder), *of_pass]


def lend(app: "ConsoleApp", words: "Sequence[str]", what: str, *, remedy: str = "", stays: bool = False) -> None:
    """Give the terminal to a program until it ends; with `stays` until enter where it failed: its words would be gone.

    Nothing is drawn meanwhile: Textual's writer stands still then, and would never be emptied again.
    """
    before = signal.signal(signal.SIGINT, lambda *_: None)  # it is the program's to hear
    try:
        with app.suspend(), app.batch_update():
            code = subprocess.run(words, check=False).returncode
            if code and stays:
                sys.stderr.write(f"\n{what} ended with {code}. Enter goes back to the console. ")
                sys.stderr.flush()
                sys.stdin.readline()
    except SuspendNotSupported:
        app.say("waits", f"this terminal cannot be lent to {what}")
    except OSError as error:
        app.say("bad", f"{what} did not start: {one_line(str(error), 120)}{remedy and f'. Remedy: {remedy}'}")
    else:
        app.say("good" if code == 0 else "waits", f"{what} ended{f' with {code}' if code else ''}")
    finally:
        signal.signal(signal.SIGINT, before)
