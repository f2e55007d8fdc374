"""The console in a real terminal: a pseudo terminal, real bytes, a real exit."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

CODE = """
import sys
from pathlib import Path
from factory_tui.console.app import run_console
from factory_tui.console.feed import attach_to
sys.exit(run_console(attach_to(Path(sys.argv[1]))))
"""


def read_until(master: int, word: bytes, seconds: float = 30.0) -> bytes:
    """What the terminal got, up to and with `word`; whatever came, when the other side is gone."""
    got, deadline = b"", time.monotonic() + seconds
    while word not in got:
        ready, _, _ = select.select([master], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"{word!r} did not come; got {got[-400:]!r}"
        try:
            got += os.read(master, 65536)
        except OSError:  # Linux answers EIO once nobody holds the other side
            return got
    return got


def test_it_paints_without_an_engine_and_q_leaves_with_the_terminal_as_it_was(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(slave)
    command = [sys.executable, "-c", CODE, str(tmp_path / "engine.sock")]
    env = {**os.environ, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"}
    console = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=env)
    try:
        painted = read_until(master, b"FACTORY")
        assert b"\x1b[?1049h" in painted, "it draws on the other screen"
        read_until(master, b"No link to an engine")
        os.write(master, b"q")
        left = read_until(master, b"\x1b[?1049l")
        assert b"Traceback" not in left
        assert console.wait(20) == 0
        assert termios.tcgetattr(slave) == before
    finally:
        console.kill()
        console.wait()
        os.close(master)
        os.close(slave)
