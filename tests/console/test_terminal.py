"""The console in a real terminal: a pseudo terminal, real bytes, a real exit."""

import re
import signal
import sys
from pathlib import Path

import pytest

from factory_tui.console.seen import Look, Seen
from tests.console import story
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


LOOKS = """
import sys
from pathlib import Path
from factory_tui.console.app import run_console
from factory_tui.console.seen import Seen
from tests.console import story
from tests.console.feeds import StoryFeed
sys.exit(run_console(StoryFeed(story.triage()).connect, seen=Seen(Path(sys.argv[1]))))
"""


@pytest.mark.parametrize("hangs_up", [False, True], ids=["left by q", "hung up"])
def test_that_somebody_looked_is_kept_for_them_alone_however_the_console_ends(tmp_path: Path, hangs_up: bool) -> None:
    looks = tmp_path / "state" / "looks"
    with Terminal([sys.executable, "-c", LOOKS, str(looks)]) as terminal:
        terminal.until(b"5 in inbox")
        if hangs_up:
            assert terminal.hang_up() == -signal.SIGHUP
        else:
            terminal.type(b"q")
            terminal.until(b"\x1b[?1049l")
            assert terminal.ends() == 0
    assert Seen(looks).last("ana") == Look(68, story.triage()[-1].at)
    assert [one.name for one in looks.iterdir()] == ["ana.json"]
    assert [path.stat().st_mode & 0o777 for path in (looks, looks / "ana.json")] == [0o700, 0o600]
