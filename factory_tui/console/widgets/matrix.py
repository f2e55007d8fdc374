"""The verdict matrix: scenarios by passes, worst first."""

from collections.abc import Sequence

from factory_tui.console.figures import percent
from factory_tui.console.glyphs import Tone
from factory_tui.console.paint import Row, left, middle, right
from factory_tui.console.widgets.pane import Pane
from factory_tui.domain.state import Pass, Tally

SOME = "~"
BY_HAND = "f"
"""Of what was judged while an operator had a twin fail."""
PASSES, NAME = 3, 22
"""Passes that are shown before a name gets more than so many cells."""


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


class Matrix(Pane):
    """One row a scenario, one column a pass; then the newest share, and how much of the scenario the agent was told."""

    TITLE = "verdicts"

    def heading(self) -> tuple[Row, Row]:
        """Title and legend."""
        marks = self.glyphs.marks
        legend: Row = [
            (f"{marks['good']} all ", "good"),
            (f"{SOME} some ", "waits"),
            (f"{marks['bad']} none", "bad"),
        ]
        return [("verdicts", "title")], legend

    def footing(self) -> Row:
        """How many scenarios of each set."""
        run = self.mirror.run(self.console_app.chosen)
        if run is None or not run.scenarios:
            return []
        vault = sum(1 for _, kind in run.scenarios if kind == "vault")
        return [(f"{len(run.scenarios) - vault} feedback, {vault} vault", "dim")]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        run = self.mirror.run(self.console_app.chosen)
        if run is None or not run.scenarios:
            return [[("  no scenarios", "dim")]]
        room = 3 if len(run.passes) <= (width - 26) // 3 else 2
        figure = 10 if run.revealed else 5
        passes = min(len(run.passes), PASSES) * room
        name = min(
            max(len(item) for item, _ in run.scenarios) + 2,
            max(NAME, width - figure - passes - 1),
            width - figure - room - 1,
        )
        shown = run.passes[-max(1, (width - name - figure - 1) // room) :]
        found: list[Row] = []
        for kind in ("feedback", "vault"):
            told = run.revealed if kind == "feedback" else {}
            above = "" if not run.revealed else "told" if told else f"{run.bits:.0f} bits"
            found.append([*self._head(kind, shown, name, room), (right(above, figure), "dim")])
            names = [item for item, of in run.scenarios if of == kind]
            for item in self._worst_first(names, shown):
                line = self._line(item, shown, name, room)
                found.append([*line, (right(percent(told[item]), 5), "dim")] if item in told else line)
        if len(found) > height:
            hidden = len(found) - height + 1
            found = [*found[: height - 1], [(f" {hidden} more on a taller terminal", "dim")]]
        return found

    def _head(self, kind: str, shown: Sequence[Pass], name: int, room: int) -> Row:
        row: Row = [(left(f" {kind}", name), "dim")]
        return [*row, *(self._number(item, room) for item in shown)]

    def _number(self, item: Pass, room: int) -> tuple[str, str]:
        """Of a pass; with `f` behind it, or alone, it was judged while an operator had a twin fail."""
        if not item.faults:
            return right(str(item.number), room), "dim"
        said = f"{item.number}{BY_HAND}"
        return right(said if len(said) < room else BY_HAND, room), "waits"

    def _worst_first(self, names: Sequence[str], shown: Sequence[Pass]) -> list[str]:
        measured = next((item for item in reversed(shown) if item.tallies), None)
        if measured is None:
            return list(names)

        def rank(name: str) -> float:
            tally = measured.tallies.get(name)
            found = share(tally) if tally else None
            return 2.0 if found is None else found

        return sorted(names, key=rank)

    def _line(self, scenario: str, shown: Sequence[Pass], name: int, room: int) -> Row:
        row: Row = [(left(f"  {middle(scenario, name - 2)}", name), "text")]
        for item in shown:
            tone = tone_of(item.tallies.get(scenario))
            row.append((right(SOME if tone == "waits" else self.glyphs.marks[tone], room), tone))
        last = next((p.tallies[scenario] for p in reversed(shown) if scenario in p.tallies), None)
        figure = share(last) if last else None
        row.append((right(percent(figure) if figure is not None else "", 5), "dim"))
        return row
