"""What was spent by run, model, phase or scenario; and the passes of the chosen run, with what each left."""

from collections.abc import Sequence

from factory_tui.burn import worth
from factory_tui.burn.caps import of_run
from factory_tui.burn.series import Key
from factory_tui.console import burning, reckoning
from factory_tui.console.figures import count, duration, exact, money, percent, plural
from factory_tui.console.glyphs import LAMPS, Tone, meter
from factory_tui.console.paint import Row, cut, fit, left, middle, right
from factory_tui.console.widgets.burn import KIND_CELLS, KINDS, MONEY_CELLS, SHORT, OfBurn, hourly, kinds
from factory_tui.console.widgets.pane import Motion
from factory_tui.console.widgets.runs import RunList
from factory_tui.console.widgets.scrolled import Scrolled
from factory_tui.console.wording import labels
from factory_tui.domain.hostile import one_line
from factory_tui.domain.money import Burn
from factory_tui.domain.state import OVER, Run

_SHORT = 8
MINIMUM = 1024
"""Tokens at the head of a request below which most models keep nothing in their prompt cache."""
_WORTH_FROM = 114
"""Columns from which on what the runs bought has room, and then their rates."""
_RATES_FROM = 150
_LEFT = 20
_PASS = 10


class GroupsBurn(OfBurn, RunList):
    """By run: spent and reserved of its cap, when that is hit, what it bought. Else a line for each group."""

    TITLE = "groups"
    FIELDS = (*RunList.FIELDS, "phase", "scenario")

    def __init__(self) -> None:
        super().__init__()
        self._top = 0
        self._more = 0

    def wanted(self, key: Key) -> bool:
        """Whether the filter lets through what was spent for this."""
        run = self.mirror.run(key.run)
        if not self.filter.terms or run is None:
            return True
        fields = self._fields(run)
        beside = {"model": key.group("model"), "phase": key.group("phase"), "scenario": key.group("scenario")}
        return self.filter.holds({**fields, **beside})

    def runs(self) -> list[Run]:
        """Those with anything that the filter lets through, in the order asked for."""
        found, order = self.mirror.runs(), self.burn.look.order
        if self.filter.terms:
            spent = self.burn.view_of("run").groups
            found = [run for run in found if self.filter.holds(self._fields(run)) or run.id in spent]
        if order == "name":
            return sorted(found, key=lambda run: run.id)
        if order:
            by_money = order == "spent"
            found.sort(key=lambda run: -(run.burn.money if by_money else run.burn.tokens.total))
        return found

    def heading(self) -> tuple[Row, Row]:
        """What it is grouped by; how many runs are near their cap."""
        going = [run for run in self.mirror.runs() if run.state not in OVER]
        near = [run for run in going if (burning.share(run) or 0) >= burning.WARN]
        said = f"{self.glyphs.marks['waits']} {plural(len(near), 'run')} over 80% of the cap"
        look = self.burn.look
        title: Row = [("runs" if look.by == "run" else f"by {look.by}", "title")]
        if look.by != "run":
            title.append((f" {labels(self.burn.ledger, False) or self.burn.ledger}, {self.burn.view.window}", "text"))
        return title, [(said, "waits")] if near else []

    def footing(self) -> Row:
        """The keys that turn it, and how much does not fit."""
        look = self.burn.look
        order = look.order or ("floor" if look.by == "run" else "spent")
        row = self.keyed({"burn.group": f"by {look.by}", "burn.sort": f"sorted by {order}"})
        return [*row, (f"  {self._more} more", "dim")] if self._more > 0 else row

    def go(self, motion: Motion) -> bool:
        """The cursor among runs; of groups, what is in sight."""
        if self.burn.look.by == "run":
            return super().go(motion)
        page = max(1, self.size.height - 4)
        steps = {"up": -1, "down": 1, "page-up": -page, "page-down": page, "first": -(10**6), "last": 10**6}
        if motion in steps:
            self._top += steps[motion]
            self.sync()
        return motion in steps

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        return self._of_runs(width, height) if self.burn.look.by == "run" else self._of_groups(width, height)

    def _of_groups(self, width: int, height: int) -> list[Row]:
        view = self.burn.view
        found = burning.ranked(view.groups.items(), self.burn.look.order)
        if not found:
            return [[(f"  Nothing was spent in {view.window}.", "dim")]]
        four, bar = width >= _WORTH_FROM, 12 if width >= 90 else 6
        wide = max(20, min(44, width - MONEY_CELLS - bar - (60 if four else 24)))
        head = left(f"  {self.burn.look.by}", wide) + right("spent", MONEY_CELLS) + right("share", bar + 7)
        head += right("tokens", 9) + right("cache", 7)
        row: Row = [(head + ("".join(right(kind, 9) for kind in SHORT) if four else ""), "dim")]
        room = max(1, height - 1)
        self._top = max(0, min(self._top, len(found) - room))
        self._more = len(found) - self._top - room
        lines = [row]
        for name, burn in found[self._top : self._top + room]:
            share = float(burn.money / view.total.money) if view.total.money else 0.0
            kept = worth.cached(burn.tokens)
            lines.append(
                [
                    (left(f"  {cut(one_line(name), wide - 3)}", wide), "text"),
                    (right(exact(burn.money), MONEY_CELLS), "strong"),
                    ("  ", "text"),
                    *meter(share, bar, self.glyphs),
                    (right(percent(share), 5), "text"),
                    (right(count(burn.tokens.total), 9), "text"),
                    (right("" if kept is None else percent(kept), 7), "text"),
                    *(kinds(burn.tokens, 9, "dim") if four else []),
                ]
            )
        return lines

    def _of_runs(self, width: int, height: int) -> list[Row]:
        runs = self.runs()
        self._more = 0
        if not runs:
            none = "Nothing fits the filter." if self.filter.terms else "No runs yet. On the floor (1), n starts one."
            return [[(f"  {none}", "dim")]]
        names = [run.id for run in runs]
        at = names.index(self.console_app.chosen) if self.console_app.chosen in names else 0
        room = max(1, height - 1)
        top = max(0, min(at - room // 2, len(runs) - room))
        self._more = len(runs) - room
        return [self._head(width), *(self._line(run, width, run is runs[at]) for run in runs[top : top + room])]

    def _head(self, room: int) -> Row:
        row = left("  run", 19) + left("ledger", 10) + right("spent", 13) + right("reserved", 9) + right("cap", _SHORT)
        row += left("  used", self._bar(room) + 7) + right("cap in", 6)
        if room >= _WORTH_FROM:
            row += right("cache", 7) + right("$/satisf.", 11) + "  " + left("to satisfaction", _LEFT)
        if room >= _RATES_FROM:
            row += right("dollars", 9) + right("time", 6) + right("an hour", 11)
        return [(row, "dim")]

    def _bar(self, room: int) -> int:
        return 20 if room >= _RATES_FROM + 20 else 6

    def _line(self, run: Run, room: int, chosen: bool) -> Row:
        burn, now = run.burn, self.console_app.clock()
        row: Row = [
            (f"{self.glyphs.cursor if chosen else ' '} ", "key"),
            (f"{self.glyphs.marks[LAMPS[run.state]]} ", LAMPS[run.state]),
            (left(middle(run.id, 14), 15), "text"),
            (left(labels(run.ledger, False) or run.ledger, 10), "waits" if run.rehearsal else "text"),
            (right(exact(burn.money), 13), "strong"),
            (right(money(burn.reserved) if burn.reserved else "", 9), "dim"),
            (right(money(run.cap) if run.cap is not None else "none", _SHORT), "text"),
            *self._of_cap(run, self._bar(room)),
            (right(self._cap_in(run, now), 6), "dim"),
        ]
        account = self.mirror.book.accounts.get(run.id)
        told = account.left(now) if account else None
        if room >= _WORTH_FROM:
            kept, each = worth.cached(burn.tokens), worth.each(run)
            row += [
                (right("" if kept is None else percent(kept), 7), "text"),
                (right("" if each is None else money(each), 11), "text"),
                (f"  {left(self._left(run), _LEFT)}", "text" if told else "dim"),
            ]
        if room >= _RATES_FROM:
            ends = told is not None and told.passes is not None
            rate = account.pace.rate(now) if account and run.state == "running" else None
            row += [
                (right(money(told.money) if told and ends else "", 9), "text"),
                (right(duration(told.took / 1000) if told and ends else "", 6), "text"),
                (right(money(rate.hourly) if rate else "", 11), "text"),
            ]
        return [(text, f"{role}+cursor") for text, role in fit(row, room)] if chosen else row

    def _left(self, run: Run) -> str:
        """To satisfaction."""
        account = self.mirror.book.accounts.get(run.id)
        if account is None:
            return ""
        if account.reached or run.state == "shipped":
            return "satisfied"
        return "" if run.state in ("stopped", "failed") else reckoning.passes_left(account.outlook)

    def _of_cap(self, run: Run, bar: int) -> Row:
        share = burning.share(run)
        if share is None:
            return [(" " * (bar + 7), "text")]
        tone: Tone = "bad" if share >= 1 else "waits" if share >= burning.WARN else "running"
        mark = self.glyphs.marks[tone] if share >= burning.WARN else " "
        return [
            ("  ", "text"),
            *meter(float(share), bar, self.glyphs, tone),
            (right(percent(float(share)), 4), tone),
            (mark, tone),
        ]

    def _cap_in(self, run: Run, now: int) -> str:
        if run.reason == "budget":
            return "held"
        if run.state != "running":
            return ""
        caps = of_run(self.mirror.book, self.mirror.state, run.id, now)
        after = next((one.after for one in caps if one.cap == "run_cap"), None)
        return "" if after is None else duration(after / 1000)


class PassesBurn(OfBurn, Scrolled):
    """The passes of the chosen run with what each left, what lies between them, and the price it was charged by."""

    TITLE = "passes"

    @property
    def _run(self) -> Run | None:
        return self.mirror.run(self.console_app.chosen)

    def heading(self) -> tuple[Row, Row]:
        """The run, and how fast it burns."""
        run = self._run
        if run is None:
            return [("passes", "title")], []
        account = self.mirror.book.accounts.get(run.id)
        said = "" if account is None or run.state in OVER else hourly(account.pace.rate(self.console_app.clock()))
        rehearsal: Row = [(f"{labels(run.ledger, False)}  ", "waits")] if run.rehearsal else []
        return [("passes ", "title"), (run.id, "text")], [*rehearsal, (said, "dim")]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        run = self._run
        if run is None:
            return [[("  No run is chosen.", "dim")]]
        wide = width >= 116
        kind = KIND_CELLS if wide else _SHORT
        head: Row = [(left("  pass", _PASS) + right("steps", 6), "dim")]
        head += [(right(name, kind), "dim") for name in (KINDS if wide else SHORT)]
        head += [(right("spent", MONEY_CELLS) + (right("a step", 10) if wide else ""), "dim")]
        head += [(right("output", 8) + right("growth", 8), "dim")]
        left_by = {one.number: one for one in worth.sizes(run.passes)}
        lines = []
        for one in run.passes:
            size = left_by.get(one.number)
            growth = "" if size is None or size.growth is None else _signed(size.growth)
            beside: Row = [(right(count(size.tokens) if size else "", 8), "text"), (right(growth, 8), "dim")]
            lines.append(self._line(f"{run.id.rpartition('-')[2]}.{one.number}", one.burn, one.steps, wide) + beside)
        if not run.passes:
            lines.append([("  Its first pass has not begun.", "dim")])
        beside_them = burning.between(run)
        if beside_them.money or beside_them.tokens.total:
            lines.append(self._line("outside", beside_them, 0, wide))
        lines.append(self._line("in all", run.burn, run.steps, wide, "strong"))
        if run.judging != Burn():
            lines.append(self._line("judges", run.judging, 0, wide))
        lines += [*self._output(run), *self._flips(run), *self._cache(run, width), *self._price(run, width)]
        return [head, *self.window(run.id, lines, height - 1, len(run.passes) - 1)]

    def _line(self, name: str, burn: Burn, steps: int, wide: bool, role: str = "text") -> Row:
        a_step = money(burn.money / steps) if steps else ""
        return [
            (left(f"  {name}", _PASS), role),
            (right(str(steps) if steps else "", 6), "dim"),
            *kinds(burn.tokens, KIND_CELLS if wide else _SHORT, role),
            (right(exact(burn.money), MONEY_CELLS), "strong"),
            *([(right(a_step, 10), "dim")] if wide else []),
        ]

    def _output(self, run: Run) -> list[Row]:
        """How fast the output grows."""
        slope = worth.growth(worth.sizes(run.passes))
        if slope is None:
            return []
        sure = "" if slope.goes else ", which may be chance"
        said = f"output in tokens, at a guess by its bytes; {_signed(slope.slope)} a pass{sure}"
        return [[(f"  {said}", "dim")]]

    def _flips(self, run: Run) -> list[Row]:
        if not (flips := run.flips).pairs:
            return []
        found = f"  {percent(flips.rate)} of {flips.pairs:g} pairs of judgements differ"
        return [[(f"{found}, {plural(flips.transcripts, 'transcript')}", "dim")]]

    def _cache(self, run: Run, room: int) -> list[Row]:
        """How much of the input cost a tenth; where none did, whether its requests are long enough to be kept."""
        share = worth.cached(run.burn.tokens)
        if share is None or run.steps < 2:  # the first call can only write
            return []
        mean = run.burn.tokens.input // run.steps
        if share:
            why = "so much of the input was read from it"
        elif mean < MINIMUM:
            why = f"{mean} tokens a request, most models keep none below {MINIMUM:,}"
        else:
            why = "the endpoint kept nothing of its requests"
        said = f"prompt cache {percent(share)}: {why}"
        return [[("  ", "text"), (cut(said, room - 3), "dim")]]

    def _price(self, run: Run, room: int) -> list[Row]:
        found = burning.price(run)
        if found is None:
            return []
        four = (found.input, found.output, found.cache_write, found.cache_read)
        names = KINDS if room >= 100 else SHORT
        said = ", ".join(f"{kind} {exact(figure)}" for kind, figure in zip(names, four, strict=True))
        source = f" ({found.source})" if room >= 100 else ""
        return [[("  ", "text"), (cut(one_line(f"per million tokens: {said}{source}"), room - 3), "dim")]]


def _signed(number: float) -> str:
    return f"{'+' if number >= 0 else '-'}{count(abs(number))}"
