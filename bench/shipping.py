"""Whole runs by the code's own decisions, drawn and exact: how often they ship, and after how many trajectories."""

import random
from collections import defaultdict
from collections.abc import Sequence
from math import comb

from factory_tui.domain.events import ScenarioSet
from factory_tui.harness.plan import Decision, Plan, allowed, make_plan
from factory_tui.harness.satisfaction import Count
from factory_tui.harness.shapes import IntDraw, Scenario

Chances = Sequence[float]
"""How often each place of a cycle satisfies."""


def plan_of(
    vault: int,
    *,
    ship_at: float = 0.90,
    most: int = 200,
    feedback: int = 5,
    alpha: float = 0.01,
    max_passes: int = 10,
) -> Plan:
    """The plan for so many drawn scenarios of equal weight."""
    stories = [_story(f"f{number}", "feedback") for number in range(feedback)]
    stories += [_story(f"v{number}", "vault") for number in range(vault)]
    return make_plan(stories, ship_at=ship_at, alpha=alpha, max_passes=max_passes, max_trajectories=most)


def _story(name: str, which: ScenarioSet) -> Scenario:
    return Scenario(name, "main", which, "drawn", 1.0, 0, "", {"n": IntDraw()}, {}, (), ())


class Deciding:
    """What a plan decides, remembered: a run asks the same thousands of times."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._known: dict[tuple[int, int, int], Decision | None] = {}

    def __call__(self, start: int, seen: int, failures: int) -> Decision | None:
        """After `seen` vault trajectories; `start`: cycles of the screen in a confirm, 0 in the screen."""
        key = (start, seen, failures)
        if key not in self._known:
            cycles, over = divmod(seen, len(self.plan.cycle))
            vault = Count(seen - failures, seen)
            if start:
                self._known[key] = self.plan.after_confirm(start, cycles, vault, whole=not over)
            else:
                self._known[key] = self.plan.after_screen(cycles, vault, whole=not over)
        return self._known[key]

    def a_pass(self, chances: Chances, dice: random.Random) -> tuple[bool, int]:
        """Whether a drawn pass ships, and after how many vault trajectories."""
        start = seen = failures = 0
        last, draw, size = self.plan.last * len(chances), dice.random, len(chances)
        while seen < last:
            failures += draw() >= chances[seen % size]
            seen += 1
            decision = self(start, seen, failures)
            if decision == "confirm":
                start = seen // size
            elif decision is not None:
                return decision == "ship", seen
        return False, seen

    def a_run(self, chances: Chances, passes: int, dice: random.Random) -> tuple[int, int]:
        """In which pass a drawn run ships, 0 for never, and after how many vault trajectories in all."""
        total = 0
        for number in range(1, passes + 1):
            shipped, seen = self.a_pass(chances, dice)
            total += seen
            if shipped:
                return number, total
        return 0, total


def ships(plan: Plan, truth: float) -> float:
    """The probability that a pass whose trajectories satisfy with that chance ships: cycle by cycle, none drawn."""
    size = len(plan.cycle)
    failing = [comb(size, k) * (1 - truth) ** k * truth ** (size - k) for k in range(size + 1)]
    live: dict[tuple[int, int], float] = {(0, 0): 1.0}
    deciding, shipped = Deciding(plan), 0.0
    for cycle in range(1, plan.last + 1):
        ahead: dict[tuple[int, int], float] = defaultdict(float)
        for (start, failures), chance in live.items():
            for more, part in enumerate(failing):
                decision = deciding(start, cycle * size, failures + more)
                if decision == "ship":
                    shipped += chance * part
                elif decision == "confirm":
                    ahead[cycle, failures + more] += chance * part
                elif decision is None:
                    ahead[start, failures + more] += chance * part
        live = ahead
    if live and plan.looks:
        raise RuntimeError("the plan ended without a decision")
    return shipped


def fixed(plan: Plan) -> tuple[int, int]:
    """A rule of the same error that looks once, at the end of all it may run: so many, and how many may fail."""
    level = sum(look.level for look in plan.looks)
    total = plan.last * len(plan.cycle)
    return total, allowed(total, plan.ship_at, level)
