"""All runs, live: one line each, the columns that fit."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from factory_tui.console.figures import duration, interval, money
from factory_tui.console.glyphs import LAMPS, span_bar, spark
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


def measured(run: Run) -> Satisfaction | None:
    """The satisfaction that counts: the vault's, else the feedback set's, of the newest measured pass."""
    newest = run.measured
    return (newest.vault or newest.feedback) if newest else None


def history(run: Run) -> list[float]:
    """Satisfaction of each measured pass, oldest first."""
    sets = [item.vault or item.feedback for item in run.passes]
    return [item.share for item in sets if item]


class Column(msgspec.Struct, frozen=True):
    """A column: its title, its width, and how its cell is drawn in exactly that many cells."""

    title: str
    cells: int
    draw: Callable[[Run, int], Row]
    at_right: bool = False


def _re_seeds(run: Run) -> bool:
    return bool(run.reseed) and run.state not in OVER


def _taken(columns: Sequence[Column]) -> int:
    return sum(column.cells + 2 for column in columns)


class FloorTable(RunList):
    """The table of runs, with a cursor that stays on its run when rows move."""

    def heading(self) -> tuple[Row, Row]:
        """Title and workspace."""
        return [("floor", "title"), (f" {one_line(self.mirror.state.engine.workspace, 24)}", "text")], []

    def footing(self) -> Row:
        """How many there are."""
        total, found = len(self.mirror.state.runs), len(self.runs())
        some = f"{found} of " if found < total else ""
        return [(f"{some}{total} run{'s' * (total != 1)}", "dim")] if total else []

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        runs = self.runs()
        if not runs:
            return self._nothing(width, height)
        columns = self._columns(runs, width)
        head: Row = [("  ", "dim")]
        for column in columns:
            head += [((right if column.at_right else left)(column.title, column.cells), "dim"), ("  ", "dim")]
        head.pop()
        chosen = self.console_app.chosen
        place = next((index for index, run in enumerate(runs) if run.id == chosen), 0)
        top = max(0, min(place - (height - 1) // 2, len(runs) - (height - 1)))
        return [head, *(self._line(run, columns, width, run.id == chosen) for run in runs[top : top + height - 1])]

    def _nothing(self, width: int, height: int) -> list[Row]:
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
        for column in columns:
            row += [*column.draw(run, column.cells), ("  ", "text")]
        row = row[:-1]
        row.append((" " * max(0, room - cells_of(row)), "text"))
        return [(text, f"{role}+cursor") for text, role in row] if chosen else row

    def _columns(self, runs: Sequence[Run], room: int) -> list[Column]:
        wide, ultra = room >= 98, room >= 158
        mixed = len({labels(run.ledger, self.mirror.unfenced(run)) for run in runs}) > 1
        name = min(
            max(5, *(cells_of(self._branched(run)) for run in runs)),
            34 if ultra else 24 if wide else 12 if mixed else 16,
        )
        soon = [self._soon(run) for run in runs]
        awaited, longest = any(soon), max(len(one or self._said(run)) for one, run in zip(soon, runs, strict=True))
        node = min(max(8, *(len(run.node) for run in runs)), 18 if wide else 11)
        found = [
            Column("RUN", name, self._named),
            Column("STATE", _BOTH if wide and awaited else max(9, 2 + longest), self._state),
            Column("NODE", node, lambda run, cells: [(left(run.node, cells), "text")]),
            Column("PASS", 5, self._pass),
            *([Column("BEST", 4, self._best)] if any(map(best, runs)) else []),
            Column("SATISFIED", 12, self._satisfied),
        ]
        if wide:
            found.append(Column("TO SHIP", 16, self._bar))
        if wide or not mixed:
            found.append(Column("TREND", 10 if wide else 5, self._trend))
        found.append(Column("BURN", 7, lambda run, cells: [(right(money(run.burn.money), cells), "text")], True))
        if ultra:
            found.append(Column("OF CAP", 7, self._cap, True))
        found.append(Column("AGE", 4, self._age, True))
        if mixed:
            found.append(Column("", 18 if wide else 9, self._labels))
        for title in ("TREND", "AGE", "BEST", "PASS", "NODE"):
            if _taken(found) > room:
                found = [column for column in found if column.title != title]
        grown = 16 + room - _taken(found)
        return [
            msgspec.structs.replace(column, cells=grown) if column.title == "TO SHIP" else column for column in found
        ]

    def _branched(self, run: Run) -> Row:
        """Its id; of a fork below the run that it was forked from."""
        return [(f"{self.glyphs.branch} " if run.forked else "", "dim"), (run.id, "strong")]

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
        return [(right(money(run.cap) if run.cap is not None else "none", cells), "dim")]

    def _age(self, run: Run, cells: int) -> Row:
        return [(right(duration((self.console_app.clock() - run.changed_at) / 1000), cells), "dim")]

    def _labels(self, run: Run, cells: int) -> Row:
        said = labels(run.ledger, self.mirror.unfenced(run))
        short = said if len(said) <= cells else said.split()[0]
        return [(left(short, cells), "waits")]

    def on_click(self, event: "events.Click") -> None:
        """Move the cursor to the clicked run; a second click opens it."""
        runs = self.runs()
        height = self.size.height - 3
        place = next((index for index, run in enumerate(runs) if run.id == self.console_app.chosen), 0)
        index = max(0, min(place - height // 2, len(runs) - height)) + event.y - 2
        if not 0 <= index < len(runs) or event.y < 2:
            return
        if runs[index].id == self.console_app.chosen:
            self.enter()
        else:
            self.console_app.choose(runs[index].id)
