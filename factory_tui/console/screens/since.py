"""Since you last looked: over the screen in front, and gone at the next key, which does what it does there."""

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType

from factory_tui.console.briefing import TITLES, Briefing, Item
from factory_tui.console.figures import count, day, duration, stamp
from factory_tui.console.paint import Row, cut, left, wrap
from factory_tui.console.screens.dialog import Dialog
from factory_tui.console.widgets.panel import Panel

if TYPE_CHECKING:
    from textual.app import ComposeResult

WIDTH = 100
_STAYS = frozenset({"up", "down", "k", "j", "pageup", "pagedown", "home", "end", "enter", "escape"})
"""Keys that are its own."""


class _News(Panel):
    """One line after the other; the cursor stands on what can be opened."""

    def __init__(self, found: Briefing) -> None:
        super().__init__()
        self.found = found
        self.at = 0
        self._top = 0

    @property
    def items(self) -> list[Item]:
        """All of them, in order."""
        return [item for items in self.found.sections.values() for item in items]

    def heading(self) -> tuple[Row, Row]:
        found = self.found
        gone = duration((self.console_app.engine_clock() - found.since) / 1000)
        title: Row = [("since you last looked", "title"), (f"  {gone} ago, {stamp(found.since)}", "text")]
        if day(found.since) != day(found.until):
            title[1] = (f"  {gone} ago, {day(found.since)} {stamp(found.since)}", "text")
        return title, [(f"{count(found.events)} events", "dim")]

    def footing(self) -> Row:
        return [("any key closes, ", "dim"), ("enter", "key"), (" opens", "dim")]

    def all_rows(self, width: int) -> list[Row]:
        """Every row, and which belongs to the cursor."""
        rows, number = list[Row](), 0
        if not self.found.news:
            rows.append([("  Nothing happened that anybody has to know of.", "dim")])
        for title, items in self.found.sections.items():
            if rows:
                rows.append([])
            rows.append([(f" {TITLES[title]}", "strong"), (f"  {len(items)}" if len(items) > 1 else "", "dim")])
            for item in items:
                chosen = number == self.at
                first, *rest = wrap(item.text, width - 14)
                when = stamp(item.at)[:5] if item.at else ""
                row: Row = [
                    (f" {self.glyphs.cursor if chosen else ' '} ", "key"),
                    (left(when, 6), "dim"),
                    (f"{self.glyphs.marks[item.tone]} ", item.tone),
                    (first, "strong" if item.mine else "text"),
                ]
                rows.append([(text, f"{role}+cursor") for text, role in row] if chosen else row)
                rows += [[(" " * 11, "text"), (cut(part, width - 13), "text")] for part in rest[:2]]
                number += 1
        return rows

    def rows(self, width: int, height: int) -> list[Row]:
        found = self.all_rows(width)
        at = next((n for n, row in enumerate(found) if any("+cursor" in role for _, role in row)), 0)
        self._top = max(0, min(self._top, len(found) - height, at), at - height + 1)
        return found[self._top : self._top + height]

    def move(self, rows: int) -> None:
        """The cursor."""
        self.at = max(0, min(self.at + rows, len(self.items) - 1))
        self.sync()


class Since(Dialog[None]):
    """Enter opens what is under the cursor; every other key but those that move closes it, and is done below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("pagedown", "move(8)", show=False),
        Binding("pageup", "move(-8)", show=False),
        Binding("home", "move(-1000)", show=False),
        Binding("end", "move(1000)", show=False),
        Binding("enter", "open", show=False),
        Binding("escape", "dismiss", show=False),
    ]

    def __init__(self, found: Briefing) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> "ComposeResult":
        """One panel, as high as it needs to be."""
        yield _News(self._found)

    def on_mount(self) -> None:
        """Take the room that it needs."""
        self._fit()

    def on_resize(self) -> None:
        """The terminal changed beneath it."""
        self._fit()

    def _fit(self) -> None:
        news, (wide, high) = self.query_one(_News), self.app.size
        news.styles.width = min(WIDTH, wide - 4)
        news.styles.height = min(len(news.all_rows(min(WIDTH, wide - 4) - 2)) + 2, high - 2)

    def action_move(self, rows: int) -> None:
        """The cursor."""
        self.query_one(_News).move(rows)

    def action_open(self) -> None:
        """What the line is about."""
        news = self.query_one(_News)
        app, items = news.console_app, news.items
        self.dismiss()
        if items:
            app.call_later(app.open_item, items[news.at])

    async def on_key(self, event: events.Key) -> None:
        """Any other key: closed, and done on the screen below."""
        if event.key not in _STAYS:
            event.stop()
            self.dismiss()
            self.app.call_later(self.app.post_message, events.Key(event.key, event.character))

    def on_click(self, event: events.Click) -> None:
        """Beside it: closed."""
        if event.widget is self:
            self.dismiss()
