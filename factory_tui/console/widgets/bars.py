"""The single lines: header, burn, keys. What must never be hidden by width stands first and is never cut."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING

from factory_tui.burn.worth import cached
from factory_tui.console.action import Action
from factory_tui.console.actions import BY_ID
from factory_tui.console.burning import WARN
from factory_tui.console.figures import count, countdown, day, money, percent, stamp
from factory_tui.console.glyphs import ASCII, LAMPS, Tone, meter, spark
from factory_tui.console.offering import bar, shown
from factory_tui.console.ordering import URGENCY
from factory_tui.console.paint import Row, cut, ends, middle, width, wrap
from factory_tui.console.screens.place import Place
from factory_tui.console.waiting import need_human
from factory_tui.console.widgets.panel import Panel
from factory_tui.console.wording import asked, labels
from factory_tui.domain.money import Burn, of_cap

if TYPE_CHECKING:
    from textual import events

WIDE = 100
"""Cells of a terminal from which on there is room for a date."""
NARROW = 60
"""Cells at the left of the past under which there is no room for words."""
CLOCK = 10
"""Cells of the time in the header."""
FLASH_ROWS = 3
"""Rows of what is said above the keys, at most."""


def _joined(parts: Iterable[Row], gap: str = "   ") -> Row:
    found: Row = []
    for part in parts:
        if part:
            found += [*([(gap, "text")] if found else []), *part]
    return found


FACTORY = " FACTORY  "


class Header(Panel):
    """Where we are, the lamps by count, the labels that apply, the link, the time."""

    FRAMED = False

    def __init__(self) -> None:
        super().__init__()
        self._ends: list[tuple[int, Place]] = []
        """Where each crumb ends in the row, and which screen it is of."""

    def on_click(self, event: "events.Click") -> None:
        """Back to the screen of the clicked crumb."""
        place = next((place for end, place in self._ends if len(FACTORY) <= event.x < end), None)
        if place:
            self.console_app.back_to(place)

    def _crumbs(self) -> Row:
        """The way here, from the floor."""
        row: Row = []
        self._ends = []
        places = [screen for screen in self.app.screen_stack if isinstance(screen, Place)]
        for place in places:
            for crumb in place.crumbs:
                row += [(f" {self.glyphs.into} ", "dim")] if row else []
                row.append((crumb, "text"))
                self._ends.append((len(FACTORY) + width(row), place))
        return [*row[:-1], (row[-1][0], "strong")] if row else row

    def rows(self, width: int, _height: int) -> Sequence[Row]:  # noqa: D102
        link: Row = [*self._link(), (" ", "text")]
        now: Row = [*link, (f" {stamp(self.console_app.clock())} ", "dim")] if not self.console_app.then else link
        left = self._left(width - _cells(now) - 1)
        return [ends(left, now if _cells(left) + _cells(now) < width else link, width)]

    def _left(self, room: int) -> Row:
        where = self._where(room)
        way: Row = [(FACTORY, "title"), *self._crumbs(), ("  ", "text"), *self._inbox()]
        if self.console_app.scope != "run":
            words, labels = self._lamps(), self._labels()
            told = [(way, words)]
            if len(self._ends) > 1 and self.size.width >= 100:
                told.append((way, _joined(self._counts(), "  ")))
            for start, lamps in (*told, (where, words)):
                full = _joined((start, lamps, labels))
                if width(full) <= room:
                    self._ends = self._ends if start is way else []
                    return full
            self._ends = []
            return self._short(where, room)
        run = self.mirror.run(self.console_app.chosen)
        if run is None:
            return where
        frozen = self.mirror.state.frozen and run.state == "running"
        tone: Tone = "waits" if frozen else LAMPS[run.state]
        reason = f" ({run.reason})" if run.reason else ""
        if (back := self.console_app.back_in(run)) is not None:
            reason += f" {countdown(back)}"
        lamp: Row = [(f"  {self.glyphs.marks[tone]} {'frozen' if frozen else run.state}{reason}", tone)]
        if run.asked:
            lamp.append((f"  {asked(run.asked)}", "waits"))
        rest = _joined((lamp, self._labels()))
        if width(way) + width(rest) <= room:
            return [*way, *rest]
        self._ends = []
        name = middle(run.id, max(8, room - width(rest) - width(where) - 2))
        return [*where, ("  ", "text"), (name, "strong"), *rest]

    def _where(self, room: int) -> Row:
        """What we look at, and how many wait for a human; the past takes its room from the words for that."""
        if self.console_app.then and room < NARROW:
            number = need_human(self.console_app.live.state)
            if number and self.console_app.scope == "run":
                return [(f" {self.glyphs.marks['asks']} {number}", "asks")]
            return self._inbox() if number or self.console_app.scope != "run" else [(" ", "text")]
        return [(FACTORY[:-1], "title"), *self._inbox()]

    def _short(self, where: Row, room: int) -> Row:
        """Without words; labels are kept whole, and what asks for nobody goes first; then the clock, and the name."""
        counts, found = self._counts(), where
        for number, short in ((len(counts), False), *((one, True) for one in range(len(counts), -1, -1))):
            found = _joined((where, _joined(counts[:number], "  "), self._labels(short)))
            if width(found) <= room:
                return found
        return found[1:] if width(found) > room + CLOCK and found[:1] == where[:1] else found

    def _inbox(self) -> Row:
        """How many wait for a human: on every screen, at every width."""
        number = need_human(self.console_app.live.state)
        if not number:
            return [(" inbox empty", "dim")]
        return [(" ", "text"), (f"{self.glyphs.marks['asks']} {number} in inbox", "asks")]

    def _lamps(self) -> Row:
        states = [run.state for run in self.mirror.state.runs.values()]
        return _joined(
            ([(f"{self.glyphs.marks[LAMPS[s]]} {states.count(s)} {s}", LAMPS[s])] for s in URGENCY if s in states), "  "
        )

    def _counts(self) -> list[Row]:
        """The lamps without words, for where those do not fit: what asks for a human first."""
        tones = [LAMPS[run.state] for run in self.mirror.state.runs.values()]
        order: tuple[Tone, ...] = ("asks", "bad", "waits", "running", "idle", "good")
        return [[(f"{self.glyphs.marks[t]} {tones.count(t)}", t)] for t in order if t in tones]

    def _labels(self, short: bool = False) -> Row:
        mirror = self.mirror
        chosen = mirror.run(self.console_app.chosen) if self.console_app.scope == "run" else None
        runs = [chosen] if chosen else list(mirror.state.runs.values())
        found: list[str] = []
        if any(run.rehearsal for run in runs):
            found.append("REHEARSAL")
        if any(mirror.unfenced(run) for run in runs):
            found.append("UNFENCED")
        row: Row = _joined(([(f" {said} ", "label")] for said in found), " ")
        if mirror.state.frozen:
            row = [("FROZEN" if short else "FROZEN, ! thaws", "asks"), *([("  ", "text"), *row] if row else [])]
        return row

    def _link(self) -> Row:
        mirror, app = self.mirror, self.console_app
        if app.then:
            up: Row = [] if mirror.connection == "live" else [(f"{mirror.connection}  ", "asks")]
            when = f"{day(app.then.at)} {stamp(app.then.at)}" if self.size.width >= WIDE else stamp(app.then.at)
            return [*up, (f" PAST {when} ", "label"), (" read only  ", "waits"), *self._way_out()]
        if mirror.connection != "live":
            return [(mirror.connection, "asks")]
        seen: Row = [("read only  ", "waits")] if mirror.role == "viewer" else []
        return [*seen, ("engine stopped", "waits") if mirror.stopped else ("live", "good")]

    def _way_out(self) -> Row:
        app = self.console_app
        key = app.keys["back" if app.leaves_the_past else "past"]
        return [(shown(key[0]), "key"), (" now", "dim")] if key else []


class BurnLine(Panel):
    """Tokens, money and rate: of the chosen run on its screen, else of the floor, by ledger."""

    FRAMED = False

    def rows(self, width: int, _height: int) -> Sequence[Row]:  # noqa: D102
        run = self.mirror.run(self.console_app.chosen) if self.console_app.scope == "run" else None
        if run:
            said = labels(run.ledger, False)
            spent = self._spent(run.burn, said.lower())
            room = width - 12 - _cells(spent)
            parts = [spent, self._cap(run.burn, run.cap, min(24, room - 14) if room >= 22 else 0)]
            rate: Row = []
        else:
            ledgers = sorted(self.mirror.state.burn.items())
            parts = [self._spent(burn, "" if name == "live" else name) for name, burn in ledgers]
            parts = [*(parts or [[("nothing yet", "dim")]]), self._fullest()]
            rate = self._rate()
        left: Row = [(" burn  ", "dim"), *_joined(parts)]
        return [ends(left, rate, width) if _cells(left) + _cells(rate) + 2 < width else left]

    def _spent(self, burn: Burn, ledger: str) -> Row:
        tokens = burn.tokens
        row: Row = [(money(burn.money), "strong"), (f" {ledger}" if ledger else "", "waits")]
        row.append((f"  in {count(tokens.total - tokens.output)} out {count(tokens.output)} tokens", "text"))
        if share := cached(tokens):
            row.append((f"  cache {percent(share)}", "dim"))
        return row

    def _cap(self, burn: Burn, cap: Decimal | None, bar: int) -> Row:
        if not cap:
            return [("no cap", "dim")]
        share = float((burn.money + burn.reserved) / cap)
        tone: Tone = "bad" if share >= 1 else "waits" if share >= WARN else "running"
        return [("cap ", "dim"), (f"{money(cap)} ", "text"), *meter(share, bar, self.glyphs, tone)]

    def _fullest(self) -> Row:
        """Of the caps of all live runs together the one that is nearest to be reached."""
        state, now = self.mirror.state, self.console_app.clock()
        known = {name: one.amount for name, one in state.caps.items() if one.amount}
        if not known:
            return []
        shares = {name: float(state.spent(name, now) / amount) for name, amount in known.items()}
        name = max(shares, key=lambda one: shares[one])
        tone: Tone = "bad" if shares[name] >= 1 else "waits" if shares[name] >= float(WARN) else "text"
        said = f"{percent(shares[name])} of {of_cap(name, known[name])}"
        return [(f"{name} ", "dim"), (said, tone)]

    def _rate(self) -> Row:
        values = self.mirror.rate(self.console_app.clock(), 24)
        now = sum(values[-3:]) / 3
        if not any(values):
            return []
        return [(spark(values, 12, self.glyphs), "running"), (f" {count(now)} tok/s ", "text")]


class KeyBar(Panel):
    """What this focus can do, by key or by a click, and for some seconds above it what just happened."""

    FRAMED = False

    def __init__(self) -> None:
        super().__init__()
        self._offered: list[tuple[int, str]] = []
        """Where each action ends in the row, and which one it is."""

    def on_click(self, event: "events.Click") -> None:
        """As its key does."""
        action = next((name for end, name in self._offered if event.x < end), None)
        if action and event.y == self.size.height - 1:
            self.console_app.action_act(action)

    def sync(self) -> None:
        """Take the rows that there is something to say in."""
        wanted = 1 + len(self._flash(self.size.width))
        if str(self.styles.height) != str(wanted):
            self.styles.height = wanted
        super().sync()

    def _flash(self, room: int) -> list[Row]:
        if not self.console_app.flash:
            return []
        tone, said = self.console_app.flash
        parts = wrap(said, room - 4)
        shown = [*parts[: FLASH_ROWS - 1], cut(" ".join(parts[FLASH_ROWS - 1 :]), room - 4)]
        marks = [self.glyphs.marks[tone], *" " * FLASH_ROWS]
        return [[(f" {mark} ", tone), (part, tone)] for mark, part in zip(marks, shown, strict=False) if part]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        keys = self.console_app.keys
        offered = [
            action
            for action in bar(self.console_app.scope, self.mirror.role)
            if keys[action.id] and self.console_app.offers(action.id)
        ]
        row = self._row(offered, "   ")
        for action in sorted((item for item in offered if item.spare), key=lambda item: item.spare):
            if _cells(row) <= width:
                break
            row = self._row(offered, "  ")
            if _cells(row) > width:
                offered.remove(action)
                row = self._row(offered, "  ")
        ends = accumulate(len(span[0]) for span in row[1:])
        texts = [1 + end for end, span in zip(ends, row[1:], strict=True) if span[1] == "dim"]
        self._offered = list(zip(texts, (action.id for action in offered), strict=True))
        return [*self._flash(width)[: max(0, height - 1)], row] if height > 1 else [row]

    def _row(self, actions: Iterable[Action], gap: str) -> Row:
        keys = self.console_app.keys
        shorts: Iterable[Row] = (
            [(self._shown(keys[action.id][0]), "key"), (f" {self._verb(action.id)}", "dim")] for action in actions
        )
        return [(" ", "text"), *_joined(shorts, gap)]

    def _shown(self, key: str) -> str:
        return key if self.glyphs is ASCII and key == "enter" else shown(key)

    def _verb(self, action: str) -> str:
        app = self.console_app
        run = self.mirror.run(app.chosen)
        if action == "run.pause" and run and run.state in ("paused", "held"):
            return "resume"
        if action == "emergency" and self.mirror.state.frozen:
            return "thaw"
        if action == "past" and app.then:
            return "now"
        if action == "pane.next" and app.place:
            return app.place.coming()
        if action == "filter" and app.place and app.place.filterable:
            return app.place.filterable.SOUGHT
        return BY_ID[action].verb


def _cells(row: Row) -> int:
    return width(row)
