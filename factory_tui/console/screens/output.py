"""What a line of the trace is short for, in full and read from the journal, over the screen it was opened on."""

import contextlib
import os
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from factory_tui.console.feed import RefusedError
from factory_tui.console.figures import size, stamp
from factory_tui.console.outside import lend
from factory_tui.console.screens.dialog import Dialog
from factory_tui.console.trace import Line
from factory_tui.console.whole import whole
from factory_tui.console.widgets.output import Output
from factory_tui.console.work import begin
from factory_tui.domain.hostile import clean, one_line

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp

COPIED = 1 << 20
"""Characters that are copied at once: terminals drop what is much longer."""
_PAGER = "less"


class OutputScreen(Dialog[None]):
    """Read-only."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,space", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home,g", "to_end(True)", show=False),
        Binding("end,G", "to_end(False)", show=False),
        Binding("slash", "search", show=False),
        Binding("n", "match(1)", show=False),
        Binding("N", "match(-1)", show=False),
        Binding("y,Y", "copy", show=False),
        Binding("o", "pager", show=False),
    ]

    def __init__(self, line: Line, seqs: Sequence[int]) -> None:
        super().__init__()
        self._line, self._seqs = line, seqs

    @property
    def console_app(self) -> "ConsoleApp":
        """The app, as what it is."""
        return cast("ConsoleApp", self.app)

    @property
    def _output(self) -> Output:
        return self.query_one(Output)

    def compose(self) -> ComposeResult:
        """One panel over everything."""
        what = one_line(self._line.text, 60)
        yield Output([(f"{self._line.who} ", "title"), (f"{stamp(self._line.at)}  {what}", "text")])

    def on_mount(self) -> None:
        """Ask the journal."""
        begin(self, self._read, "output")

    async def _read(self) -> None:
        try:
            text = await read(self.console_app, self._line, self._seqs)
        except (RefusedError, OSError) as trouble:
            self._output.tell(one_line(str(trouble), 400))
        else:
            self._output.show(text)

    def action_scroll(self, rows: int) -> None:
        """By rows."""
        self._output.scroll(rows)

    def action_page(self, pages: int) -> None:
        """By pages."""
        self._output.scroll(pages * max(1, self._output.size.height - 3))

    def action_to_end(self, first: bool) -> None:
        """To an end of it."""
        self._output.to_end(first)

    def action_match(self, by: int) -> None:
        """To another place of what is searched."""
        self._output.to_match(by)

    def action_search(self) -> None:
        """Typed below it."""
        from factory_tui.console.widgets.prompt import Prompt  # noqa: PLC0415 - inputs are slow to import

        if not self.query(Prompt):
            self.mount(Prompt("search for words", self._output.search, self._output.look_for))

    def action_copy(self) -> None:
        """All of it."""
        copy(self.console_app, self._output.text, "all of it")

    def action_pager(self) -> None:
        """Into the operator's pager, where this console may open one."""
        page(self.console_app, self._output.text)


async def read(app: "ConsoleApp", line: Line, seqs: Sequence[int]) -> str:
    """What a line is short for. Raises RefusedError, OSError."""
    events = await app.whole(line.run, seqs)
    return whole(events) or "It is not in the journal any more."


def copy(app: "ConsoleApp", text: str, what: str) -> None:
    """Into the operator's clipboard, through the terminal; it has been asked for, and is cleaned."""
    if len(text) > COPIED:
        app.say("waits", f"{size(len(text))} are too much for a clipboard: o opens it in a pager")
        return
    app.copy_to_clipboard(clean(text))
    app.say("good", f"copied {what}, {size(len(text))}")


def page(app: "ConsoleApp", text: str) -> bool:
    """In the pager, if this console may open a process; whether it may."""
    if app.folder is None:
        app.say("waits", "a pager opens on the engine's own machine only; this is all of it")
        return False
    words = shlex.split(os.environ.get("PAGER") or _PAGER)
    number, name = tempfile.mkstemp(prefix="factory-tui-", suffix=".txt")
    try:
        with os.fdopen(number, "w", encoding="utf-8", errors="replace") as file:
            file.write(clean(text))
        lend(app, [*words, name], "the pager", remedy=f"set PAGER to one that is installed ({words[0]} was tried)")
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
    return True
