"""A tmux server of a test's own: consoles in real panes, keys sent to them, and what they show."""

import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.stage import ROOT

SIZE = (120, 40)
PATIENCE = 30.0
PROMPT = "the shell's again $ "
_CONFIG = """set -g status off
set -sg escape-time 0
set -g default-terminal screen-256color
"""


class Pane:
    """One terminal with a shell in it."""

    def __init__(self, server: "Tmux", name: str) -> None:
        self._server = server
        self._name = name

    def type(self, text: str) -> None:
        """Letter by letter, as they are."""
        self._server.say("send-keys", "-t", self._name, "-l", text)

    def key(self, name: str) -> None:
        """One key by tmux's name: Enter, Escape, Down, x."""
        self._server.say("send-keys", "-t", self._name, name)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return self._server.say("capture-pane", "-p", "-t", self._name)

    def until(self, what: str | Callable[[str], bool]) -> str:
        """The screen, once it shows these words, or is so."""
        deadline = time.monotonic() + PATIENCE
        while True:
            shown = self.text
            if what in shown if isinstance(what, str) else what(shown):
                return shown
            assert time.monotonic() < deadline, f"{self._name} does not show {what!r}:\n{shown}"
            time.sleep(0.05)


class Tmux:
    """Its server ends with the context of `running`; no other server is ever spoken to."""

    def __init__(self, program: str, folder: Path) -> None:
        self._folder = folder
        config = folder / "tmux.conf"
        config.write_text(_CONFIG)
        self._words = (program, "-L", f"factory-{secrets.token_hex(4)}", "-f", str(config))
        self._env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TMUX_TMPDIR": str(folder),
            "PS1": PROMPT,
            "SHELL": "/bin/sh",
        }
        for name in ("TMUX", "TMUX_PANE", "NO_COLOR", "COLUMNS", "LINES"):
            self._env.pop(name, None)

    def say(self, *words: str) -> str:
        """One command of tmux; what it prints."""
        done = subprocess.run([*self._words, *words], env=self._env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"tmux {' '.join(words)}: {done.stderr}"
        return done.stdout

    def pane(self, name: str) -> Pane:
        """A new terminal with a shell."""
        self.say("new-session", "-d", "-s", name, "-x", str(SIZE[0]), "-y", str(SIZE[1]), "sh")
        pane = Pane(self, name)
        pane.until(PROMPT.strip())
        return pane


@contextmanager
def running(program: str) -> Iterator[Tmux]:
    """A server, in a folder that is short enough for its socket."""
    with tempfile.TemporaryDirectory(prefix="tmux") as folder:
        server = Tmux(program, Path(folder))
        try:
            yield server
        finally:
            server.say("kill-server")
