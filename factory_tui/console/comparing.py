"""Two runs of a seed side by side: A as it was, and B, which began with A's output and another revision. Pure."""

from collections.abc import Iterator

import msgspec

from factory_tui.console.figures import count, interval, money
from factory_tui.domain.state import Pass, Run, State, Tally


class Pair(msgspec.Struct, frozen=True):
    """Which two."""

    a: Run
    b: Run


class Differs(msgspec.Struct, frozen=True):
    """A scenario whose verdicts are not alike on the passes that were judged last."""

    scenario: str
    a: Tally | None
    b: Tally | None


def pair(state: State, run: Run | None) -> Pair | None:
    """The run with the one that it was forked from, else with the newest fork of it; None: there is no other."""
    if run is None:
        return None
    origin = state.runs.get(run.forked.run) if run.forked else None
    if origin is not None and origin.seed == run.seed:
        return Pair(origin, run)
    forks = [one for one in state.runs.values() if one.forked and one.forked.run == run.id and one.seed == run.seed]
    return Pair(run, max(forks, key=lambda one: one.queued_at)) if forks else None


def figures(state: State, both: Pair) -> Iterator[tuple[str, str, str]]:
    """What can be compared in a word: what it is, A's, B's."""
    newest = state.seeds[both.a.seed].revision if both.a.seed in state.seeds else ""
    for name, of in (
        ("seed", lambda run: f"{run.revision[:8]}{' newest' if run.revision == newest else ''}"),
        ("state", lambda run: run.state),
        ("began with", lambda run: str(run.forked) if run.forked else "nothing"),
        ("passes", lambda run: f"{len(run.passes)} of at most {run.max_passes}"),
        ("vault", lambda run: _share(run, "vault")),
        ("feedback", lambda run: _share(run, "feedback")),
        ("burn", lambda run: f"{money(run.burn.money)}, {count(run.burn.tokens.total)} tokens"),
    ):
        yield name, of(both.a), of(both.b)
    faults = [", ".join(dict.fromkeys(fault for one in run.passes for fault in one.faults)) for run in (both.a, both.b)]
    if any(faults):
        yield "faults by hand", faults[0] or "none", faults[1] or "none"


def differing(both: Pair) -> list[Differs] | None:
    """Scenarios whose share of satisfied trajectories differs; None while one of them is not judged."""
    one, other = both.a.measured, both.b.measured
    if one is None or other is None:
        return None
    names = sorted(one.tallies.keys() | other.tallies.keys())
    seen = [Differs(name, one.tallies.get(name), other.tallies.get(name)) for name in names]
    return [item for item in seen if _part(item.a) != _part(item.b)]


def judged(run: Run) -> str:
    """Which pass of it is compared."""
    return f"pass {run.measured.number}" if run.measured else "not judged"


def _part(tally: Tally | None) -> float | None:
    return tally.satisfied / tally.judged if tally and tally.judged else None


def _share(run: Run, of: str) -> str:
    newest: Pass | None = run.measured
    found = (newest.vault if of == "vault" else newest.feedback) if newest else None
    return f"{interval(found)}, {judged(run)}" if found else "not measured"
