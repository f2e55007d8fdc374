"""What is known of one cell of the verdict matrix: each trajectory with its evidence, near miss and judgements."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from factory_tui.console.figures import duration, percent, plural
from factory_tui.console.glyphs import Tone, meter
from factory_tui.console.paint import Row, wrap
from factory_tui.console.verdicts import Looked, Trajectory
from factory_tui.console.widgets.matrix import Cell, Matrix, mark_of, tone_of
from factory_tui.console.widgets.scrolled import Scrolled
from factory_tui.domain.events import Judged, VerdictReached
from factory_tui.domain.hostile import clean, one_line

LINES = 200
"""Lines of one verdict's evidence that are drawn."""
LINE = 1_000
"""Characters of each."""
_TELLING = ("wanted ", "because: ")
"""How the lines of evidence begin that say what was wrong."""
BAR = 10
"""Cells of the bar that says how near it came."""


class Verdict(Scrolled):
    """Follows the cursor of the matrix."""

    TITLE: ClassVar[str] = "verdict"

    def __init__(self) -> None:
        super().__init__()
        self._made: tuple[object, list[Row]] = (None, [])

    @property
    def cell(self) -> Cell | None:
        """The one under the matrix's cursor."""
        return next((matrix.cell for matrix in self.screen.query(Matrix)), None)

    def heading(self) -> tuple[Row, Row]:
        """Which cell, and what it comes to."""
        run, cell = self.mirror.run(self.console_app.chosen), self.cell
        if run is None or cell is None:
            return [("verdict", "title")], []
        tally = next((item.tallies.get(cell.scenario) for item in run.passes if item.number == cell.number), None)
        title: Row = [
            ("verdict ", "title"),
            (one_line(cell.scenario, 60), "text"),
            (f"  pass {cell.number}", "dim"),
        ]
        if tally is None:
            return title, []
        said = f"{tally.satisfied} of {tally.judged} satisfied" if tally.judged else "no verdict"
        said += f", {tally.void} void" if tally.void else ""
        return title, [(f"{mark_of(tally, self.glyphs)} {said}", tone_of(tally))]

    def footing(self) -> Row:
        """How to read a near miss, and how much lies below."""
        run, cell = self.mirror.run(self.console_app.chosen), self.cell
        tallies = (
            [item.tallies.get(cell.scenario) for item in run.passes if cell.number == item.number]
            if run and cell
            else []
        )
        missed = any(tally and tally.unsatisfied for tally in tallies)
        below = super().footing()
        said: Row = [("near miss: 0% far off, 100% just missed", "dim")] if missed else []
        place = self.console_app.place
        out: Row = [("esc: all of them", "dim")] if place and place.alone and place.is_chosen(self) else []
        parts = [part for part in (out, said, below) if part]
        return [span for at, part in enumerate(parts) for span in ([("  ", "dim")] * bool(at) + part)]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        cell = self.cell
        if cell is None:
            return _words("No pass yet, so that there is nothing to judge.", "dim", width)
        looked = self.console_app.read_pass(cell.run, cell.number)
        if looked is None:
            return _words("Not read: no engine is attached.", "waits", width)
        key = (cell, width, id(looked), looked.version)
        if self._made[0] != key:
            self._made = key, list(self._all(looked, cell, width))
        return self.window(cell, self._made[1], height)

    def _all(self, looked: Looked, cell: Cell, width: int) -> Iterable[Row]:
        """Every visit of the pass in which it ran, by trajectory."""
        found = looked.of(cell.scenario)
        if not found:
            if looked.trouble:
                yield from _words(f"The journal cannot be read: {looked.trouble}", "bad", width)
            elif not looked.whole:
                yield from _words("reading the journal…", "dim", width)
            else:
                yield from _words(f"No trajectory of it in pass {cell.number} yet.", "dim", width)
        for visit in sorted({one.visit for one in found}):
            yield self._visit(looked, visit, [one for one in found if one.visit == visit])
            for one in found:
                if one.visit == visit:
                    yield from self._trajectory(one, width)

    def _visit(self, looked: Looked, visit: int, found: Sequence[Trajectory]) -> Row:
        began = looked.began.get(visit)
        of = next(one.verdict or one.judged[0] for one in found).set
        said = f"  visit {visit}, {plural(len(found), 'trajectory')} of the {of}{' set' if of == 'feedback' else ''}"
        return [(f" {began.kind if began else 'visit'}", "strong"), (said, "dim")]

    def _trajectory(self, one: Trajectory, width: int) -> Iterable[Row]:
        verdict = one.verdict
        if verdict is None:
            yield [("  ", "text"), (f"{self.glyphs.marks['running']} #{one.index} being judged", "running")]
        else:
            yield self._head(verdict)
        if verdict is not None and (not verdict.satisfied or verdict.judgements):
            said = [line for line in clean(verdict.evidence).splitlines() if line.strip()]
            for line in said[:LINES]:
                yield from _words(line, "strong" if line.startswith(_TELLING) else "text", width, 6)
            if not said and not verdict.satisfied:
                yield from _words("what was seen is not told here", "dim", width, 6)
        if verdict is not None and verdict.faults:
            by_hand = f"while an operator had {', '.join(verdict.faults)}: it tells nothing of the product"
            yield from _words(by_hand, "waits", width, 6)
        if verdict is not None and verdict.judgements:
            mind = f", {verdict.dissent} of another mind" if verdict.dissent else ""
            yield [(f"      {plural(verdict.judgements, 'judgement')}{mind}", "dim")]
        for judged in one.judged:
            yield from self._judged(judged, width)

    def _head(self, verdict: VerdictReached) -> Row:
        name, took = f"#{verdict.index} ", f"  {duration(verdict.seconds)}" if verdict.seconds else ""
        if verdict.satisfied is None:
            fault = f", by a fault of twin {verdict.twin}" if verdict.twin else ", the harness broke"
            return [
                (f"  {self.glyphs.marks['idle']} {name}void", "waits"),
                (f"{one_line(fault, 80)}: counted for nobody", "dim"),
            ]
        tone: Tone = "good" if verdict.satisfied else "bad"
        row: Row = [(f"  {self.glyphs.marks[tone]} {name}{'' if verdict.satisfied else 'not '}satisfied", tone)]
        if not verdict.satisfied:
            row += [("  near miss ", "dim"), *meter(verdict.near_miss, BAR, self.glyphs, "waits")]
            row.append((f" {percent(verdict.near_miss)}", "waits"))
        return [*row, (took, "dim")]

    def _judged(self, judged: Judged, width: int) -> Iterable[Row]:
        tone: Tone = "idle" if judged.satisfied is None else "good" if judged.satisfied else "bad"
        of = f"judgement {judged.nth} of at most {judged.panel}" if judged.panel else f"judgement {judged.nth}"
        model = f" by {one_line(judged.model, 40)}" if judged.model else ""
        said = "no judgement" if judged.satisfied is None else f"probability {judged.probability:.2f}"
        yield [(f"      {self.glyphs.marks[tone]} {said}", tone), (f"  {of}{model}", "dim")]
        if judged.rationale:
            yield from _words(judged.rationale, "text", width, 8)
        for quote in judged.quotes:
            yield from _words(f'"{one_line(quote, LINE)}"', "dim", width, 8)


def _words(text: str, role: str, room: int, indent: int = 2) -> list[Row]:
    return [[(" " * indent, "text"), (part, role)] for part in wrap(one_line(text, LINE), room - indent - 1)]
