"""The workshop's shelf: the workspace's seeds, and the revisions of the chosen one with the runs that used each."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

from factory_tui.console.bench import Bench, Use, spans, uses
from factory_tui.console.figures import duration, plural, stamp
from factory_tui.console.glyphs import LAMPS, Tone
from factory_tui.console.paint import Row, cut, left, middle, right, width, wrap
from factory_tui.console.past import Revision
from factory_tui.console.widgets.pane import Motion, Pane
from factory_tui.console.widgets.panel import Panel
from factory_tui.console.widgets.scrolled import Scrolled
from factory_tui.domain.hostile import one_line

if TYPE_CHECKING:
    from textual import events

    from factory_tui.console.screens.workshop import WorkshopScreen

ROOMY = 48
"""Cells of the shelf from which on all of a line has room."""
EMPTY = (
    'No seeds yet. A seed is one file, seeds/NAME.md: a line +++, the keys (owner = "you"), a line +++, '
    "and then in words what is wanted."
)


class OfSeed(Panel):
    """About the seed under the workshop's cursor."""

    @property
    def workshop(self) -> "WorkshopScreen":
        """The screen, as what it is."""
        return cast("WorkshopScreen", self.screen)

    @property
    def bench(self) -> Bench | None:
        """The chosen seed."""
        return self.workshop.bench


def state_of(bench: Bench) -> tuple[Tone, str]:
    """How a seed stands, in a tone and in words."""
    if bench.edits:
        return "bad", "unusable" if not bench.view.revision else "bad edit"
    if bench.gone:
        return "waits", "gone"
    if not bench.scenarios:
        return "waits", "no scenarios"
    if bench.view.revision and bench.view.confirmed and not bench.reviewed:
        return "waits", "unreviewed"
    return "good", "reviewed" if bench.reviewed else "ready"


