"""A seed with all that is known about it: its problems, its runs, and which pass used which revision. Pure."""

from collections.abc import Iterable

import msgspec

from factory_tui.console.past import Past, Revision
from factory_tui.domain.events import ScenarioSet
from factory_tui.domain.state import OVER, Run, SeedView, State


class Bench(msgspec.Struct, frozen=True):
    """What the workshop shows of one seed."""

    name: str
    view: SeedView
    edits: tuple[tuple[str, str], ...]
    """Its files that cannot be used, and why."""
    runs: tuple[Run, ...]
    """Newest first."""
    gone: bool = False
    """Its files are, and no run at work needs it."""

    @property
    def scenarios(self) -> tuple[tuple[str, ScenarioSet], ...]:
        """Those of now; where they were not told, those of its newest run."""
        return self.view.scenarios or (self.runs[0].scenarios if self.runs else ())

    @property
    def reviewed(self) -> bool:
        """Whether somebody reviewed its scenarios for the revision of now."""
        return bool(self.view.revision) and self.view.confirmed == self.view.revision


class Use(msgspec.Struct, frozen=True):
    """A run that used a revision: in these passes, or will in its next."""

    run: Run
    passes: tuple[int, ...]
    next: bool = False


def benches(state: State) -> list[Bench]:
    """Every seed that is, or that runs were of, by name."""
    broken = {seed for file in state.edits if (seed := seed_of(file))}
    names = {*state.seeds, *state.engine.seeds, *state.counts, *broken}
    found = [_bench(state, name) for name in sorted(names)]
    return [bench for bench in found if bench.runs or not bench.gone]


def offered(state: State) -> list[str]:
    """Seeds of which a run may be started, by name."""
    names = {*state.engine.seeds, *state.counts, *state.seeds}
    return sorted(name for name in names if not _gone(state, name))


def _bench(state: State, name: str) -> Bench:
    edits = tuple((file, why) for file, why in sorted(state.edits.items()) if seed_of(file) == name)
    runs = sorted((run for run in state.runs.values() if run.seed == name), key=lambda run: (-run.queued_at, run.id))
    return Bench(name, state.seeds.get(name, SeedView(name)), edits, tuple(runs), _gone(state, name))


def _gone(state: State, name: str) -> bool:
    return name in state.seeds and not state.seeds[name].revision and name not in state.engine.seeds


def seed_of(file: str) -> str:
    """Whose file this is; empty for loops, config and standards."""
    kind, _, rest = file.partition("/")
    name = rest.partition("/")[0]
    return name.removesuffix(".md") if kind in ("seeds", "scenarios") else ""


def elsewhere(state: State) -> list[tuple[str, str]]:
    """What else of the workspace cannot be used: a loop, the config, the standards."""
    return [(file, why) for file, why in sorted(state.edits.items()) if not seed_of(file)]


def revisions(bench: Bench, past: Past) -> list[Revision]:
    """Newest first; those that only a run or the state remembers have no text."""
    known = past.of(bench.name)
    seen = {one.revision for one in known}
    view = bench.view
    found: list[Revision] = []
    if view.revision and view.revision not in seen:
        found.append(Revision(bench.name, view.revision, view.revised_at, "", view.diff, bool(view.diff)))
        seen.add(view.revision)
    found += known
    for run in bench.runs:
        for one in (run.reseed, run.revision, *(item.revision for item in reversed(run.passes)), run.origin):
            if one and one not in seen:
                seen.add(one)
                found.append(Revision(bench.name, one, run.queued_at, "", "", by_hand=False))
    return found


def uses(revision: str, runs: Iterable[Run]) -> list[Use]:
    """Which of these runs used a revision, or are about to."""
    found = []
    for run in runs:
        passes = tuple(item.number for item in run.passes if item.revision == revision)
        waits = run.reseed or run.revision if not run.passes else run.reseed
        coming = run.state not in OVER and waits == revision
        if passes or coming:
            found.append(Use(run, passes, coming))
    return found


def behind(bench: Bench, run: Run) -> bool:
    """Whether a run goes on with an older revision than the seed has by now."""
    return run.state not in OVER and bool(bench.view.revision) and (run.reseed or run.revision) != bench.view.revision


def spans(numbers: Iterable[int]) -> str:
    """`1-3, 5`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1] = [found[-1][0], number]
        else:
            found.append([number])
    return ", ".join("-".join(map(str, part)) for part in found)
