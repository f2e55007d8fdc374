"""The workshop's paper: a seed's text, what a revision changed, what is wrong with it, or two runs of it compared."""

from collections.abc import Iterable, Sequence

from factory_tui.console.bench import elsewhere
from factory_tui.console.comparing import differing, figures, judged, pair
from factory_tui.console.difference import BESIDE, LINE, LINES, beside, unified
from factory_tui.console.figures import plural
from factory_tui.console.paint import Row, left, wrap
from factory_tui.console.past import Revision
from factory_tui.console.widgets.matrix import SOME, tone_of
from factory_tui.console.widgets.seeds import Page
from factory_tui.domain.hostile import clean, one_line
from factory_tui.domain.state import Tally

NAMES = {"diff": "difference", "problems": "problems", "compare": "A and B"}
ROOM = 17
"""Cells of what figures are called."""


class Sheet(Page):
    """Read-only."""

    TITLE = "seed"

    def __init__(self) -> None:
        super().__init__()
        self._made: tuple[tuple[Revision, str, int], list[Row]] | None = None

    def heading(self) -> tuple[Row, Row]:
        """What is on it."""
        bench, one, view = self.bench, self.workshop.revision, self.workshop.view
        if bench is None:
            return self.titled([]), []
        which = f" {one.revision[:8]}" if one and view in ("seed", "diff") else ""
        other = "d text" if view == "diff" else "d difference"
        said: Row = [(f"{NAMES[view]} ", "strong")] if view in NAMES else []
        return self.titled([*said, (f"{bench.name}{which}", "text")]), [(other, "dim")]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        bench, one, view = self.bench, self.workshop.revision, self.workshop.view
        if bench is None:
            return []
        if view == "problems":
            found = list(self._problems(width))
        elif view == "compare":
            found = list(self._compared(width))
        elif one is None:
            found = list(_words("It has no revision that can be used; l tells what is wrong.", "waits", width))
        else:
            found = self._drawn_once(one, width)
        return self.window((bench.name, one.revision if one else "", view), found, height)

    def _drawn_once(self, one: Revision, room: int) -> list[Row]:
        """A text does not change: it is wrapped once, however often the screen is drawn."""
        key = (one, self.workshop.view, room)
        if self._made is None or self._made[0] != key:
            rows = self._difference(one, room) if self.workshop.view == "diff" else _text(one, room)
            self._made = (key, list(rows))
        return self._made[1]

    def _difference(self, one: Revision, room: int) -> Iterable[Row]:
        if not one.diff:
            return _words("The first revision that is known; there is none before it to differ from.", "dim", room)
        wide = room >= BESIDE and not self.workshop.has_class("-narrow")
        return beside(one.diff, room, self.glyphs.frame[5]) if wide else unified(one.diff, room)

    def _compared(self, room: int) -> Iterable[Row]:
        both = pair(self.mirror.state, self.workshop.run)
        if both is None:
            said = "This run has no fork, and is none: F forks it with the newest revision, as A and B."
            yield from _words(said, "dim", room)
            return
        half = max(8, (room - ROOM - 2) // 2)
        yield [(" " * ROOM, "text"), (left(f"A  {both.a.id}", half), "strong"), (f"  B  {both.b.id}", "strong")]
        for name, a, b in figures(self.mirror.state, both):
            role = "text" if a != b else "dim"
            yield [(f" {name:<{ROOM - 1}}", "dim"), (left(a, half), role), (f"  {b}", role)]
        yield []
        differ = differing(both)
        if differ is None:
            yield from _words("Verdicts can be compared once both are judged.", "dim", room)
            return
        said = plural(len(differ), "scenario") if differ else "No scenario"
        yield [(f" {said} with other verdicts: {judged(both.a)} of A, {judged(both.b)} of B", "dim")]
        for one in differ:
            yield [
                (left(f"  {one.scenario}", room - 26), "text"),
                *self._verdict(one.a),
                ("  ", "text"),
                *self._verdict(one.b),
            ]

    def _verdict(self, tally: Tally | None) -> Row:
        tone = tone_of(tally)
        said = f"{tally.satisfied} of {tally.judged}" if tally and tally.judged else "none"
        return [(f"{SOME if tone == 'waits' else self.glyphs.marks[tone]} ", tone), (left(said, 9), "text")]

    def _problems(self, room: int) -> Iterable[Row]:
        bench = self.bench
        edits = bench.edits if bench else ()
        others = elsewhere(self.mirror.state)
        if not edits:
            yield from _words("Nothing is wrong with this seed and its scenarios.", "good", room)
        for file, why in edits:
            yield from self._problem(file, why, room)
        if edits and bench and bench.view.revision:
            yield from _words(f"Until then revision {bench.view.revision[:8]} stays in use.", "dim", room)
        if others:
            yield []
            yield [(f" elsewhere: {plural(len(others), 'file')}", "dim")]
            for file, why in others:
                yield from self._problem(file, why, room)

    def _problem(self, file: str, why: str, room: int) -> Iterable[Row]:
        yield [(f" {self.glyphs.marks['bad']} ", "bad"), (one_line(file, 200), "strong")]
        for line in clean(why).splitlines()[:LINES]:
            for part in wrap(one_line(line, LINE), room - 5):
                yield [("   ", "text"), (part, "text")]


def _words(text: str, role: str, room: int) -> Iterable[Row]:
    for part in wrap(text, room - 3):
        yield [(" ", "text"), (part, role)]


def _text(one: Revision, room: int) -> Iterable[Row]:
    """With line numbers, as problems name them; the keys between the fences are dim."""
    if not one.source:
        yield from _words(
            "What this revision says is not known here: it is read from the journal, while an engine is attached.",
            "dim",
            room,
        )
    keys = False
    for number, line in enumerate(clean(one.source).splitlines()[:LINES], 1):
        fence = line.strip() == "+++"
        role = "dim" if keys or fence else "strong" if line.startswith("#") else "text"
        keys = keys != fence
        for index, part in enumerate(wrap(one_line(line, LINE), room - 7)):
            yield [(f"{number:>4}  " if not index else " " * 6, "dim"), (part, role)]
