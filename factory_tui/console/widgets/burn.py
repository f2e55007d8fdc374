"""The burn screen's first panels: each ledger's total, rate and caps, and the chart of what was spent over time.

The two ledgers are never added together. Money that was paid is shown to its last digit; what was divided is rounded.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from factory_tui.burn.caps import of_floor
from factory_tui.burn.pace import Rate
from factory_tui.burn.windows import HOUR
from factory_tui.console import burning, reckoning
from factory_tui.console.figures import count, duration, exact, money, percent
from factory_tui.console.glyphs import Tone, spark
from factory_tui.console.offering import shown
from factory_tui.console.paint import Row, fit, left, right
from factory_tui.console.plot import plot
from factory_tui.console.widgets.pane import Pane
from factory_tui.console.widgets.panel import Panel
from factory_tui.console.wording import labels
from factory_tui.domain.money import Burn, Ledger, Tokens, of_cap

if TYPE_CHECKING:
    from factory_tui.console.screens.burn import BurnScreen

KINDS = ("input", "output", "cache write", "cache read")
SHORT = ("input", "output", "write", "read")
"""The same where room is short."""
KIND_CELLS = 12
MONEY_CELLS = 14
_ONE_LINE_FROM = 110
"""Columns from which on a ledger's rate stands beside what it spent."""


def kinds(tokens: Tokens, room: int, role: str = "text") -> Row:
    """The four kinds of tokens, each in so many cells."""
    four = (tokens.input, tokens.output, tokens.cache_write, tokens.cache_read)
    return [(right(f"{number:,}" if room >= KIND_CELLS else count(number), room), role) for number in four]


def hourly(measured: Rate | None) -> str:
    """`$4.90/h over 12m`."""
    if measured is None:
        return "no rate yet"
    return f"{money(measured.hourly)}/h over {duration(measured.over / 1000)}"


class OfBurn(Panel):
    """What all panels of the screen have: what it looks at."""

    @property
    def burn(self) -> "BurnScreen":
        """The screen that this is on."""
        return cast("BurnScreen", self.screen)

    def keyed(self, actions: dict[str, str]) -> Row:
        """Keys of the table, each with what it is at now."""
        row: Row = []
        for action, text in actions.items():
            keys = self.console_app.keys[action]
            row += [("  " if row else "", "dim"), (f"{shown(keys[0])} " if keys else "", "key"), (text, "dim")]
        return row


class Totals(OfBurn):
    """A block for each ledger."""

    def sync(self) -> None:
        """What was burned is read from the journal when it is first looked at."""
        self.console_app.read_book()
        each = 1 if self.size.width >= _ONE_LINE_FROM else 2
        wanted = max(3, each * len(burning.ledgers(self.mirror.state)) + 3) + bool(self._caps(80))
        if str(self.styles.height) != str(wanted):
            self.styles.height = wanted
        super().sync()

    def heading(self) -> tuple[Row, Row]:
        """What a rate means; until the journal is read, how far it is."""
        if not self.mirror.read and self.console_app.feed:
            part = self.mirror.book.seq / max(1, self.mirror.state.seq)
            return [("burn", "title")], [(f"reading the journal: {percent(min(0.99, part))}", "waits")]
        return [("burn", "title")], [("rates are of the last hour, or as much of it as there was", "dim")]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: ARG002, D102
        ledgers = burning.ledgers(self.mirror.state)
        if not ledgers:
            return [[("  Nothing was burned yet. A run's calls are counted here as they are paid for.", "dim")]]
        head: Row = [(left("  ledger", 13), "dim"), (right("spent", MONEY_CELLS), "dim")]
        found = [[*head, *[(right(kind, KIND_CELLS), "dim") for kind in KINDS]]]
        for name in ledgers:
            burn = self.mirror.state.burn.get(name, Burn())
            who = left(f"  {labels(name, False) or name}", 13)
            paid = (right(exact(burn.money), MONEY_CELLS), "strong")
            row = [(who, "waits" if name == "rehearsal" else "text"), paid, *kinds(burn.tokens, KIND_CELLS)]
            if width + 2 >= _ONE_LINE_FROM:
                found.append([*row, ("   ", "text"), *self._hour(name)])
            else:
                found += [row, [(" " * 13, "text"), *self._hour(name), *self._minutes(name, width)]]
        return [*found, *self._caps(width)]

    def _caps(self, room: int) -> list[Row]:
        """What all live runs together may spend, how much of it they have, and when they have all of it."""
        row = list[tuple[str, str]]()
        for reach in of_floor(self.mirror.book, self.mirror.state, self.console_app.clock()):
            of = reach.spent / reach.amount if reach.amount else Decimal(1)
            tone: Tone = "bad" if of >= 1 else "waits" if of >= burning.WARN else "running"
            mark = f" {self.glyphs.marks[tone]}" if of >= burning.WARN else ""
            row += [
                (f"   {reach.cap} ", "dim"),
                (of_cap(reach.cap, reach.amount), "text"),
                (f" {percent(float(of))}{mark}", tone),
                (f" {reckoning.reach(reach)}", "dim"),
            ]
        return [fit(row, room)] if row else []

    def _hour(self, ledger: Ledger) -> Row:
        pace = self.mirror.book.paces.get(ledger)
        state = self.mirror.state
        held = sum((run.burn.reserved for run in state.runs.values() if run.ledger == ledger), Decimal(0))
        row: Row = [(hourly(pace.rate(self.console_app.clock()) if pace else None), "text")]
        if twice := state.burn.get(ledger, Burn()).twice:
            row.append((f"   {exact(twice)} possibly paid twice", "waits"))
        if held:
            row.append((f"   {exact(held)} reserved", "dim"))
        return row

    def _minutes(self, ledger: Ledger, room: int) -> Row:
        """Of the newest hour, as a line."""
        now = self.console_app.clock()
        view = self.mirror.book.series.view("1h", now, ledger, "run", lambda _: True)
        values = [float(one.money) for one in view.buckets]
        if not any(values) or room < 78:
            return []
        wide = 20
        newest = values[-wide * (2 if self.glyphs.braille else 1) :]
        return [("   ", "text"), (spark(newest, wide, self.glyphs), "running"), (f" {len(newest)}m", "dim")]


