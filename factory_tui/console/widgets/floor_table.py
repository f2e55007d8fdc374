"""All runs, live: one line each, the columns that fit."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from factory_tui.config.settings import Sort
from factory_tui.console.burning import WARN, share
from factory_tui.console.figures import duration, interval, money, percent
from factory_tui.console.glyphs import LAMPS, span_bar, spark
from factory_tui.console.ordering import after, column, falling, turned
from factory_tui.console.paint import Row, left, middle, right, wrap
from factory_tui.console.paint import width as cells_of
from factory_tui.console.widgets.runs import RunList
from factory_tui.console.wording import asked, best, labels
from factory_tui.domain import ratchet
from factory_tui.domain.events import Satisfaction
from factory_tui.domain.hostile import one_line
from factory_tui.domain.state import GOES_ON, OVER, Run

if TYPE_CHECKING:
    from textual import events


_RE_SEEDS = "re-seeds"
_BOTH = 20
"""Cells for a state and for what the run is about to do."""
_BAR, _BARS = 16, 60
"""Cells of the bar to ship, at least and at most."""


def measured(run: Run) -> Satisfaction | None:
    """The satisfaction that counts: the vault's, else the feedback set's, of the newest measured pass."""
    return run.measured.satisfaction if run.measured else None


def history(run: Run) -> list[float]:
    """Satisfaction of each measured pass, oldest first."""
    return [item.satisfaction.share for item in run.passes if item.satisfaction]


class Column(msgspec.Struct, frozen=True):
    """A column: its title, its width, and how its cell is drawn in exactly that many cells."""

    title: str
    cells: int
    draw: Callable[[Run, int], Row]
    at_right: bool = False
    sort: str = ""
    """What it is sorted by; empty: nothing."""


def _re_seeds(run: Run) -> bool:
    return bool(run.reseed) and run.state not in OVER


def _taken(columns: Sequence[Column]) -> int:
    return sum(one.cells + 2 for one in columns)


class FloorTable(RunList):
    """The table of runs, with a cursor that stays on its run when rows move."""

    def __init__(self) -> None:
        super().__init__()
        self._heads: list[tuple[int, str]] = []
        """Where each column ends in a row, and what it is sorted by."""
        self._kept: dict[str, tuple[Run, int, bool]] = {}
        """Of each run how wide its name is, and whether its best pass is said: from frame to frame few change."""

    def sort_next(self, by: int) -> None:
        """By the column next to the one that it is sorted by."""
        self.sort(after(self.order, dict.fromkeys(name for _, name in self._heads if name), by))

    def turn(self) -> None:
        """The other way round."""
        self.sort(turned(self.order))

    def sort(self, order: Sort) -> None:
        """In that order from now on."""
        self.order, self.mirror.dirty = order, True
        self._kept.clear()

    def heading(self) -> tuple[Row, Row]:
        """Title and workspace."""
        title: Row = [("floor", "title"), (f" {one_line(self.mirror.state.engine.workspace, 24)}", "text")]
        if self.order == "floor":
            return title, []
        return title, [(f"by {column(self.order)} {self._arrow}", "key")]

    @property
    def _arrow(self) -> str:
        return self.glyphs.sorts[falling(self.order)]

    def footing(self) -> Row:
        """How many there are."""
        total, found = len(self.mirror.state.runs), len(self.runs())
        some = f"{found} of " if found < total else ""
        return [(f"{some}{total} run{'s' * (total != 1)}", "dim")] if total else []

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        runs = self.runs()
        if not runs:
            return self.nothing(width, height)
        columns = self._columns(runs, width)
        chosen = self.console_app.chosen
        place = next((index for index, run in enumerate(runs) if run.id == chosen), 0)
        top = max(0, min(place - (height - 1) // 2, len(runs) - (height - 1)))
        return [
            self._head(columns),
            *(self._line(run, columns, width, run.id == chosen) for run in runs[top : top + height - 1]),
        ]

    def _head(self, columns: Sequence[Column]) -> Row:
        """The titles; an arrow at the one that it is sorted by."""
        head: Row = [("  ", "dim")]
        sorted_by = column(self.order)
        for one in columns:
            by = one.sort == sorted_by and not any(role == "key" for _, role in head)
            title = f"{one.title} {self._arrow}" if by and len(one.title) + 2 <= one.cells else one.title
            head += [((right if one.at_right else left)(title, one.cells), "key" if by else "dim"), ("  ", "dim")]
        ends = accumulate(one.cells + 2 for one in columns)
        self._heads = [(3 + end, one.sort) for end, one in zip(ends, columns, strict=True)]
        head.pop()
        return head

    def nothing(self, width: int, height: int) -> list[Row]:
        """What stands there while no run does."""
        if self.filter.text and self.mirror.state.runs:
            said = f"No run fits {self.filter.text}; esc shows all."
        elif self.mirror.connection == "live":
            said = "No runs yet. Press n to start one."
        else:
            said = self.mirror.trouble or "Attaching to the engine…"
        parts: list[Row] = [[("  ", "text"), (part, "dim")] for part in wrap(said, width - 4)]
        return [*([[]] * ((height - len(parts)) // 2)), *parts]

    def _line(self, run: Run, columns: Sequence[Column], room: int, chosen: bool) -> Row:
        row: Row = [(f"{self.glyphs.cursor if chosen else ' '} ", "key")]
        for one in columns:
            row += [*one.draw(run, one.cells), ("  ", "text")]
        row = row[:-1]
        row.append((" " * max(0, room - cells_of(row)), "text"))
        return [(text, f"{role}+cursor") for text, role in row] if chosen else row

    def _known(self, run: Run) -> tuple[Run, int, bool]:
        found = self._kept.get(run.id)
        if found is None or found[0] is not run:
            found = self._kept[run.id] = (run, cells_of(self._branched(run)), bool(best(run)))
        return found

    def _columns(self, runs: Sequence[Run], room: int) -> list[Column]:
        wide, ultra = room >= 98, room >= 158
        mixed = len({(run.ledger, self.mirror.unfenced(run)) for run in runs}) > 1
        known = [self._known(run) for run in runs]
        name = min(
            max(5, *(name for _, name, _ in known)),
            34 if ultra else 24 if wide else 12 if mixed else 16,
        )
        soon = [self._soon(run) for run in runs]
        awaited, longest = any(soon), max(len(one or self._said(run)) for one, run in zip(soon, runs, strict=True))
        node = min(max(8, *(len(run.node) for run in runs)), 18 if wide else 11)
        found = [
            Column("RUN", name, self._named, sort="run"),
            Column("STATE", _BOTH if wide and awaited else max(9, 2 + longest), self._state, sort="state"),
            Column("NODE", node, lambda run, cells: [(left(run.node, cells), "text")], sort="node"),
            Column("PASS", 5, self._pass, sort="pass"),
            *([Column("BEST", 4, self._best)] if any(said for *_, said in known) else []),
            Column("SATISFIED", 12, self._satisfied, sort="satisfied"),
        ]
        if wide:
            found.append(Column("TO SHIP", _BAR, self._bar))
        if wide or not mixed:
            found.append(Column("TREND", 10 if wide else 5, self._trend))
        found.append(
            Column("BURN", 7, lambda run, cells: [(right(money(run.burn.money), cells), "text")], True, "burn")
        )
        if ultra:
            found.append(Column("OF CAP", 12, self._cap, True, "cap"))
        found.append(Column("AGE", 4, self._age, True, "age"))
        if ultra:
            found += [self._words("MODEL", runs), self._words("OWNER", runs)]
        if mixed:
            found.append(Column("", 18 if wide else 9, self._labels))
        by = column(self.order)
        found = [replace(one, cells=max(one.cells, len(one.title) + 2)) if one.sort == by else one for one in found]
        for title in ("MODEL", "OWNER", "TREND", "AGE", "BEST", "PASS", "NODE"):
            if _taken(found) > room:
                found = [one for one in found if one.title != title or one.sort == by]
        grown = _BAR + room - _taken(found)
        return [replace(one, cells=min(grown, _BARS)) if one.title == "TO SHIP" else one for one in found]

    def _words(self, title: str, runs: Sequence[Run]) -> Column:
        """A column of a run's own words, as wide as they are."""

        def said(run: Run) -> str:
            return one_line(run.model if title == "MODEL" else run.owner, 24)

        longest = max(len(title), *(cells_of([(said(run), "dim")]) for run in runs))
        return Column(title, longest, lambda run, cells: [(left(said(run), cells), "dim")])

    def _branched(self, run: Run) -> Row:
        """Its id; of a fork below the run that it was forked from, where families stand together."""
        below = run.forked and self.order == "floor"
        return [(f"{self.glyphs.branch} " if below else "", "dim"), (run.id, "strong")]

    def _named(self, run: Run, cells: int) -> Row:
        (branch, dim), (name, strong) = self._branched(run)
        room = cells - len(branch)
        return [(branch, dim), (left(middle(name, room), room), strong)]

    def _soon(self, run: Run) -> str:
        """What a run is about to do, or that nothing moves in it."""
        slow = self.mirror.quiet(run)
        return asked(run.asked) or (_RE_SEEDS if _re_seeds(run) else f"slow {duration(slow.seconds)}" if slow else "")

    def _state(self, run: Run, cells: int) -> Row:
        frozen = self.mirror.state.frozen and run.state == "running"
        tone = "waits" if frozen else LAMPS[run.state]
        said, soon = "frozen" if frozen else self._said(run), self._soon(run)
        if soon == _RE_SEEDS and cells < _BOTH and run.state not in GOES_ON:
            soon = ""  # where there is room for one, how it is counts
        if not soon:
            return [(left(f"{self.glyphs.marks[tone]} {said}", cells), tone)]
        if cells < _BOTH:
            return [(f"{self.glyphs.marks[tone]} ", tone), (left(soon, cells - 2), "waits")]
        lamp = f"{self.glyphs.marks[tone]} {said} "
        return [(lamp, tone), (left(soon, cells - len(lamp)), "waits")]

    def _said(self, run: Run) -> str:
        """The state; of a run that comes back by itself with the time until then."""
        back = self.console_app.back_in(run)
        return run.state if back is None else f"{run.state} {duration(back)}"

    def _pass(self, run: Run, cells: int) -> Row:
        return [(left(f"{len(run.passes)}/{run.max_passes}" if run.passes else "", cells), "text")]

    def _best(self, run: Run, cells: int) -> Row:
        """The number of its best pass, where it is not the one that is shown."""
        top = ratchet.best(run)
        return [(left(str(top.number) if top and best(run) else "", cells), "bad" if ratchet.below(run) else "text")]

    def _satisfied(self, run: Run, cells: int) -> Row:
        share = measured(run)
        if share is None:
            return [(left("not yet", cells), "dim")]
        whole, between = interval(share).split(" ", 1)
        tone = "good" if share.low >= run.ship_at else "text"
        return [(right(whole, 4), tone), (left(f"  {between}", cells - 4), "dim")]

    def _bar(self, run: Run, cells: int) -> Row:
        share = measured(run)
        low, high = (share.low, share.high) if share else (0.0, 0.0)
        return list(span_bar(low, high, run.ship_at, cells, self.glyphs))

    def _trend(self, run: Run, cells: int) -> Row:
        return [(left(spark(history(run), cells, self.glyphs, 1.0), cells), "running")]

    def _cap(self, run: Run, cells: int) -> Row:
        of = share(run)
        if of is None or run.cap is None:
            return [(right("no cap", cells), "dim")]
        tone = "bad" if of >= 1 else "waits" if of >= WARN else "text"
        said = f" {money(run.cap)}"
        return [(right(percent(float(of)), cells - len(said)), tone), (said, "dim")]

    def _age(self, run: Run, cells: int) -> Row:
        return [(right(duration((self.console_app.clock() - run.changed_at) / 1000), cells), "dim")]

    def _labels(self, run: Run, cells: int) -> Row:
        said = labels(run.ledger, self.mirror.unfenced(run))
        short = said if len(said) <= cells else said.split()[0]
        return [(left(short, cells), "waits")]

    def on_click(self, event: "events.Click") -> None:
        """Move the cursor to the clicked run, a second click opens it; sort by a clicked title, or turn it round."""
        runs = self.runs()
        if event.y == 1 and runs:
            by = next((name for end, name in self._heads if event.x < end), "")
            if by:
                self.sort(turned(self.order) if column(self.order) == by else by)  # type: ignore[arg-type]
            return
        height = self.size.height - 3
        place = next((index for index, run in enumerate(runs) if run.id == self.console_app.chosen), 0)
        index = max(0, min(place - height // 2, len(runs) - height)) + event.y - 2
        if not 0 <= index < len(runs) or event.y < 2:
            return
        if runs[index].id == self.console_app.chosen:
            self.enter()
        else:
            self.console_app.choose(runs[index].id)
