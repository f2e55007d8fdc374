"""The verdict matrix: scenarios by passes, worst first, with a cursor on one cell of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from factory_tui.console.figures import percent
from factory_tui.console.glyphs import Glyphs, Tone
from factory_tui.console.offering import shown
from factory_tui.console.paint import Row, left, middle, right
from factory_tui.console.paint import width as cells_of
from factory_tui.console.widgets.pane import Motion, Pane
from factory_tui.domain.events import ScenarioSet
from factory_tui.domain.state import Pass, Run, Tally

if TYPE_CHECKING:
    from textual import events

SOME = "~"
BY_HAND = "f"
"""Of what was judged while an operator had a twin fail."""
ROOM, NEAR, SHARE, TOLD = 3, 5, 6, 7
"""Cells of a pass, of how near it came, of the newest share, and of what was told."""
NAME = 24
"""Cells that a name gets before every pass says how near it came."""
LEAST = 20
"""Cells that it gets before another pass is in sight."""
SETS: tuple[ScenarioSet, ...] = ("feedback", "vault")


def share(tally: Tally) -> float | None:
    """Satisfied of judged; None when all verdicts are void or there is none."""
    judged = tally.satisfied + tally.unsatisfied
    return tally.satisfied / judged if judged else None


def tone_of(tally: Tally | None) -> Tone:
    """All satisfied, some, none, or nothing judged."""
    found = share(tally) if tally else None
    if tally is None:
        return "dim"
    if found is None:
        return "idle"
    return "good" if found == 1 else "bad" if found == 0 else "waits"


def mark_of(tally: Tally | None, glyphs: Glyphs) -> str:
    """The glyph of a cell."""
    tone = tone_of(tally)
    return SOME if tone == "waits" else glyphs.marks[tone]


def newest(run: Run, scenario: str) -> tuple[int, Tally] | None:
    """What the newest pass in which a scenario was judged says of it, and the number of that pass."""
    found = ((item.number, item.tallies[scenario]) for item in reversed(run.passes) if scenario in item.tallies)
    return next(((number, tally) for number, tally in found if tally.judged), None)


def _rank(run: Run, scenario: str) -> float:
    """Its newest share; what is not known comes last."""
    found = newest(run, scenario)
    return (share(found[1]) or 0.0) if found else 2.0


def order(run: Run) -> list[tuple[ScenarioSet, str]]:
    """Every scenario with its set, in the order of rows: of each set the worst first."""

    def rank(name: str) -> float:
        return _rank(run, name)

    return [(of, name) for of in SETS for name in sorted((n for n, its in run.scenarios if its == of), key=rank)]


def _near(tally: Tally | None) -> str:
    """How near the last one came that does not satisfy."""
    return percent(tally.near_miss) if tally and tally.unsatisfied else ""


def _number(item: Pass, marked: bool) -> tuple[str, str]:
    """Of a pass, after a star where it is marked; with `f` behind it, or alone, a twin failed by hand meanwhile."""
    said = f"{'*' if marked else ''}{item.number}"
    if item.faults:
        said = f"{said}{BY_HAND}" if len(said) < ROOM else BY_HAND
    return right(said, ROOM), "waits" if marked or item.faults else "dim"


class Cell(msgspec.Struct, frozen=True):
    """A cell of the matrix of a run."""

    run: str
    scenario: str
    number: int


class _Columns(msgspec.Struct, frozen=True):
    """Which passes are in sight, and how wide all is."""

    passes: tuple[Pass, ...]
    name: int
    room: int
    """Of a pass; more than its mark needs where it says how near it came."""
    near: bool = False
    """Whether that is said once, behind all passes, for the one under the cursor."""

    def at(self, x: int) -> int | None:
        """The number of the pass at a cell of a row."""
        index = (x - self.name) // self.room
        return self.passes[index].number if 0 <= index < len(self.passes) else None


class Matrix(Pane):
    """One row a scenario, one column a pass; then the newest share, and how much of the scenario the agent was told."""

    TITLE = "verdicts"
    OPENS = True

    def __init__(self) -> None:
        super().__init__()
        self._top = 0
        self._rows: list[tuple[ScenarioSet, str]] = []
        """What stands in each row drawn; a head has no scenario."""
        self._columns = _Columns((), 0, ROOM)

    @property
    def run(self) -> Run | None:
        """The run that the keys are about."""
        return self.mirror.run(self.console_app.chosen)

    @property
    def cell(self) -> Cell | None:
        """The one under the cursor; until it is moved, what is worst by now."""
        run = self.run
        if run is None or not run.scenarios or not run.passes:
            return None
        known = self.console_app.cells.get(run.id)
        if known and any(name == known.scenario for name, _ in run.scenarios):
            there = any(item.number == known.number for item in run.passes)
            return known if there else Cell(run.id, known.scenario, run.passes[-1].number)
        worst = min((name for _, name in order(run)), key=lambda name: _rank(run, name))
        judged = newest(run, worst)
        return Cell(run.id, worst, judged[0] if judged else run.passes[-1].number)

    @property
    def pointed(self) -> bool:
        """Whether its cursor is to be seen: keys go to it, or what lies under it is in sight."""
        place = self.console_app.place
        return place is not None and (place.is_chosen(self) or place.points)

    def heading(self) -> tuple[Row, Row]:
        """Title and legend."""
        marks = self.glyphs.marks
        legend: Row = [
            (f"{marks['good']} all ", "good"),
            (f"{SOME} some ", "waits"),
            (f"{marks['bad']} none", "bad"),
        ]
        run = self.run
        if run and any(tone_of(tally) == "idle" for item in run.passes for tally in item.tallies.values()):
            legend.append((f" {marks['idle']} void", "idle"))
        return [("verdicts", "title")], legend

    def footing(self) -> Row:
        """Which passes are in sight, how many scenarios of each set, and what is marked to be compared."""
        run = self.run
        if run is None or not run.scenarios:
            return []
        marked = sorted(self.console_app.marked.get(run.id, ()))
        if len(marked) == 1:
            return [(f"pass {marked[0]} marked: space on another", "waits")]
        if marked:
            return [(f"d compares pass {marked[0]} with {marked[1]}", "waits")]
        parts: list[Row] = [self._keys(run)]
        seen = self._columns.passes
        if seen and len(seen) < len(run.passes):
            parts.append([(f"passes {seen[0].number}-{seen[-1].number} of {len(run.passes)}", "dim")])
        below = len(run.scenarios) + len(self._sets(run)) - self._top - (self.size.height - 2)
        if below > 0:
            parts.append([(f"{below} more {self.glyphs.more}", "dim")])
        vault = sum(1 for _, kind in run.scenarios if kind == "vault")
        parts.append([(f"{len(run.scenarios) - vault} feedback, {vault} vault", "dim")])
        row: Row = []
        for part in filter(None, parts):
            if cells_of(row) + cells_of(part) < self.size.width - 8:
                row += [*([("  ", "dim")] if row else []), *part]
        return row

    def _keys(self, run: Run) -> Row:
        """What can be done with the pass under the cursor."""
        place, cell = self.console_app.place, self.cell
        made = [item.number for item in run.passes if item.commit]
        if (
            place is None
            or not place.is_chosen(self)
            or place.SCOPE != "run"
            or cell is None
            or cell.number not in made
        ):
            return []
        before = max([number for number in made if number < cell.number], default=0)
        what = f" pass {f'{before} to {cell.number}' if before else cell.number}"
        diff, mark = (self.console_app.keys[name] for name in ("run.diff", "verdicts.mark"))
        row: Row = [(shown(diff[0]), "key"), (what, "dim")] if diff else []
        return [*row, (f"  {shown(mark[0])}", "key"), (" marks", "dim")] if mark and len(made) > 1 else row

    def _sets(self, run: Run) -> list[ScenarioSet]:
        return [of for of in SETS if any(its == of for _, its in run.scenarios)]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        run = self.run
        if run is None or not run.scenarios:
            self._rows = []
            return [[("  no scenarios", "dim")]]
        cell = self.cell
        scenarios = order(run)
        lines = [(of, name) for kind in self._sets(run) for of, name in [(kind, ""), *scenarios] if of == kind]
        at = next((index for index, (_, name) in enumerate(lines) if cell and name == cell.scenario), 1)
        # The head of what is in sight stays at the top, over whatever row is there.
        self._top = max(0, min(max(self._top, at - height + 1), at - 1, len(lines) - height))
        self._columns = self._fitting(run, width, cell)
        self._rows = lines[self._top : self._top + height]
        if self._rows:
            self._rows[0] = (self._rows[0][0], "")
        return [self._line(run, name, cell) if name else self._head(run, of) for of, name in self._rows]

    def _fitting(self, run: Run, width: int, cell: Cell | None) -> _Columns:
        longest = max(len(name) for name, _ in run.scenarios) + 2
        rest, count = width - 1 - SHARE - (TOLD if run.revealed else 0), len(run.passes)
        if not count:
            return _Columns((), min(longest, rest), ROOM)
        if rest - min(longest, NAME) >= count * (ROOM + NEAR):
            return _Columns(run.passes, min(longest, rest - count * (ROOM + NEAR)), ROOM + NEAR)
        near = any(tally.unsatisfied for item in run.passes for tally in item.tallies.values())
        rest -= NEAR * near
        count = min(count, max(1, (rest - min(longest, LEAST)) // ROOM))
        numbers = [item.number for item in run.passes]
        cursor = numbers.index(cell.number) if cell and cell.number in numbers else len(numbers) - 1
        first = min(cursor, len(numbers) - count)
        return _Columns(run.passes[first : first + count], min(longest, rest - count * ROOM), ROOM, near)

    def _head(self, run: Run, of: ScenarioSet) -> Row:
        columns, marked = self._columns, self.console_app.marked.get(run.id, ())
        row: Row = [(left(f" {of}", columns.name), "dim")]
        for item in columns.passes:
            row.append(_number(item, item.number in marked))
            row.append((right("near", columns.room - ROOM), "dim"))
        if not columns.passes:
            return row
        row.append((right("near" if columns.near else "", NEAR * columns.near), "dim"))
        if of == "vault" and run.revealed:
            return [*row, (right(f"{run.bits:.0f} bits", SHARE + TOLD), "dim")]
        return [*row, (right("share", SHARE) + right("told", TOLD if run.revealed else 0), "dim")]

    def _line(self, run: Run, scenario: str, cell: Cell | None) -> Row:
        columns, cursor, pointed = self._columns, self.glyphs.cursor, self.pointed
        here = pointed and cell is not None and cell.scenario == scenario
        name = left(middle(scenario, columns.name - 2), columns.name - 2)
        row: Row = [(f" {cursor if here else ' '}", "key"), (name, "strong" if here else "text")]
        for item in columns.passes:
            tally = item.tallies.get(scenario)
            tone: str = tone_of(tally)
            mark = mark_of(tally, self.glyphs)
            if here and cell and item.number == cell.number:
                mark, tone = f"{cursor}{mark}", f"{tone}+cursor"
            row += [(right(mark, ROOM), tone), (right(_near(tally), columns.room - ROOM), tone)]
        last = newest(run, scenario)
        if columns.near:
            of_pass = cell.number if cell and pointed else last[0] if last else 0
            tally = next((item.tallies.get(scenario) for item in run.passes if item.number == of_pass), None)
            row.append((right(_near(tally), NEAR), tone_of(tally)))
        figure = share(last[1]) if last else None
        row.append((right(percent(figure) if figure is not None else "", SHARE), "dim"))
        if scenario in run.revealed:
            row.append((right(percent(run.revealed[scenario]), TOLD), "dim"))
        return row

    def go(self, motion: Motion) -> bool:  # noqa: D102
        run, cell = self.run, self.cell
        if run is None or cell is None:
            return motion in ("left", "right")
        names = [name for _, name in order(run)]
        numbers = [item.number for item in run.passes]
        page = max(1, self.size.height - 4)
        down = {"up": -1, "down": 1, "page-up": -page, "page-down": page, "first": -len(names), "last": len(names)}
        row = names.index(cell.scenario) + down.get(motion, 0)
        column = numbers.index(cell.number) + {"left": -1, "right": 1}.get(motion, 0)
        self._point(names[max(0, min(row, len(names) - 1))], numbers[max(0, min(column, len(numbers) - 1))])
        return True

    def _point(self, scenario: str, number: int) -> None:
        run = self.console_app.chosen
        self.console_app.cells[run] = Cell(run, scenario, number)
        self.mirror.dirty = True
        self.console_app.flush()

    def enter(self) -> bool:  # noqa: D102
        if self.cell is None:
            return False
        self.console_app.open_verdict()
        return True

    def on_click(self, event: "events.Click") -> None:
        """Move the cursor to the clicked cell; a second click opens it."""
        of_rows = self._rows[event.y - 1 : event.y] if event.y >= 1 else []
        scenario = of_rows[0][1] if of_rows else ""
        cell = self.cell
        if not scenario or cell is None:
            return
        number = self._columns.at(event.x - 1) or cell.number
        if self.pointed and (scenario, number) == (cell.scenario, cell.number):
            event.prevent_default()  # keys are about what was opened
            self.enter()
        else:
            self._point(scenario, number)
