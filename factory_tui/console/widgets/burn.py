"""The burn screen's panels: each ledger's total and rate, every run against its cap, the passes of the chosen one.

The two ledgers are never added together. Money that was paid is shown to its last digit; what was divided is rounded.
"""

from collections.abc import Sequence
from decimal import Decimal

from factory_tui.console import burning
from factory_tui.console.figures import count, duration, exact, money, percent, plural
from factory_tui.console.glyphs import LAMPS, Tone, meter, spark
from factory_tui.console.paint import Row, cut, fit, left, middle, right
from factory_tui.console.past import SETTLED
from factory_tui.console.widgets.pane import Motion, Pane
from factory_tui.console.widgets.panel import Panel
from factory_tui.console.widgets.runs import RunList
from factory_tui.console.wording import labels
from factory_tui.domain.hostile import one_line
from factory_tui.domain.money import Burn, Ledger, Tokens, of_cap
from factory_tui.domain.state import Run

KINDS = ("input", "output", "cache write", "cache read")
SHORT = ("input", "output", "write", "read")
"""The same where room is short."""
LEDGERS: tuple[Ledger, ...] = ("live", "rehearsal")
_KIND = 12
_MONEY = 14
_SHORT = 8
MINIMUM = 1024
"""Tokens at the head of a request below which most models keep nothing in their prompt cache."""
_TOKENS_FROM = 114
"""Columns from which on the runs' tokens have room, and then their rates."""
_RATES_FROM = 150


def _kinds(tokens: Tokens, room: int, role: str = "text") -> Row:
    four = (tokens.input, tokens.output, tokens.cache_write, tokens.cache_read)
    return [(right(f"{number:,}" if room >= _KIND else count(number), room), role) for number in four]


def _rate(measured: burning.Rate | None) -> str:
    if measured is None:
        return "no rate yet"
    return f"{money(measured.hourly)}/h over {duration(measured.over / 1000)}"


class Totals(Panel):
    """One block a ledger."""

    def sync(self) -> None:
        """The last hour is read from the journal when it is first looked at."""
        self.console_app.look_back(SETTLED)
        wanted = max(3, 2 * len(self._ledgers()) + 3) + bool(self._caps(80))
        if str(self.styles.height) != str(wanted):
            self.styles.height = wanted
        super().sync()

    def heading(self) -> tuple[Row, Row]:
        """What a rate means."""
        return [("burn", "title")], [("rates are of the last hour, or as much of it as is known", "dim")]

    def _ledgers(self) -> list[Ledger]:
        state = self.mirror.state
        return [
            name for name in LEDGERS if name in state.burn or any(run.ledger == name for run in state.runs.values())
        ]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        ledgers = self._ledgers()
        if not ledgers:
            return [[("  Nothing was burned yet. A run's calls are counted here as they are paid for.", "dim")]]
        head: Row = [(left("  ledger", 13), "dim"), (right("spent", _MONEY), "dim")]
        found = [[*head, *[(right(kind, _KIND), "dim") for kind in KINDS]]]
        for name in ledgers:
            burn = self.mirror.state.burn.get(name, Burn())
            who = left(f"  {labels(name, False) or name}", 13)
            paid = (right(exact(burn.money), _MONEY), "strong")
            found.append([(who, "waits" if name == "rehearsal" else "text"), paid, *_kinds(burn.tokens, _KIND)])
            if height >= 2 * len(ledgers) + 1:
                found.append(self._hour(name, width))
        return [*found, *self._caps(width)]

    def _caps(self, room: int) -> list[Row]:
        """What all live runs together may spend, and how much of it they have."""
        state, row = self.mirror.state, list[tuple[str, str]]()
        for name, known in state.caps.items():
            if known.amount is None:
                continue
            of = state.spent(name, self.console_app.clock()) / known.amount if known.amount else Decimal(1)
            tone: Tone = "bad" if of >= 1 else "waits" if of >= burning.WARN else "running"
            mark = f" {self.glyphs.marks[tone]}" if of >= burning.WARN else ""
            row += [
                (f"   {name} ", "dim"),
                (of_cap(name, known.amount), "text"),
                (f" {percent(float(of))}{mark}", tone),
            ]
        return [fit(row, room)] if row else []

    def _hour(self, ledger: Ledger, room: int) -> Row:
        app, mirror = self.console_app, self.mirror
        now = app.clock()
        runs = [run for run in mirror.state.runs.values() if run.ledger == ledger]
        held = sum((run.burn.reserved for run in runs), Decimal(0))
        row: Row = [(" " * 13, "text"), (_rate(burning.rate(mirror.past, now, runs)), "text")]
        if twice := mirror.state.burn.get(ledger, Burn()).twice:
            row.append((f"   {exact(twice)} possibly paid twice", "waits"))
        if held:
            row.append((f"   {exact(held)} reserved", "dim"))
        values = [float(one) for one in burning.minutes(mirror.past, now, runs)]
        if any(values) and room >= 78:
            wide = 30 if room >= 100 else 20
            shown = values[-wide * (2 if self.glyphs.braille else 1) :]
            row += [("   ", "text"), (spark(shown, wide, self.glyphs), "running"), (f" {len(shown)}m", "dim")]
        return row