class BurnChart(OfBurn, Pane):
    """Dollars or tokens an hour over the window, of what the filter lets through; the day's cap as a line."""

    TITLE = "chart"

    def heading(self) -> tuple[Row, Row]:
        """The unit and the line; the ledger and what it spent in the window."""
        look, view = self.burn.look, self.burn.view
        unit = "$ an hour" if look.unit == "money" else "tokens an hour"
        told: Row = [("chart ", "title"), (unit, "text")]
        if (line := self._line()) is not None:
            told.append((f"  {self.glyphs.frame[4]} {line[0]}/24h", "waits"))
        spent = exact(view.total.money) if look.unit == "money" else f"{count(view.total.tokens.total)} tokens"
        ledger = self.burn.ledger
        of: Row = [(f"{labels(ledger, False) or ledger}  ", "waits" if ledger == "rehearsal" else "text")]
        return told, [*of, (f"{spent} in {'all' if view.window == 'all' else view.window}", "strong")]

    def footing(self) -> Row:
        """The keys that turn it."""
        burn = self.burn
        return self.keyed(
            {
                "burn.window": burn.view.window,
                "burn.unit": burn.look.unit,
                "burn.ledger": burn.ledger,
            }
        )

    def _line(self) -> tuple[str, Decimal] | None:
        """The day's cap: its name, and what an hour may have of it."""
        name: Ledger = self.burn.ledger
        known = self.mirror.state.caps.get("day_cap" if self.burn.look.unit == "money" else "day_tokens")
        if name != "live" or known is None or not known.amount:
            return None
        cap = "day_cap" if self.burn.look.unit == "money" else "day_tokens"
        return f"{cap} {money(known.amount) if cap == 'day_cap' else count(float(known.amount))}", known.amount / 24

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        view, in_money = self.burn.view, self.burn.look.unit == "money"
        amounts = [one.money if in_money else Decimal(one.tokens.total + one.unsaid) for one in view.buckets]
        values = [float(one) * HOUR / view.step for one in amounts]
        if not any(values):
            return [[(f"  Nothing was spent in {view.window}.", "dim")]]
        line = self._line()
        return plot(
            values,
            (width - 1, height),
            self.glyphs,
            lambda value: money(Decimal(repr(value))) if in_money else count(value),
            times=[_when(view.begins + number * view.step, view.step) for number in range(len(values))],
            line=float(line[1]) if line else None,
        )


def _when(at: int, step: int) -> str:
    """`14:05`, of longer steps `Nov 30`."""
    then = datetime.fromtimestamp(at / 1000, UTC)
    return then.strftime("%H:%M") if step < HOUR else f"{then:%b} {then.day}"
