"""The workshop's paper: a seed's text, its difference from the revision before, or what is wrong with it."""

from collections.abc import Iterable, Sequence

from factory_tui.console.bench import elsewhere
from factory_tui.console.figures import plural
from factory_tui.console.paint import Row, wrap
from factory_tui.console.past import Revision
from factory_tui.console.widgets.seeds import Paged
from factory_tui.domain.hostile import clean, one_line

LINES = 2_000
"""Lines of a text that are drawn, at most."""
LINE = 2_000
"""Characters of each."""
_MARKS = (("@@", "key"), ("+++", "dim"), ("---", "dim"), ("+", "good"), ("-", "bad"))


class Sheet(Paged):
    """Read-only."""

    TITLE = "text"

    def __init__(self) -> None:
        super().__init__()
        self._made: tuple[tuple[Revision, str, int], list[Row]] | None = None

    def heading(self) -> tuple[Row, Row]:
        """What is on it."""
        bench, one = self.bench, self.workshop.revision
        if bench is None:
            return [("seed", "title")], []
        said = {"seed": "seed ", "diff": "difference ", "problems": "problems "}[self.workshop.view]
        which = f" {one.revision[:8]}" if one and self.workshop.view != "problems" else ""
        other = "d seed" if self.workshop.view == "diff" else "d difference"
        return [(said, "title"), (f"{bench.name}{which}", "text")], [(other, "dim")]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        bench, one, view = self.bench, self.workshop.revision, self.workshop.view
        if bench is None:
            return []
        if view == "problems":
            found = list(self._problems(width))
        elif one is None:
            found = list(_words("It has no revision that can be used; l tells what is wrong.", "waits", width))
        else:
            found = self._drawn_once(one, width)
        return self.window((bench.name, one.revision if one else "", view), found, height)

    def _drawn_once(self, one: Revision, room: int) -> list[Row]:
        """A text does not change: it is wrapped once, however often the screen is drawn."""
        key = (one, self.workshop.view, room)
        if self._made is None or self._made[0] != key:
            rows = _difference(one, room) if self.workshop.view == "diff" else _text(one, room)
            self._made = (key, list(rows))
        return self._made[1]

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


def _difference(one: Revision, room: int) -> Iterable[Row]:
    if not one.diff:
        yield from _words("The first revision that is known; there is none before it to differ from.", "dim", room)
    for line in clean(one.diff).splitlines()[:LINES]:
        role = next((role for mark, role in _MARKS if line.startswith(mark)), "text")
        for part in wrap(one_line(line, LINE), room - 3):
            yield [(" ", "text"), (part, role)]
