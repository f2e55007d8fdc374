"""What is behind the door, and what a terminal looks like after a drop; the door itself is in tests/e2e."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory_tui.door import Refused, Wish, wish
from factory_tui.remote import MENDED
from tests.terminal import Terminal

ROOT = Path("/srv/work")


@pytest.mark.parametrize(
    ("asked", "terminal", "wanted"),
    [
        ("", True, "console"),
        ("", False, "link"),
        ("factory-tui", True, "console"),
        ("/opt/bin/factory-tui --workspace /srv/work", True, "console"),
        ("factory-tui link", False, "link"),
        ("factory-tui link --workspace=/srv/work", False, "link"),
        ("factory-tui link --workspace /srv/work/seeds", False, "link"),
        ("python3 -m factory_tui link --workspace=/srv/../srv/work", False, "link"),
    ],
)
def test_what_may_be_asked_for(asked: str, terminal: bool, wanted: Wish) -> None:
    assert wish(asked, ROOT, terminal=terminal) == wanted


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize(
    "asked",
    [
        "sh",
        "link",
        "factory-tui engine stop",
        "factory-tui door root --role admin",
        "factory-tui link; sh",
        "factory-tui link --workspace=/srv",
        "factory-tui link --workspace /srv/worker",
        "factory-tui --workspace=/",
        "--workspace=/srv/work",
        "scp -t /",
        "internal-sftp",
        "'",
        "\x1b[2J",
    ],
)
def test_nothing_else_may(asked: str, terminal: bool) -> None:
    with pytest.raises(Refused, match=r"Remedy: ") as refused:
        wish(asked, ROOT, terminal=terminal)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    "deed",
    [
        "subprocess.run(['true'])",
        "os.system('true')",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "pty.spawn('true')",
        "asyncio.run(asyncio.create_subprocess_exec('true'))",
        "open('made', 'w')",
        "open('kept', 'a')",
        "os.open('made', os.O_CREAT)",
        "pathlib.Path('kept').rename('other')",
        "pathlib.Path('kept').unlink()",
        "os.mkdir('made')",
    ],
)
def test_behind_the_door_no_process_is_started_and_nothing_written(tmp_path: Path, deed: str) -> None:
    (tmp_path / "kept").write_text("as it was")
    code = f"import asyncio, os, pathlib, pty, subprocess\nfrom factory_tui.door import shut\nshut()\n{deed}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "PermissionError: behind the door" in done.stderr) == (1, True), done.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("kept", "as it was")]


def test_a_terminal_is_mended() -> None:
    """After raw mode and the alternate screen, where a console was when its line dropped."""
    broken = "import sys, tty; tty.setraw(0); print('\\x1b[?1049h\\x1b[?1000h', end='', flush=True)"
    mend = f'{sys.executable} -c "{broken}"; {sys.executable} -m factory_tui fixterm; echo mended'
    with Terminal(["/bin/sh", "-c", mend]) as terminal:
        before = terminal.settings
        assert terminal.ends() == 0
        said = terminal.got.decode()
        assert MENDED.strip() in said
        assert said.endswith("mended\r\n"), "lines end as they should"
        assert terminal.settings[3] & before[3] == before[3], "echo and line discipline are back"


def test_what_is_no_terminal_cannot_be_mended() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "factory_tui", "fixterm"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "stdin is none" in done.stderr
