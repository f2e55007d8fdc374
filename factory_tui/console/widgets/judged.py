"""The workshop's scenarios, with what each pass of each run came to; and the loop that the seed's runs go through."""

from collections.abc import Sequence

from factory_tui.console.bench import Bench
from factory_tui.console.glyphs import Tone
from factory_tui.console.paint import Row, left, right, wrap
from factory_tui.console.widgets.matrix import SOME, tone_of
from factory_tui.console.widgets.pipeline import Pipeline
from factory_tui.console.widgets.seeds import OfSeed, Paged
from factory_tui.domain.events import ScenarioSet
from factory_tui.domain.history import flaky
from factory_tui.domain.state import Pass, Run

_KINDS = {"main": "main", "edge": "edge", "adversarial": "advers."}
_KIND = 8
_SHAKY = 6
_LAMPS: dict[str, Tone] = {"faithful": "good", "unfaithful": "bad", "drift": "bad", "unchecked": "waits"}
"""How true a twin is to its service; of others nobody knows."""
BARE = " ?"
"""Behind a scenario whose rubric's bias nobody knows: no human labelled a transcript of it."""


class Judged(Paged):
    """One row a scenario, one column a pass of a run, newest at the right."""

    TITLE = "scenarios"

    def heading(self) -> tuple[Row, Row]:
        """Whether somebody reviewed them for the seed as it is."""
        bench = self.bench
        if bench is None or not bench.scenarios:
            return [("scenarios", "title")], []
        view = bench.view
        if bench.reviewed:
            by = f" by {view.confirmed_by}" if view.confirmed_by else ""
            return [("scenarios", "title")], [
                (f"{self.glyphs.marks['good']} reviewed for {view.revision[:8]}{by}", "good")
            ]
        said = f"reviewed for {view.confirmed[:8]}, not for this one" if view.confirmed else "no review known"
        return [("scenarios", "title")], [(said, "waits" if view.confirmed else "dim")]

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
            *(self._lamp(name, lamp) for name, lamp in bench.view.twins),
        ]

    def _lamp(self, twin: str, lamp: str) -> tuple[str, Tone]:
        tone: Tone = _LAMPS.get(lamp, "idle")
        return f"  {self.glyphs.marks[tone]} twin {twin} {lamp}", tone

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        bench = self.bench
        if bench is None:
            return []
        if not bench.scenarios:
            folder = f"scenarios/{bench.name}/"
            said = f"No scenarios, so that nothing can judge it. Write a TOML file for each story in {folder}."
            return [[("  ", "text"), (part, "waits")] for part in wrap(said, width - 4)]
        kind = _KIND if bench.view.kinds else 0
        bare = len(BARE) * bool(bench.view.unlabelled)
        name = min(max(len(item) for item, _ in bench.scenarios) + 3 + bare, width - kind - 12)
        columns = _columns(bench.runs)
        room = max([4, *(len(_label(run, item)) + 1 for run, item in columns)])
        shown = columns[-max(1, (width - name - kind - _SHAKY - 1) // room) :]
        found: list[Row] = []
        heads: list[Row] = []
        for of in ("feedback", "vault"):
            head = [(left(f" {of}", name + kind), "dim"), *((right(_label(*one), room), "dim") for one in shown)]
            lines = self._set(of, bench, shown, (name, kind, room))
            found += [head, *lines]
            heads += [head] * (1 + len(lines))
        drawn = self.window(bench.name, found, height)
        return [heads[len(found) - self._below - len(drawn)], *drawn[1:]]  # the passes stay in sight

    def _set(
        self, of: ScenarioSet, bench: Bench, shown: Sequence[tuple[Run, Pass]], rooms: tuple[int, int, int]
    ) -> list[Row]:
        name, kind, room = rooms
        found: list[Row] = []
        shaky = flaky(bench.view.visits, bench.view.fixed)
        for scenario in (item for item, its in bench.scenarios if its == of):
            row: Row = [(left(f"  {scenario}{BARE * (scenario in bench.view.unlabelled)}", name), "text")]
            if kind:
                row.append((left(_KINDS.get(bench.view.kinds.get(scenario, ""), ""), kind), "dim"))
            for _, item in shown:
                tone = tone_of(item.tallies.get(scenario))
                row.append((right(SOME if tone == "waits" else self.glyphs.marks[tone], room), tone))
            found.append([*row, (" flaky", "waits")] if scenario in shaky else row)
        return found


def _columns(runs: Sequence[Run]) -> list[tuple[Run, Pass]]:
    """Passes with verdicts, oldest first."""
    return [(run, item) for run in reversed(runs) for item in run.passes if item.tallies]


def _label(run: Run, item: Pass) -> str:
    """`2.1`: run 2, pass 1."""
    return f"{run.id.rpartition('-')[2]}.{item.number}"


class SeedLoop(OfSeed, Pipeline):
    """As on the run's own screen; a seed without a run has none that is known."""

    @property
    def run(self) -> Run | None:
        """The run that the keys are about."""
        return self.workshop.run

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        if self.run is None:
            return [[("  Drawn once a run of this seed has begun.", "dim")]] if self.bench else []
        return super().rows(width, height)
