"""The workshop's scenarios, each with what its verdicts were worth by now; and the loop that the seed's runs take."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from factory_tui.console.bench import Bench
from factory_tui.console.figures import percent, plural
from factory_tui.console.paint import Row, cut, left, right
from factory_tui.console.widgets.listed import Listed
from factory_tui.console.widgets.matrix import BY_HAND, SOME, tone_of
from factory_tui.console.widgets.pipeline import Pipeline
from factory_tui.console.widgets.seeds import Page
from factory_tui.domain.state import Run
from factory_tui.domain.stories import Story, stories

if TYPE_CHECKING:
    from factory_tui.console.glyphs import Tone

KINDS = {"main": "main", "edge": "edge", "adversarial": "advers."}
LAST = 10
"""Visits that the strip shows."""
BARE = " ?"
"""Behind a scenario whose rubric's bias nobody knows: no human labelled a transcript of it."""
_REST = 47
"""Cells of what stands behind a name."""


class Judged(Listed):
    """One line a scenario; what is known of the one under the cursor below."""

    TITLE = "scenarios"
    FILTERED = True
    FIELDS = ("set", "kind", "is")

    def heading(self) -> tuple[Row, Row]:
        """Whether somebody reviewed them for the seed as it is."""
        bench = self.bench
        if bench is None or not bench.scenarios:
            return self.titled([]), []
        view = bench.view
        if bench.reviewed:
            by = f" by {view.confirmed_by}" if view.confirmed_by else ""
            said = f"{self.glyphs.marks['good']} reviewed for {view.revision[:8]}{by}"
            return self.titled([]), [(said, "good")]
        if view.reviewed and not view.confirmed:
            stale = sum(one.stale for one in self._stories(bench))
            said = f"{stale} of {len(bench.scenarios)} not reviewed for {view.revision[:8]}"
            return self.titled([]), [(said, "waits" if stale else "good")]
        said = f"reviewed for {view.confirmed[:8]}, not for this one" if view.confirmed else "no review known"
        return self.titled([]), [(said, "waits" if view.confirmed else "dim")]

    def footing(self) -> Row:
        """How many of each set, and how many lie below."""
        bench = self.bench
        if bench is None or not bench.scenarios:
            return []
        vault = sum(kind == "vault" for _, kind in bench.scenarios)
        below = super().footing()
        return [
            *below,
            ("  " if below else "", "dim"),
            (f"{len(bench.scenarios) - vault} feedback, {vault} vault", "dim"),
            (f" {BARE} no human labels" * bool(bench.view.unlabelled), "dim"),
        ]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        bench = self.bench
        if bench is None:
            return []
        if not bench.scenarios:
            said = f"No scenarios, so that nothing can judge it. Write a TOML file for each in scenarios/{bench.name}/."
            return self.words(said, "waits", width)
        found = [one for one in self._stories(bench) if self.filter.holds(_fields(one))]
        name = min(max([12, *(len(one.name) + len(BARE) for one in found)]) + 1, max(12, width - _REST - 2))
        head: Row = [
            (left("  scenario", name + 2), "dim"),
            (left("set", 9) + left("kind", 8), "dim"),
            (left(f"last {LAST}", LAST + 1), "dim"),
            (right("tells", 6) + right("told", 5) + "  ", "dim"),
            ("review", "dim"),
        ]
        lines = [self._row(one, bench, name) for one in found]
        self._lines = len(lines)
        detail = self._detail(found[self.at], bench, width) if found else self.words("None fits.", "dim", width)
        return self.listed(head, lines, detail, (width, height))

    def _stories(self, bench: Bench) -> list[Story]:
        known = stories(bench.view, bench.runs)
        if known:
            return known
        view = type(bench.view)(bench.name, scenarios=bench.scenarios)  # where only its runs tell of them
        return stories(view, bench.runs)

    def _row(self, one: Story, bench: Bench, name: int) -> Row:
        power = one.power.value
        tone: Tone = "idle" if power is None else "bad" if power < 0 else "text"
        review: tuple[str, Tone] = ("stale", "waits") if one.stale else ("fresh", "dim")
        return [
            (left(cut(f"{one.name}{BARE * (one.name in bench.view.unlabelled)}", name - 1), name), "text"),
            (left(one.set, 9), "dim"),
            (left(KINDS.get(one.kind or "", ""), 8), "dim"),
            *self._strip(one, bench),
            (right("-" if power is None else f"{power:+.2f}", 6), tone),
            (right("-" if one.told is None else percent(one.told), 5) + "  ", "dim"),
            review if one.reviewed else ("-    ", "dim"),
            ("  flaky" if one.flaky else "", "waits"),
        ]

    def _strip(self, one: Story, bench: Bench) -> Row:
        """A mark a visit, newest at the right."""
        found: Row = []
        for seen, visit in list(zip(one.seen, bench.view.visits, strict=True))[-LAST:]:
            tone = tone_of(seen.tally)
            if seen.tally and visit.faults:
                found.append((BY_HAND, "waits"))
            else:
                found.append((SOME if tone == "waits" else self.glyphs.marks[tone], tone))
        return [(" " * (LAST - len(found)), "text"), *found, (" ", "text")]

    def _detail(self, one: Story, bench: Bench, width: int) -> list[Row]:
        seen = [
            f"{item.run.rpartition('-')[2]}.{item.number} {item.tally.satisfied} of {item.tally.judged}"
            + (f" ({', '.join(visit.faults)} by hand)" if visit.faults else "")
            for item, visit in zip(one.seen, bench.view.visits, strict=True)
            if item.tally
        ]
        found: list[Row] = []
        if one.flaky:
            found += self.told("flaky", one.flaky, "waits", width)
        said = ", ".join(reversed(seen)) if seen else "no visit yet: run.pass and how many satisfied come here"
        found += self.told("visits", said, "text" if seen else "dim", width)
        found += self.told("tells", _tells(one), "text", width)
        if one.told is None:
            told = "of the vault an agent is told one number for all of it"
        else:
            told = f"{percent(one.told)} of its words, by feedback"
        found += self.told("told", told, "text", width)
        return [*found, *self.told("review", _review(one, bench), "waits" if one.stale else "text", width)]


