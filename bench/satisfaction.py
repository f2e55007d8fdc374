"""What satisfaction promises, measured: runs that ship and should not, those that should, and the interval for people.

Everything is decided by the code that judges runs; trajectories alone are drawn, from a fixed seed. The last line of
stdout is one JSON object.
"""

import argparse
import json
import random
import time
from collections.abc import Iterable

from bench import covering
from bench.covering import ALIKE, UNLIKE, Covered
from bench.engine import about
from bench.figures import Figures, say
from bench.noisy import Doubting, Judges
from bench.shipping import Deciding, fixed, plan_of, ships
from factory_tui.harness.plan import Plan
from factory_tui.harness.satisfaction import at_most

PASSES = 10
FALSE = tuple(number / 100 for number in range(80, 90))
"""Truths that must not ship at 0.90."""
SPREAD = 0.3


def wrongly(deciding: Deciding, runs: int, dice: random.Random) -> Figures:
    """Whole runs on artefacts that are not good enough: each truth alike, and with scenarios that differ."""
    found: Figures = {}
    size = len(deciding.plan.cycle)
    for truth in FALSE:
        shipped = sum(deciding.a_run([truth] * size, PASSES, dice)[0] > 0 for _ in range(runs))
        sure = 1 - (1 - ships(deciding.plan, truth)) ** PASSES
        found |= {f"false_ship_{truth:.2f}": shipped / runs, f"false_ship_{truth:.2f}_exact": round(sure, 6)}
    shipped = sum(deciding.a_run(_apart(0.89, size, dice), PASSES, dice)[0] > 0 for _ in range(runs))
    return found | {"false_ship_spread": shipped / runs}


def doubtfully(plan: Plan, runs: int, dice: random.Random) -> Figures:
    """Whole runs, just not good enough, that judges decide who flip so often; and what good passes lose by it."""
    found: Figures = {}
    doubting = Doubting(plan)
    for rate in (0.05, 0.15, 0.27):
        judges = Judges(rate)
        for truth in (0.85, 0.89):
            say(f"judges that flip {rate:.0%}: truth {truth}")
            shipped = sum(doubting.ships(truth, judges, PASSES, dice) for _ in range(runs))
            found[f"false_ship_{truth:.2f}_flips_{rate:.2f}"] = shipped / runs
        found[f"power_0.98_flips_{rate:.2f}"] = sum(doubting.ships(0.98, judges, 1, dice) for _ in range(runs)) / runs
    return found


def _apart(most: float, size: int, dice: random.Random) -> list[float]:
    """Scenarios that differ, of which the mean as drawn does not reach ship_at."""
    while True:
        chances = [covering.chance(most, SPREAD, dice) for _ in range(size)]
        if sum(chances) / size <= most:
            return chances


def rightly(plan: Plan, runs: int, dice: random.Random) -> Figures:
    """Passes of good artefacts: how many ship, of 200 trajectories at most."""
    found: Figures = {"trajectories_most": len(plan.feedback) + plan.last * len(plan.cycle)}
    deciding, size = Deciding(plan), len(plan.cycle)
    for truth in (0.98, 0.99):
        shipped = sum(deciding.a_pass([truth] * size, dice)[0] for _ in range(runs))
        sure = ships(plan, truth)
        found |= {f"power_{truth:.2f}": shipped / runs, f"power_{truth:.2f}_exact": round(sure, 4)}
    return found


def spent(plan: Plan, passes: int, dice: random.Random) -> Figures:
    """Vault trajectories of a pass, beside a rule of the same error that always runs as many as it may."""
    deciding, size = Deciding(plan), len(plan.cycle)
    total, failures = fixed(plan)
    found: Figures = {}
    for truth in (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0):
        ran = sum(deciding.a_pass([truth] * size, dice)[1] for _ in range(passes)) / passes
        ours, theirs = ships(plan, truth), at_most(failures, total, 1 - truth)
        found |= {
            f"trajectories_{truth:.2f}": round(ran, 1),
            f"trajectories_{truth:.2f}_floor": total,
            f"trajectories_{truth:.2f}_ratio": round(ran / total, 3),
            f"ships_{truth:.2f}": round(ours, 4),
            f"ships_{truth:.2f}_floor": round(theirs, 4),
        }
    return found


def covered(turns: int, dice: random.Random) -> Figures:
    """The least coverage and the largest mean width beside Wilson's, each over its whole grid."""
    found = _worst("alike", covering.exact())
    for name, weights in (("equal", ALIKE), ("unequal", UNLIKE)):
        for within in (0.0, 0.3, 1.0):
            say(f"coverage: {name} weights, intra-class correlation {within}")
            found |= _worst(f"{name}_{within}", covering.spread(weights, within, dice, turns=turns))
    for within in (0.0, 0.3, 1.0):
        found |= _worst(f"once_{within}", covering.once_each(within, dice, turns=turns))
    return found


def _worst(name: str, grid: Iterable[Covered]) -> Figures:
    points = list(grid)
    return {
        f"coverage_{name}": round(min(one.coverage for one in points), 4),
        f"width_{name}": round(max(one.width for one in points), 3),
    }


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="whole runs for each truth (default: 10,000)")
    parser.add_argument("--judged", type=int, default=1_000, help="of those that judges decide (default: 1,000)")
    asked = parser.parse_args()
    runs: int = asked.runs
    began, dice = time.monotonic(), random.Random(20_001)
    plan = plan_of(8)
    say(f"{runs} whole runs for each truth below ship_at = {plan.ship_at}")
    figures = wrongly(Deciding(plan), runs, dice)
    figures |= doubtfully(plan, asked.judged, dice)
    say("power and trajectories")
    figures |= rightly(plan, runs, dice) | spent(plan, runs // 5, dice)
    figures |= covered(runs, dice)
    print(json.dumps(figures | about(began)))


if __name__ == "__main__":
    main()
