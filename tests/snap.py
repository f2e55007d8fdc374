"""Text goldens of screens: render, compare, and on a difference leave the actual text and say where they part.

`UPDATE_SNAPSHOTS=1` writes the golden. Private names of Textual in use: the compositor's
`render_strips`, here, and the driver's `write` and the painted lines' `StylesCache`, in the app.
"""

import difflib
import os
from pathlib import Path

from textual.app import App

TESTS = Path(__file__).parent


def text_of(app: App[None]) -> str:
    """The screen in front, as text without trailing spaces."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def check(app: App[None], name: str) -> None:
    """Compare the screen with its golden (`console/floor`: console/snapshots/floor.txt).

    The failure names the file with the actual text and shows the difference."""
    compare(text_of(app), name)


def compare(actual: str, name: str) -> None:
    """Compare a text with the golden of that name, in the same way."""
    floor, _, screen = name.partition("/")
    golden = TESTS / floor / "snapshots" / f"{screen}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(actual, encoding="utf-8")
        return
    wanted = golden.read_text(encoding="utf-8") if golden.exists() else ""
    if actual == wanted:
        return
    left = golden.with_suffix(".actual.txt")
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text(actual, encoding="utf-8")
    parted = "".join(difflib.unified_diff(wanted.splitlines(True), actual.splitlines(True), "golden", "actual"))
    raise AssertionError(f"{name} is not as it was; actual: {left}; UPDATE_SNAPSHOTS=1 accepts it\n{parted}")
