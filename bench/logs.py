"""The peers: the same link drawn with Textual's own RichLog or Log, as a program that has not thought about it would.

    python -m bench.logs KIND PANES SOCKET     KIND: richlog, log

They show what the console does: as many runs as there are panes, a line a write. Up and down choose a run; of one pane
it is the run that is shown.
"""

import sys
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Grid
from textual.widgets import Log, RichLog, Static

from factory_tui.domain.live import LiveText
from factory_tui.link.client import Link

LINES = 5000
"""Of each pane."""


class Logs(App[None]):
    """A title and some logs."""

    AUTO_FOCUS: ClassVar[str | None] = ""  # a log in focus takes up and down for itself
    BINDINGS: ClassVar[list[BindingType]] = [("down", "move(1)", "down"), ("up", "move(-1)", "up")]
    CSS = "Static { height: 1 } Grid { grid-size: 4 }"

    def __init__(self, kind: str, panes: int, socket: Path) -> None:
        super().__init__()
        self._kind, self._panes, self._socket = kind, panes, socket
        self._runs: list[str] = []
        self._chosen = 0

    def _empty(self) -> RichLog | Log:
        return RichLog(max_lines=LINES) if self._kind == "richlog" else Log(max_lines=LINES)

    def compose(self) -> ComposeResult:
        """One pane fills the screen."""
        yield Static("trace", id="title")
        if self._panes == 1:
            yield self._empty()
            return
        with Grid():
            for _ in range(self._panes):
                yield self._empty()

    def on_mount(self) -> None:
        """Attach."""
        self.run_worker(self._follow())

    async def _follow(self) -> None:
        link = await Link.connect(self._socket)
        self._runs = sorted(link.state.runs, key=lambda name: int(name.rpartition("-")[2]))
        self.action_move(0)
        logs = [*self.query(RichLog), *self.query(Log)]
        async for message in link:
            if not isinstance(message, LiveText):
                continue
            place = self._runs.index(message.run) if self._panes > 1 else message.run != self._runs[self._chosen]
            if place < self._panes:
                self._write(logs[place], message.text)

    def _write(self, log: RichLog | Log, text: str) -> None:
        if self._panes == 1:
            log.write(text)
            return
        for line in text.splitlines():
            log.write_line(line) if isinstance(log, Log) else log.write(line)

    def action_move(self, by: int) -> None:
        """Choose another run."""
        self._chosen = max(0, min(self._chosen + by, len(self._runs) - 1))
        self.query_one("#title", Static).update(f"trace {self._runs[self._chosen]} ")


if __name__ == "__main__":
    Logs(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])).run()
