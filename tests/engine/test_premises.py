"""What the doctor says of the terminal and of who may reach an engine's files."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from factory_tui.config.settings import UiTable
from factory_tui.config.workspace import Workspace, keys_of
from factory_tui.engine.premises import Finding, permissions, terminal
from tests.engine.greeter import make
from tests.terminal import Terminal

ROOT = Path(__file__).parents[2]
WHOLE = Finding("permissions", True, "the workspace is yours to write; its state and keys are yours alone")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make(tmp_path)[0]


def test_without_a_terminal_there_is_a_plain_log() -> None:
    assert list(terminal(UiTable(), {})) == [Finding("terminal", True, "none here: commands print a plain log")]


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        ("stty cols 72 rows 20", "✓ terminal: 72 x 20\n"),
        ("stty cols 71", "✗ terminal: 71 x 24\n  Remedy: make it 72 x 20 or larger"),
        ("stty rows 19", "✗ terminal: 80 x 19\n"),
        ("export TERM=dumb", "✗ TERM: dumb\n  Remedy: set TERM to what your terminal is"),
        ("unset COLORTERM NO_COLOR", "✓ TERM: xterm-256color, 256 colours\n"),
        ("unset NO_COLOR; export COLORTERM=truecolor", "✓ TERM: xterm-256color, 16 million colours\n"),
        ("export NO_COLOR=1", "✓ TERM: xterm-256color, no colours: NO_COLOR is set\n"),
        ("export LC_ALL=C", "✓ locale: C\n  Remedy: should the glyphs look wrong: export LANG=C.UTF-8"),
        (
            "export LC_ALL=de_DE.ISO-8859-1",
            "✗ locale: de_DE.ISO-8859-1\n  Remedy: export LANG=C.UTF-8, or set [ui] glyphs",
        ),
        ("export LC_ALL=en_US.utf8", "✓ locale: en_US.utf8\n"),
    ],
)
def test_a_terminal_is_told_by_what_the_console_needs_of_it(setting: str, wanted: str) -> None:
    look = """
import os
from factory_tui.config.settings import UiTable
from factory_tui.engine.premises import terminal
for one in terminal(UiTable(), os.environ):
    print(f"{'✓' if one.well else '✗'} {one.what}: {one.found}\\n  Remedy: {one.remedy}")
"""
    command = f"{setting}; PYTHONPATH={ROOT} PYTHONUTF8=1 exec {sys.executable} -c {shlex.quote(look)}"
    with Terminal(["sh", "-c", command]) as screen:
        assert screen.ends() == 0, screen.got
        assert wanted in re.sub(r"\r+\n", "\n", screen.got.decode())


def test_plain_glyphs_need_no_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    look = "import os; from factory_tui.config.settings import UiTable as U; from factory_tui.engine import premises"
    command = [sys.executable, "-c", f"{look}; print([*premises.terminal(U(glyphs='ascii'), {{}})][-1])"]
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with Terminal(command) as screen:
        screen.ends()
        assert b"'locale', well=True" in screen.got.replace(b"what=", b"")


def test_what_no_engine_has_made_yet_is_not_made_by_looking(workspace: Workspace) -> None:
    assert list(permissions(workspace)) == [WHOLE]
    assert not workspace.state.exists()


@pytest.mark.parametrize("part", ["state", "keys", "socket"])
def test_what_others_may_reach_is_named_with_what_closes_it(workspace: Workspace, part: str) -> None:
    assert workspace.keys == keys_of(workspace.identity)
    workspace.socket.touch(0o600)
    assert list(permissions(workspace)) == [WHOLE]
    path = {"state": workspace.state, "keys": workspace.keys, "socket": workspace.socket}[part]
    path.chmod(0o755)
    (told,) = permissions(workspace)
    assert told == Finding("permissions", False, f"others may reach {path} (755)", f"chmod go= {path}")


def test_what_everybody_may_write_is_no_intent_of_ours(workspace: Workspace) -> None:
    workspace.config.chmod(0o666)
    (told,) = permissions(workspace)
    assert told.remedy == f"chmod o-w {workspace.config}"
