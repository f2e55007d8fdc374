"""The console in a real terminal: a pseudo terminal, real bytes, a real exit."""

import re
import signal
import sys
from pathlib import Path

import pytest

from tests.terminal import Terminal

CODE = """
import sys
from pathlib import Path
from factory_tui.console.app import run_console
from factory_tui.console.feed import attach_to
sys.exit(run_console(attach_to(Path(sys.argv[1]))))
"""


def test_it_paints_without_an_engine_and_q_leaves_with_the_terminal_as_it_was(tmp_path: Path) -> None:
    with Terminal([sys.executable, "-c", CODE, str(tmp_path / "engine.sock")]) as terminal:
        before = terminal.settings
        begun = terminal.until(b"FACTORY")
        assert b"\x1b[?1049h" in begun, "it draws on the other screen"
        assert begun.partition(b"FACTORY")[0].count(b"\x1b[1;1H") == 1, "the first frame says something"
        terminal.until(b"No link to an engine")
        terminal.type(b"q")
        assert b"Traceback" not in terminal.until(b"\x1b[?1049l")
        assert terminal.ends() == 0
        assert terminal.settings == before


DEAF = ("sh", "-c", "trap '' HUP; exec \"$@\"", "sh")
"""Begins a program as nohup does."""


@pytest.mark.parametrize("begun", [(), DEAF], ids=["plainly", "deaf to hangups"])
def test_it_ends_with_its_terminal(tmp_path: Path, begun: tuple[str, ...]) -> None:
    with Terminal([*begun, sys.executable, "-c", CODE, str(tmp_path / "engine.sock")]) as terminal:
        terminal.until(b"No link to an engine")
        assert terminal.hang_up() == -signal.SIGHUP


def test_where_no_colour_is_wanted_none_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with Terminal([sys.executable, "-c", CODE, str(tmp_path / "engine.sock")]) as terminal:
        drawn = terminal.until(b"No link to an engine")
        terminal.type(b"q")
        drawn += terminal.until(b"\x1b[?1049l")
    asked = {number for found in re.findall(rb"\x1b\[([\d;]*)m", drawn) for number in found.split(b";")}
    colours = {str(number).encode() for first in (30, 40, 90, 100) for number in range(first, first + 9)}
    assert asked & colours == set()
