"""The peer: the same link drawn with Textual's own RichLog, as a program that has not thought about it would.

It shows what the console's trace shows: the chosen run's stream, a frame a write. Up and down choose a run.
"""

import sys
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import RichLog, Static

from factory_tui.domain.live import LiveText
from factory_tui.link.client import Link


class Logs(App[None]):
    """A title and a log."""

    AUTO_FOCUS: ClassVar[str | None] = ""  # a log in focus takes up and down for itself
    BINDINGS: ClassVar[list[BindingType]] = [("down", "move(1)", "down"), ("up", "move(-1)", "up")]
    CSS = "Static { height: 1 }"

    def __init__(self, socket: Path) -> None:
        super().__init__()
        self._socket = socket
        self._runs: list[str] = []
        self._chosen = 0

    def compose(self) -> ComposeResult:
        yield Static("trace", id="title")
        yield RichLog(max_lines=5000)

    def on_mount(self) -> None:
        """Attach."""
        self.run_worker(self._follow())

    async def _follow(self) -> None:
        link = await Link.connect(self._socket)
        self._runs = sorted(link.state.runs, key=lambda name: int(name.rpartition("-")[2]))
        self.action_move(0)
        log = self.query_one(RichLog)
        async for message in link:
            if isinstance(message, LiveText) and message.run == self._runs[self._chosen]:
                log.write(message.text)

    def action_move(self, by: int) -> None:
        """Choose another run."""
        self._chosen = max(0, min(self._chosen + by, len(self._runs) - 1))
        self.query_one("#title", Static).update(f"trace {self._runs[self._chosen]} ")


if __name__ == "__main__":
    Logs(Path(sys.argv[1])).run()
