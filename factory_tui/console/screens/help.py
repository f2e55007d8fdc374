"""All keys of here and everywhere, from the action table."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from factory_tui.console.action import Action, Scope
from factory_tui.console.keys import bindings
from factory_tui.console.offering import allowed, in_scope, shown
from factory_tui.console.paint import Row, left, wrap
from factory_tui.console.screens.dialog import Dialog
from factory_tui.console.widgets.panel import Panel

if TYPE_CHECKING:
    from textual import events

    from factory_tui.console.app import ConsoleApp

WIDTH = 76
THROUGH = ("go.", "palette", "detach", "emergency")
"""Actions whose keys work over it."""


class Keys(Panel):
    """A line or more for each; a click on one does it."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._scope = scope
        self.top = 0
        self.actions: list[str] = []
        """The action of each row."""

    def on_click(self, event: "events.Click") -> None:
        """As its key does."""
        row = self.top + event.y - 1
        action = self.actions[row] if 0 < event.y < self.size.height - 1 and row < len(self.actions) else ""
        if action:
            self.screen.dismiss()
            self.app.call_later(self.console_app.action_act, action)

    def heading(self) -> tuple[Row, Row]:
        """Of which screen."""
        return [("keys", "title"), (f" on the {self._scope} screen", "text")], [("esc closes", "dim")]

    def footing(self) -> Row:
        """How much lies below."""
        more = len(self.all_rows(WIDTH - 2)) - (self.size.height - 2) - self.top
        return [(f"{more} more {self.glyphs.more}", "dim")] if more > 0 else []

    def all_rows(self, width: int) -> list[Row]:
        """Those of here, then those of everywhere."""
        here = self._those(self._scope, width)
        named = [*here, ("", []), ("", [("  everywhere", "dim")]), *self._those("everywhere", width)]
        self.actions = [action for action, _ in named]
        return [row for _, row in named]

    def rows(self, width: int, height: int) -> list[Row]:
        """Those in sight."""
        found = self.all_rows(width)
        self.top = max(0, min(self.top, len(found) - height))
        return found[self.top : self.top + height]

    def _those(self, scope: Scope, width: int) -> list[tuple[str, Row]]:
        found: list[tuple[str, Row]] = []
        for action in in_scope(scope):
            keys = self.console_app.keys.get(action.id, ())
            if keys and allowed(action, self.mirror.role):
                found += [(action.id, row) for row in self._action(action, keys, width)]
        return found

    def _action(self, action: Action, keys: tuple[str, ...], width: int) -> list[Row]:
        named = " ".join(shown(key) for key in keys)
        first, *rest = wrap(action.text, width - 13)
        tone = "bad" if action.tier == 2 else "text"
        return [
            [(left(f"  {named}", 12), "key"), (first, tone)],
            *([(" " * 12, "text"), (text, tone)] for text in rest),
        ]


class HelpScreen(Dialog[None]):
    """What each key does here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,question_mark", "dismiss", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,space", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        *[item for item in bindings("everywhere") if isinstance(item, Binding) and (item.id or "").startswith(THROUGH)],
    ]

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._scope = scope

    def compose(self) -> ComposeResult:
        """One panel, as high as it needs to be."""
        yield Keys(self._scope)

    def on_mount(self) -> None:
        """Take the height that the keys need."""
        self._fit()

    def on_resize(self) -> None:
        """The terminal changed beneath it."""
        self._fit()

    def _fit(self) -> None:
        keys = self.query_one(Keys)
        keys.styles.height = min(len(keys.all_rows(WIDTH - 2)) + 2, cast("ConsoleApp", self.app).size.height - 2)

    def action_page(self, pages: int) -> None:
        """By pages."""
        self.action_scroll(pages * max(1, self.query_one(Keys).size.height - 3))

    def action_scroll(self, rows: int) -> None:
        """Scroll where the terminal is short."""
        keys = self.query_one(Keys)
        keys.top += rows
        keys.sync()
