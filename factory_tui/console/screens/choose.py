"""Which seed a new run is of, and who pays."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from factory_tui.console.paint import Row, left
from factory_tui.console.screens.dialog import Dialog
from factory_tui.console.widgets.panel import Panel
from factory_tui.domain.commands import StartRun
from factory_tui.domain.money import Ledger

_PAYS: dict[Ledger | None, str] = {
    None: "live if its key is set",
    "rehearsal": "rehearsal, no cost",
    "live": "live, spends money",
}


SEEDS = 8
"""That are shown at once, at most."""
FIXED_ROWS = 14
"""Of the dialog: all but the seeds."""


class _Seeds(Panel):
    """The seeds that match, one of them under the cursor."""

    def __init__(self, seeds: Sequence[str]) -> None:
        super().__init__()
        self._seeds = seeds
        self.shown = list(seeds)
        self.at = 0

    def heading(self) -> tuple[Row, Row]:
        return [("seeds", "title")], [(f"{len(self.shown)} of {len(self._seeds)}", "dim")]

    def rows(self, width: int, height: int) -> list[Row]:
        if not self.shown:
            return [[("  no seed of that name is known; enter asks the engine for it", "dim")]]
        top = max(0, self.at - height + 1)
        return [
            [(left(f"{self.glyphs.cursor if index == self.at else ' '} {name}", width), _role(index == self.at))]
            for index, name in enumerate(self.shown)
        ][top : top + height]

    def narrow(self, text: str) -> None:
        found = [name for name in self._seeds if text in name]
        self.shown = sorted(found, key=lambda name: (name != text, not name.startswith(text)))
        self.at = 0
        self.sync()

    def move(self, rows: int) -> None:
        self.at = max(0, min(self.at + rows, len(self.shown) - 1))
        self.sync()


def _role(chosen: bool) -> str:
    return "strong+cursor" if chosen else "text"


class ChooseSeed(Dialog[StartRun | None]):
    """Returns the command, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("tab", "pays", show=False, priority=True),
    ]

    def __init__(self, seeds: Sequence[str], ledger: Ledger | None) -> None:
        super().__init__()
        self._seeds = seeds
        self._ledger: Ledger | None = ledger

    def compose(self) -> ComposeResult:
        """A field, the seeds, and who pays."""
        with Vertical(classes="dialog"):
            yield Static("New run", classes="title", markup=False)
            yield Input(placeholder="type to narrow, enter starts")
            yield _Seeds(self._seeds)
            yield Static(self._says(), id="pays", markup=False)

    def on_mount(self) -> None:
        """As high as the seeds need."""
        self._fit()

    def on_resize(self) -> None:
        """The terminal changed beneath it."""
        self._fit()

    def _fit(self) -> None:
        room = max(1, self.app.size.height - FIXED_ROWS)
        self.query_one(_Seeds).styles.height = min(max(len(self._seeds), 1), SEEDS, room) + 2

    def _says(self) -> str:
        return f"model: {_PAYS[self._ledger]}   (tab changes)"

    @on(Input.Changed)
    def typed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        self.query_one(_Seeds).narrow(event.value.strip())

    @on(Input.Submitted)
    def entered(self, event: Input.Submitted) -> None:
        """Start the seed under the cursor, or the typed name."""
        seeds = self.query_one(_Seeds)
        name = seeds.shown[seeds.at] if seeds.shown else event.value.strip()
        self.dismiss(StartRun(name, ledger=self._ledger) if name else None)

    def action_move(self, rows: int) -> None:
        """Cursor."""
        self.query_one(_Seeds).move(rows)

    def action_pays(self) -> None:
        """The next of: config, rehearsal, live."""
        order = list(_PAYS)
        self._ledger = order[(order.index(self._ledger) + 1) % len(order)]
        self.query_one("#pays", Static).update(self._says())

    def action_cancel(self) -> None:
        """Nothing happens."""
        self.dismiss(None)
