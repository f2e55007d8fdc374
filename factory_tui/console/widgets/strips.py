"""The floor's strips, where there is room: the head of the inbox, burn, who did what. A click opens the screen."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from factory_tui.console.burning import WARN
from factory_tui.console.figures import count, duration, percent, stamp
from factory_tui.console.glyphs import Tone, meter, spark
from factory_tui.console.offering import shown
from factory_tui.console.paint import Row, cut, left, middle, right, width
from factory_tui.console.waiting import waiting
from factory_tui.console.widgets.panel import Panel
from factory_tui.domain.hostile import one_line
from factory_tui.domain.money import of_cap

if TYPE_CHECKING:
    from textual import events

NAME = 16
"""Cells of a run's name, and of a cap's."""


class Strip(Panel):
    """A panel that leads to a screen."""

    TITLE: ClassVar[str]
    ACTION: ClassVar[str] = ""

    def heading(self) -> tuple[Row, Row]:
        """What it is, and the key to all of it."""
        keys = self.console_app.keys.get(self.ACTION, ())
        return [(self.TITLE, "title")], [(shown(keys[0]), "key"), (" opens it", "dim")] if keys else []

    def on_click(self, _event: "events.Click") -> None:
        """To its screen."""
        if self.ACTION:
            self.console_app.action_act(self.ACTION)


class InboxStrip(Strip):
    """What waits longest."""

    TITLE = "inbox"
    ACTION = "go.inbox"

    def rows(self, room: int, height: int) -> Sequence[Row]:
        """A line each; the last one counts what has no room."""
        items = waiting(self.mirror.state)
        if not items:
            return [[("  Nothing waits for you.", "dim")]]
        found: list[Row] = []
        for item in items[: height - (len(items) > height)]:
            asked = item.asked
            tone: Tone = "asks" if asked else "waits"
            said = asked.question if asked else f"{item.run.reason or 'held'}: {item.run.why}"
            row: Row = [
                (f" {self.glyphs.marks[tone]} ", tone),
                (left(item.id if asked else "held", 6), "strong"),
                (left(middle(item.run.id, NAME), NAME), "text"),
                (right(duration((self.console_app.clock() - item.since) / 1000), 5) + "  ", "dim"),
            ]
            found.append([*row, (cut(one_line(said, 300), max(0, room - width(row) - 1)), "text")])
        if len(items) > height:
            found.append([(f"   and {len(items) - height + 1} more", "dim")])
        return found


class BurnStrip(Strip):
    """Tokens a second over the last minutes, and the caps of all live runs together."""

    TITLE = "burn"
    ACTION = "go.burn"

    def rows(self, room: int, height: int) -> Sequence[Row]:
        """The rate, then a line a cap."""
        values = self.mirror.rate(self.console_app.clock(), 60)
        now = sum(values[-3:]) / 3
        wide = max(8, room - NAME - 12)
        graph = spark(values, min(wide, 60), self.glyphs) if any(values) else ""
        rate: Row = [
            (left(" tokens/s", NAME), "dim"),
            (graph, "running"),
            (f" {count(now)}" if graph else "none lately", "text"),
        ]
        state = self.mirror.state
        found = [rate]
        for name, known in state.caps.items():
            if known.amount is None:
                continue
            of = state.spent(name, self.console_app.clock()) / known.amount if known.amount else Decimal(1)
            tone: Tone = "bad" if of >= 1 else "waits" if of >= WARN else "running"
            said = f" {percent(float(of))} of {of_cap(name, known.amount)}"
            bar = meter(float(of), max(4, min(40, room - NAME - len(said) - 1)), self.glyphs, tone)
            found.append([(left(f" {name}", NAME), "dim"), *bar, (said, "text" if of < WARN else tone)])
        if len(found) == 1:
            found.append([(left(" caps", NAME), "dim"), ("none for all runs together", "dim")])
        return found[:height]


class PeopleStrip(Strip):
    """What people did last."""

    TITLE = "who did what"

    def rows(self, room: int, height: int) -> Sequence[Row]:
        """The newest at the bottom, as in every trace."""
        self.console_app.glance("")
        told = (line for line in reversed(self.mirror.floor.lines) if line.who in ("operator", "engine", "seed"))
        lines = list(islice(told, height))
        found: list[Row] = [
            [(f" {stamp(line.at)} ", "dim"), (cut(line.text, max(0, room - 11)), "text")] for line in reversed(lines)
        ]
        return found or [[("  Nothing yet.", "dim")]]
