"""Where burn leads and what it comes to: forecasts with their back-test, operators and days, whether loops compound."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from factory_tui.burn.caps import of_floor, of_run
from factory_tui.burn.people import Spent, spent
from factory_tui.burn.worth import Succession, successions
from factory_tui.console import reckoning
from factory_tui.console.figures import exact, money, plural
from factory_tui.console.glyphs import meter, spark
from factory_tui.console.paint import Row, left, right, wrap
from factory_tui.console.widgets.burn import OfBurn
from factory_tui.console.widgets.scrolled import Scrolled
from factory_tui.console.wording import labels
from factory_tui.domain.money import DAY
from factory_tui.domain.state import OVER, Run

_NAME = 15


class ForecastBurn(OfBurn, Scrolled):
    """Of the chosen run: what is left to satisfaction and to each cap, and how wrong such words were before."""

    TITLE = "forecast"

    def heading(self) -> tuple[Row, Row]:
        """Of which run."""
        return [("forecast ", "title"), (self.console_app.chosen, "text")], []

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        run = self.mirror.run(self.console_app.chosen)
        if run is None:
            return [[("  No run is chosen.", "dim")]]
        return self.window(run.id, [*self._satisfaction(run, width), *self._caps(run, width)], height)

    def _satisfaction(self, run: Run, room: int) -> list[Row]:
        account = self.mirror.book.accounts.get(run.id)
        if account is None:
            return [[("  not read from the journal yet", "dim")]]
        if run.state in OVER or account.reached:
            ended = "satisfied" if account.reached or run.state == "shipped" else f"{run.state} without"
            found = self._lines("satisfaction", ended, room)
        else:
            told = account.left(self.console_app.clock())
            found = self._lines("satisfaction", reckoning.outlook(told).removesuffix(" to satisfaction"), room)
            if told is None:
                found += self._aside("3 passes of it or of its loop have to be known", room)
            elif told.passes is not None and told.passes > run.max_passes - len(run.passes):
                found += self._aside(f"more than max_passes ({run.max_passes}) leaves it", room)
        record = self.mirror.book.loop(account).record()
        return found + self._aside(f"back-test on loop {run.loop}: {reckoning.record(record)}", room)

    def _caps(self, run: Run, room: int) -> list[Row]:
        book, state, now = self.mirror.book, self.mirror.state, self.console_app.clock()
        found: list[Row] = []
        floor = [] if run.rehearsal else of_floor(book, state, now)
        for one in (*of_run(book, state, run.id, now), *floor):
            found += self._lines(one.cap, f"{reckoning.amount(one)}, {reckoning.reach(one)}", room)
            if late := reckoning.lateness(one):
                found += self._aside(f"back-test: {late}", room)
        return found

    def _lines(self, name: str, said: str, room: int) -> list[Row]:
        lines = wrap(said, room - _NAME - 1)
        return [
            [(left(f"  {'' if number else name}", _NAME), "dim"), (line, "text")] for number, line in enumerate(lines)
        ]

    def _aside(self, said: str, room: int) -> list[Row]:
        return [[(f"{' ' * _NAME}{line}", "dim")] for line in wrap(said, room - _NAME - 1)]


class PeopleBurn(OfBurn, Scrolled):
    """Each operator's runs by day of UTC, against a target."""

    TITLE = "operators"

    def heading(self) -> tuple[Row, Row]:
        """Whose ledger."""
        ledger = self.burn.ledger
        who = labels(ledger, False) or ledger
        return [("operators ", "title"), ("by day, UTC", "text")], [(who, "waits" if ledger == "rehearsal" else "text")]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        app, ledger = self.console_app, self.burn.ledger
        found = spent(self.mirror.book, ledger, app.clock(), app.targets)
        if not found:
            return [[("  Nobody's runs have spent anything yet.", "dim")]]
        lines = [self._line(one, width) for one in found]
        if ledger == "live" and not any(one.target is not None for one in found):
            lines.append([("  [policy] day_target in config.toml is a line to compare with.", "dim")])
        return self.window(ledger, lines, height)

    def _line(self, one: Spent, room: int) -> Row:
        day = datetime.fromtimestamp(one.day * DAY / 1000, UTC)
        row: Row = [
            (left(f"  {day:%b} {day.day}", 9), "dim"),
            (left(one.operator, 11), "text"),
            (right(exact(one.burn.money), 12), "strong"),
        ]
        if one.target is None or one.over is None:
            return row
        over = one.over > 0
        tone = "waits" if over else "running"
        if room >= 66:
            share = float(one.burn.money / one.target) if one.target else 1.0
            row += [("  ", "text"), *meter(share, 10, self.glyphs, "waits" if over else "running")]
        mark = f"{self.glyphs.marks['waits']} " if over else "  "
        return [*row, (f" {mark}{reckoning.against(one)}", tone if over else "dim")]


class CompoundBurn(OfBurn, Scrolled):
    """Whether the next run of a loop takes fewer passes, and less money, than those before."""

    TITLE = "compounding"

    def heading(self) -> tuple[Row, Row]:
        """The question."""
        return [("does it compound? ", "title"), ("runs that shipped, by loop", "text")], []

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        ledger = self.burn.ledger
        found = [one for one in successions(self.mirror.state) if one.ledger == ledger]
        if not found:
            return [[("  No run of a loop has shipped yet.", "dim")]]
        lines = [row for one in found for row in self._told(one, width)]
        return self.window(ledger, lines, height)

    def _told(self, one: Succession, room: int) -> list[Row]:
        name = one.loop if not one.seed else f"{one.loop}, {one.seed}"
        head: Row = [(left(f"  {name}", 26), "text"), (right(plural(len(one.runs), "run"), 8), "dim")]
        for values, unit in (([float(count) for count in one.passes], "passes"), (list(map(float, one.money)), "$")):
            if len(values) > 1 and room >= 60:
                head += [("  ", "text"), (spark(values, 10, self.glyphs), "running"), (f" {unit}", "dim")]
        passes = reckoning.goes(one.in_passes, "passes", lambda number: f"{number:g}")
        dollars = reckoning.goes(one.in_money, "dollars", lambda number: money(Decimal(repr(number))))
        return [head, *([(f"    {line}", "dim")] for said in (passes, dollars) for line in wrap(said, room - 5))]