def _fields(one: Story) -> dict[str, str]:
    how = [word for word, true in (("flaky", one.flaky), ("stale", one.stale)) if true]
    return {"name": one.name, "set": one.set, "kind": one.kind or "", "is": " ".join(how)}


def _tells(one: Story) -> str:
    power = one.power
    if power.value is None:
        return f"too few visits to say: {plural(power.pairs, 'pair')} of passes"
    over = f"{power} over {plural(power.pairs, 'pair')}"
    if not power.value:
        return f"no pass from another: {over}"
    return f"passes apart {'as' if power.value > 0 else 'against what'} the rest of the corpus does: {over}"


def _review(one: Story, bench: Bench) -> str:
    if not one.reviewed:
        return "nobody said that it judges the seed as it is; c does"
    if one.stale:
        return f"for {one.reviewed[:8]}, and the seed is at {bench.view.revision[:8]}; c confirms"
    return f"for {one.reviewed[:8]}, as the seed is now"


class SeedLoop(Page, Pipeline):
    """As on the run's own screen, always with what is known of each station."""

    TITLE = "loop"
    STAYS = False

    @property
    def run(self) -> Run | None:
        """The run that the keys are about."""
        return self.workshop.run

    @property
    def alone(self) -> bool:
        """It has its page for itself."""
        return True

    def heading(self) -> tuple[Row, Row]:
        """The loop's name, and what the live station is doing."""
        run = self.run
        if run is None:
            return self.titled([]), []
        return self.titled([(run.loop, "text"), (f" of {run.id}", "dim")]), Pipeline.heading(self)[1]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        if self.run is None:
            return [[("  Drawn once a run of this seed has begun.", "dim")]] if self.bench else []
        return Pipeline.rows(self, width, height)
