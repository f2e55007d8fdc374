"""Runs of one seed that were started together: what came of them, and how far they lie apart.

Pure: read off the state, kept nowhere.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from statistics import fmean, median, stdev

import msgspec

from factory_tui.console.figures import money, percent, plural
from factory_tui.domain.events import RunState
from factory_tui.domain.money import Ledger
from factory_tui.domain.state import OVER, Pass, Run

_HEAD = ("", "MEAN", "DEVIATION", "LEAST", "MEDIAN", "MOST", "RUNS")


class Spread(msgspec.Struct, frozen=True):
    """How one figure of several runs lies."""

    runs: int
    """Of how many it is known."""
    mean: float
    deviation: float | None
    """Standard deviation of the sample; None for one run."""
    least: float
    median: float
    most: float


class Replicas(msgspec.Struct, frozen=True):
    """What came of the runs of one group, so far."""

    group: str
    seed: str
    revision: str
    """That they were started with."""
    ledger: Ledger
    runs: tuple[str, ...]
    states: dict[RunState, int]
    over: bool
    """Whether all of them have ended."""
    reseeded: tuple[str, ...]
    """Those that have used another revision meanwhile."""
    satisfaction: Spread | None
    """Of the newest judged pass of each; of the vault where it was measured."""
    first_pass: Spread | None
    """The same of the first judged pass: what the seed gives before any feedback."""
    passes: Spread
    money: Spread


def groups(runs: Iterable[Run]) -> list[Replicas]:
    """The groups among the runs, in the order in which they began."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        if run.group:
            found.setdefault(run.group, []).append(run)
    return [_of(group, some) for group, some in found.items()]


def _of(group: str, runs: Sequence[Run]) -> Replicas:
    first = runs[0]
    judged = [[item for item in run.passes if _share(item) is not None] for run in runs]
    return Replicas(
        group=group,
        seed=first.seed,
        revision=first.origin,
        ledger=first.ledger,
        runs=tuple(run.id for run in runs),
        states=dict(Counter(run.state for run in runs)),
        over=all(run.state in OVER for run in runs),
        reseeded=tuple(run.id for run in runs if any(item.revision != first.origin for item in run.passes)),
        satisfaction=_spread([_share(run.measured) for run in runs]),
        first_pass=_spread([_share(some[0]) for some in judged if some]),
        passes=_lies([len(run.passes) for run in runs]),
        money=_lies([float(run.burn.money) for run in runs]),
    )


def _share(item: Pass | None) -> float | None:
    found = item.satisfaction if item else None
    return found.share if found else None


def _spread(figures: Iterable[float | None]) -> Spread | None:
    known = [figure for figure in figures if figure is not None]
    return _lies(known) if known else None


def _lies(known: Sequence[float]) -> Spread:
    deviation = stdev(known) if len(known) > 1 else None
    return Spread(len(known), fmean(known), deviation, min(known), median(known), max(known))


def spreads(runs: Iterable[Run]) -> list[str]:
    """A table for each group among the runs, or nothing."""
    return [line for group in groups(runs) for line in ("", *_told(group))]


def _told(group: Replicas) -> Iterator[str]:
    came = ", ".join(f"{number} {state}" for state, number in group.states.items())
    yield f"{plural(len(group.runs), 'replica')} of seed {group.seed} at {group.revision[:8]}: {came}"
    rows = [_HEAD, *_rows(group)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if not group.over:
        yield "Not all have ended: these are their figures so far."
    if group.reseeded:
        yield f"Re-seeded since they were started, and counted all the same: {', '.join(group.reseeded)}"
    if group.ledger == "rehearsal":
        yield "REHEARSAL: the twin answers all of them alike, so a spread of zero says nothing about a model."


def _rows(group: Replicas) -> Iterator[tuple[str, ...]]:
    yield _row("satisfied", group.satisfaction, percent, lambda points: f"{points * 100:.1f} points")
    yield _row("in the first pass", group.first_pass, percent, lambda points: f"{points * 100:.1f} points")
    yield _row("passes", group.passes, lambda number: f"{number:.3g}")
    yield _row("money", group.money, lambda dollars: money(Decimal(dollars)))


def _row(
    name: str, spread: Spread | None, said: Callable[[float], str], apart: Callable[[float], str] | None = None
) -> tuple[str, ...]:
    if spread is None:
        return name, "not measured", "", "", "", "", ""
    deviation = "" if spread.deviation is None else (apart or said)(spread.deviation)
    shown = (said(one) for one in (spread.least, spread.median, spread.most))
    return name, said(spread.mean), deviation, *shown, str(spread.runs)
