"""Figures and how they are said: one flat JSON object, each figure with its floor and their ratio."""

import itertools
import statistics
import sys
import time
from collections.abc import Sequence

Figures = dict[str, float]


def beside(name: str, ours: float, floor: float, digits: int = 3) -> Figures:
    """The figure, its floor, and ours divided by the floor."""
    return {name: round(ours, digits), f"{name}_floor": round(floor, digits), f"{name}_ratio": round(ours / floor, 3)}


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0..1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def milliseconds(began: float) -> float:
    """Since a reading of `time.perf_counter`."""
    return (time.perf_counter() - began) * 1000


def gaps(moments: Sequence[float]) -> list[float]:
    """Milliseconds from each moment (seconds) to the next."""
    return [(after - before) * 1000 for before, after in itertools.pairwise(moments)]


def rate(loops: Sequence[Sequence[float]]) -> float:
    """Steps a second while every loop was at work: from the last first step to the first last one."""
    begin = max(moments[0] for moments in loops)
    end = min(moments[-1] for moments in loops)
    inside = sum(begin < moment <= end for moments in loops for moment in moments)
    return inside / (end - begin)


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def say(text: str) -> None:
    """Progress, for people: stdout holds nothing but the result."""
    print(text, file=sys.stderr, flush=True)