class SeedList(OfSeed, Pane):
    """By name; left and right choose among the runs of one."""

    TITLE = "seeds"
    OPENS = True

    def go(self, motion: Motion) -> bool:  # noqa: D102
        if motion in ("left", "right"):
            self.workshop.pick(1 if motion == "left" else -1)
            return True
        most = len(self.workshop.benches)
        rows = {"up": -1, "down": 1, "first": -most, "last": most}.get(motion)
        if rows is not None:
            self.workshop.move(rows)
        return rows is not None

    def enter(self) -> bool:  # noqa: D102
        self.workshop.open()
        return True

    def heading(self) -> tuple[Row, Row]:
        """How many, and how many of them have problems."""
        found = self.workshop.benches
        bad = sum(bool(bench.edits) for bench in found)
        said: Row = [(f"{self.glyphs.marks['bad']} {plural(bad, 'bad edit')}", "bad")] if bad else []
        return [("seeds", "title")], said

    def footing(self) -> Row:
        """How many there are, where not all have room."""
        total = len(self.workshop.benches)
        return [(plural(total, "seed"), "dim")] if total > self.size.height - 2 else []

    def sync(self) -> None:
        """Revisions are read from the journal when they are first looked at; the run in use is the app's too."""
        self.console_app.look_back()
        run = self.workshop.run
        if run and self.screen.is_current and self.console_app.chosen != run.id:
            self.console_app.choose(run.id)
        super().sync()

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        found = self.workshop.benches
        if not found:
            return [[("  ", "text"), (part, "dim")] for part in wrap(EMPTY, width - 4)]
        top = self._top(len(found), height)
        return [self._line(bench, width) for bench in found[top : top + height]]

    def _top(self, number: int, height: int) -> int:
        return max(0, min(self.workshop.row - height // 2, number - height))

    def _line(self, bench: Bench, room: int) -> Row:
        chosen = bench is self.bench or (self.bench is not None and bench.name == self.bench.name)
        tone, said = state_of(bench)
        name = 15
        row: Row = [
            (f"{self.glyphs.cursor if chosen else ' '} ", "key"),
            (f"{self.glyphs.marks[tone]} ", tone),
            (left(middle(bench.name, name), name + 1), "strong"),
            (left(bench.view.revision[:8] or "-", 9), "dim"),
            (right(plural(len(bench.runs), "run"), 7) + "  " if room >= ROOMY else "", "dim"),
        ]
        row.append((left(said, max(0, room - width(row))), tone if tone != "good" else "dim"))
        return [(text, f"{role}+cursor") for text, role in row] if chosen else row

    def on_click(self, event: "events.Click") -> None:
        """Move the cursor to the clicked line."""
        found = self.workshop.benches
        index = self._top(len(found), self.size.height - 2) + event.y - 1
        if event.y > 0 and 0 <= index < len(found):
            self.workshop.take(found[index].name)


class Page(OfSeed, Scrolled):
    """One of those beside the seeds. All but the revisions share a place, and say in their border which there are."""

    def key(self) -> str:
        """The key to what lies below."""
        return "pgdn" if self.workshop.page is self else "tab"

    def footing(self) -> Row:
        """How much lies below, and how to get there."""
        return self.below(self.key())

    def titled(self, said: Row) -> Row:
        """Its name, among those of all that share the place where only one has room; then what is said of it."""
        if self.workshop.spread:
            return [(self.TITLE, "title"), *([(" ", "text"), *said] if said else [])]
        tabs: Row = []
        for page in self.workshop.PAGES:
            chosen = page.TITLE == self.TITLE
            tabs.append((f" {self.glyphs.sep} " if tabs else "", "dim"))
            tabs.append((f"{self.glyphs.cursor} {page.TITLE}" if chosen else page.TITLE, "title" if chosen else "dim"))
        return [*tabs, ("  " if said else "", "frame"), *said]


class Revisions(Page):
    """Newest first; below each the runs that used it."""

    TITLE = "revisions"

    def __init__(self) -> None:
        super().__init__()
        self._picked = ""
        """The run that was chosen when it was drawn last."""

    def heading(self) -> tuple[Row, Row]:
        """How to move."""
        return [("revisions", "title")], [("{ } revision", "dim")]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        bench, shown = self.bench, self.workshop.revisions
        if bench is None or not shown:
            said = "No revision yet: the seed has never been read without a problem." if bench else ""
            return [[("  ", "text"), (part, "dim")] for part in wrap(said, width - 4)]
        run, turned = self.workshop.run, self.workshop.turned
        picked, before = run.id if run else "", self._picked
        self._picked = picked
        found: list[Row] = []
        of_revision = of_run = -1
        for place, one in enumerate(shown):
            if place == turned:
                of_revision = len(found)
            found.append(self._line(one, bench, width, place == turned))
            used = list(uses(one.revision, bench.runs))
            if of_run < 0:
                of_run = next((len(found) + line for line, use in enumerate(used) if use.run.id == picked), -1)
            found += self._uses(used, width)
        if not bench.runs:
            found += [[], [("  No run of it yet; n starts one.", "dim")]]
        moved = before in {one.id for one in bench.runs} and picked != before
        at = of_run if moved and of_run >= 0 else of_revision
        return self.window((bench.name, shown[turned].revision, picked), found, height, at)

    def _line(self, one: Revision, bench: Bench, room: int, chosen: bool) -> Row:
        row: Row = [
            (f"{self.glyphs.cursor if chosen else ' '} ", "key"),
            (left(one.revision[:8], 9), "strong"),
            (left(stamp(one.at), 10), "dim"),
            (right(duration((self.console_app.clock() - one.at) / 1000), 4) + "  ", "dim"),
        ]
        row += _changed(one)
        if one.revision == bench.view.revision:
            row.append(("  newest", "good"))
        short = [*row, (" " * max(0, room - width(row)), "text")]
        return [(text, f"{role}+cursor") for text, role in short] if chosen else short

    def _uses(self, used: Iterable[Use], room: int) -> list[Row]:
        found: list[Row] = []
        name = 16 if room >= ROOMY else 13
        for use in used:
            tone = LAMPS[use.run.state]
            picked = self.workshop.run is not None and use.run.id == self.workshop.run.id
            parts = [f"pass {spans(use.passes)}" if use.passes else "", "its next pass" if use.next else ""]
            said = f"{use.run.state}, {' and '.join(part for part in parts if part)}"
            found.append(
                [
                    (f"    {self.glyphs.cursor if picked else ' '} ", "key"),
                    (f"{self.glyphs.marks[tone]} ", tone),
                    (left(middle(use.run.id, name), name + 1), "strong" if picked else "text"),
                    (cut(one_line(said), max(0, room - name - 9)), "dim"),
                ]
            )
        return found


def _changed(one: Revision) -> Row:
    """Lines added and taken away; how a revision came."""
    lines = [line for line in one.diff.splitlines() if not line.startswith(("+++", "---"))]
    plus, minus = (sum(line.startswith(mark) for line in lines) for mark in "+-")
    if not one.diff:
        return [("first known", "dim")]
    return [(f"+{plus} ", "good"), (f"-{minus}", "bad"), (" by hand" if one.by_hand else "", "dim")]