class RunsBurn(RunList):
    """Every run: spent and reserved of its cap, and when the cap is hit at this rate."""

    def heading(self) -> tuple[Row, Row]:
        """How many are near their cap."""
        near = [run for run in self.mirror.runs() if (burning.share(run) or 0) >= burning.WARN]
        said = f"{self.glyphs.marks['waits']} {plural(len(near), 'run')} over 80% of the cap"
        return [("runs", "title")], [(said, "waits")] if near else []

    def footing(self) -> Row:
        """Those that do not fit."""
        more = len(self.runs()) - max(0, self.size.height - 3)
        return [(f"{len(self.runs())} runs", "dim")] if more > 0 else []

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        runs = self.runs()
        if not runs and self.filter.text:
            return [[(f"  No run fits {self.filter.text}; esc shows all.", "dim")]]
        if not runs:
            return [[("  No runs yet. On the floor (1), n starts one.", "dim")]]
        names = [run.id for run in runs]
        at = names.index(self.console_app.chosen) if self.console_app.chosen in names else 0
        room = max(1, height - 1)
        top = max(0, min(at - room // 2, len(runs) - room))
        return [self._head(width), *(self._line(run, width, run is runs[at]) for run in runs[top : top + room])]

    def _head(self, room: int) -> Row:
        row = left("  run", 19) + left("ledger", 10) + right("spent", 13) + right("reserved", 9) + right("cap", _SHORT)
        row += left("  used", self._bar(room) + 7) + right("cap in", 6)
        if room >= _TOKENS_FROM:
            row += "".join(right(kind, 9) for kind in SHORT)
        if room >= _RATES_FROM:
            row += right("an hour", 11) + right("a step", 10)
        return [(row, "dim")]

    def _bar(self, room: int) -> int:
        return 20 if room >= _RATES_FROM else 6

    def _line(self, run: Run, room: int, chosen: bool) -> Row:
        app, burn = self.console_app, run.burn
        measured = burning.run_rate(self.mirror.past, app.clock(), run)
        row: Row = [
            (f"{self.glyphs.cursor if chosen else ' '} ", "key"),
            (f"{self.glyphs.marks[LAMPS[run.state]]} ", LAMPS[run.state]),
            (left(middle(run.id, 14), 15), "text"),
            (left(labels(run.ledger, False) or run.ledger, 10), "waits" if run.rehearsal else "text"),
            (right(exact(burn.money), 13), "strong"),
            (right(money(burn.reserved) if burn.reserved else "", 9), "dim"),
            (right(money(run.cap) if run.cap is not None else "none", _SHORT), "text"),
            *self._of_cap(run, self._bar(room)),
            (right(self._cap_in(run, measured), 6), "dim"),
        ]
        if room >= _TOKENS_FROM:
            row += _kinds(burn.tokens, 9)
        if room >= _RATES_FROM:
            a_step = money(burn.money / run.steps) if run.steps else ""
            row += [(right(money(measured.hourly) if measured else "", 11), "text"), (right(a_step, 10), "dim")]
        return [(text, f"{role}+cursor") for text, role in fit(row, room)] if chosen else row

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

    def _cap_in(self, run: Run, measured: burning.Rate | None) -> str:
        if run.reason == "budget":
            return "held"
        seconds = burning.cap_in(run, measured)
        return "" if seconds is None else duration(seconds)


class PassesBurn(Pane):
    """The passes of the chosen run, what lies between them, and the price it was charged by."""

    TITLE = "passes"

    def __init__(self) -> None:
        super().__init__()
        self.top = 0
        self._of = ""

    @property
    def _run(self) -> Run | None:
        return self.mirror.run(self.console_app.chosen)

    def heading(self) -> tuple[Row, Row]:
        """The run, how fast it burns, and how full its cap is."""
        run = self._run
        if run is None:
            return [("passes", "title")], []
        said = _rate(burning.run_rate(self.mirror.past, self.console_app.clock(), run))
        rehearsal: Row = [(f"{labels(run.ledger, False)}  ", "waits")] if run.rehearsal else []
        return [("passes ", "title"), (run.id, "text")], [*rehearsal, (said, "dim")]

    def go(self, motion: Motion) -> bool:  # noqa: D102
        page = max(1, self.size.height - 4)
        rows = {"up": -1, "down": 1, "page-up": -page, "page-down": page}.get(motion)
        if rows is not None:
            self.top += rows
            self.sync()
        return rows is not None

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        run = self._run
        if run is None:
            return [[("  No run is chosen.", "dim")]]
        if run.id != self._of:
            self._of, self.top = run.id, max(0, len(run.passes))
        kind = _KIND if width >= 100 else _SHORT
        names = KINDS if kind == _KIND else SHORT
        head: Row = [(left("  pass", 12) + right("steps", 7), "dim")]
        head += [(right(name, kind), "dim") for name in names]
        head += [(right("spent", _MONEY) + right("a step", 10), "dim")]
        lines = [
            self._line(f"{run.id.rpartition('-')[2]}.{one.number}", one.burn, one.steps, kind) for one in run.passes
        ]
        if not run.passes:
            lines.append([("  Its first pass has not begun.", "dim")])
        beside = burning.between(run)
        if beside.money or beside.tokens.total:
            lines.append(self._line("outside", beside, 0, kind))
        below = [self._line("in all", run.burn, run.steps, kind, "strong")]
        if run.judging != Burn():
            below.append(self._line("of judges", run.judging, 0, kind))
        if (flips := run.flips).pairs:
            found = f"  {percent(flips.rate)} of {flips.pairs:g} pairs of judgements differ"
            below.append([(f"{found}, {plural(flips.transcripts, 'transcript')}", "dim")])
        below += [*self._cache(run, width), *self._price(run, width)]
        room = max(1, height - 1 - len(below))
        self.top = max(0, min(self.top, len(lines) - room))
        return [head, *lines[self.top : self.top + room], *below]

    def _line(self, name: str, burn: Burn, steps: int, kind: int, role: str = "text") -> Row:
        a_step = money(burn.money / steps) if steps else ""
        return [
            (left(f"  {name}", 12), role),
            (right(str(steps) if steps else "", 7), "dim"),
            *_kinds(burn.tokens, kind, role),
            (right(exact(burn.money), _MONEY), "strong"),
            (right(a_step, 10), "dim"),
        ]

    def _cache(self, run: Run, room: int) -> list[Row]:
        """How much of the input cost a tenth; where none did, whether its requests are long enough to be kept."""
        share = burning.cached(run.burn.tokens)
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
