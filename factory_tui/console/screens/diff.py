"""What changed from one pass of a run to another: the engine makes the diff, since a console may have no files."""

from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from factory_tui.console.feed import RefusedError
from factory_tui.console.paint import Row, cut, wrap
from factory_tui.console.screens.dialog import Dialog
from factory_tui.console.widgets.panel import Panel
from factory_tui.console.work import begin
from factory_tui.domain.hostile import clean, one_line

if TYPE_CHECKING:
    from textual import events

    from factory_tui.console.app import ConsoleApp

LINES = 20_000
"""Lines of a diff that are drawn, at most."""
LINE = 2_000
"""Characters of one line that are drawn."""
_TONES = {"+": "good", "-": "bad", "@": "title", "d": "strong"}


class _Changes(Panel):
    """The diff, wrapped once for a width; only what is in sight is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.title: Row = []
        self.said = "asking the engine…"
        """Instead of a diff."""
        self.cut = False
        self.top = 0
        self._lines: list[str] = []
        self._rows: list[Row] = []
        self._wide = 0

    def show(self, text: str, is_cut: bool) -> None:
        """Another diff."""
        self._lines = clean(text).expandtabs(4).splitlines()
        self.cut = is_cut or len(self._lines) > LINES
        self.said = "" if self._lines else "nothing changed"
        self.top = self._wide = 0
        self.sync()

    def tell(self, said: str) -> None:
        """Words instead of a diff."""
        self._lines, self.said, self.cut, self._wide = [], said, False, 0
        self.sync()

    def heading(self) -> tuple[Row, Row]:
        """Which passes, and how much."""
        added = sum(line.startswith("+") and not line.startswith("+++ ") for line in self._lines)
        gone = sum(line.startswith("-") and not line.startswith("--- ") for line in self._lines)
        counted: Row = [(f"+{added} ", "good"), (f"-{gone}", "bad")] if self._lines else []
        return self.title, counted

    def footing(self) -> Row:
        """How much lies below, and the keys."""
        below = len(self._rows) - self.top - (self.size.height - 2)
        more = f"{below} more {self.glyphs.more}  " if below > 0 else "its end is left out  " if self.cut else ""
        return [(f"{more}[ ] later  {{ }} earlier  esc", "dim")]

    def rows(self, width: int, height: int) -> list[Row]:
        if self.said:
            return [[("  ", "text"), (part, "waits")] for part in wrap(self.said, width - 4)]
        if self._wide != width:
            self._wide, self._rows = width, [row for line in self._lines[:LINES] for row in _drawn(line, width)]
        self.top = max(0, min(self.top, len(self._rows) - height))
        return self._rows[self.top : self.top + height]

    def scroll(self, rows: int) -> None:
        self.top += rows
        self.sync()

    def on_mouse_scroll_up(self, event: "events.MouseScrollUp") -> None:
        event.stop()
        self.scroll(-3)

    def on_mouse_scroll_down(self, event: "events.MouseScrollDown") -> None:
        event.stop()
        self.scroll(3)


def _drawn(line: str, width: int) -> list[Row]:
    if line.startswith("diff "):
        return [[(cut(line, width), "strong+cursor")]]
    tone = "dim" if line.startswith(("+++ ", "--- ", "index ")) else _TONES.get(line[:1], "text")
    return [[(part, tone)] for part in wrap(line[:LINE], width)]


class DiffScreen(Dialog[None]):
    """Begins with two passes (0: nothing before the first), or with what the newest pass changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,d", "dismiss", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,space", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home,g", "scroll(-1000000)", show=False),
        Binding("end,G", "scroll(1000000)", show=False),
        Binding("right_square_bracket", "later(1)", show=False),
        Binding("left_square_bracket", "later(-1)", show=False),
        Binding("right_curly_bracket", "earlier(1)", show=False),
        Binding("left_curly_bracket", "earlier(-1)", show=False),
    ]

    def __init__(self, run: str, passes: tuple[int, int] | None = None) -> None:
        super().__init__()
        self._run = run
        self._passes = passes
        self._before = self._after = 0

    @property
    def console_app(self) -> "ConsoleApp":
        """The app, as what it is."""
        return cast("ConsoleApp", self.app)

    @property
    def _panel(self) -> _Changes:
        return self.query_one(_Changes)

    def _made(self) -> list[int]:
        """Passes with an output, and 0 for none."""
        run = self.console_app.mirror.run(self._run)
        return [0, *(item.number for item in run.passes if item.commit)] if run else [0]

    def compose(self) -> ComposeResult:
        """One panel over everything."""
        yield _Changes()

    def on_mount(self) -> None:
        """Those that were asked for; else the newest pass, and the one before it."""
        made = self._made()
        self._before, self._after = self._passes or (made[-2] if len(made) > 1 else 0, made[-1])
        self._load()

    def _load(self) -> None:
        run = self.console_app.mirror.run(self._run)
        began = str(run.forked) if run and run.forked else "nothing"
        names = [f"pass {number}" if number else began for number in (self._before, self._after)]
        self._panel.title = [("diff", "title"), (f" {self._run}: {names[0]} to {names[1]}", "text")]
        self._panel.tell("asking the engine…")
        begin(self, partial(self._ask, self._before, self._after), "diff")

    async def _ask(self, before: int, after: int) -> None:
        try:
            text, is_cut = await self.console_app.diff(self._run, before, after)
        except (RefusedError, OSError) as trouble:
            self._panel.tell(one_line(str(trouble), 400))
        else:
            self._panel.show(text, is_cut)

    def action_later(self, by: int) -> None:
        """Another later pass; the earlier one stays below it."""
        later = [number for number in self._made() if number] or [0]
        at = later.index(self._after) + by if self._after in later else len(later) - 1
        self._choose(self._before, later[max(0, min(at, len(later) - 1))])

    def action_earlier(self, by: int) -> None:
        """Another earlier pass, or nothing."""
        earlier = [number for number in self._made() if number < self._after] or [0]
        at = earlier.index(self._before) + by if self._before in earlier else len(earlier) - 1
        self._choose(earlier[max(0, min(at, len(earlier) - 1))], self._after)

    def _choose(self, before: int, after: int) -> None:
        if not after:
            return  # the run is gone
        if before >= after:
            before = max(number for number in self._made() if number < after)
        if (before, after) != (self._before, self._after):
            self._before, self._after = before, after
            self._load()

    def action_scroll(self, rows: int) -> None:
        """By rows."""
        self._panel.scroll(rows)

    def action_page(self, pages: int) -> None:
        """By pages."""
        self._panel.scroll(pages * max(1, self._panel.size.height - 3))
