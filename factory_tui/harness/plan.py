"""The plan of a pass's trajectories, and when they have settled it: the ship rule as pure functions.

The vault is drawn in cycles, each holding every drawn scenario in proportion to its weight. The screen asks for a
confirm at the first whole cycle where the 90 % lower bound reaches ship_at; the confirm ships at the first planned
look, over screen and confirm pooled, where the one-sided bound at that look's level does. Levels of all looks of a pass
sum to alpha / max_passes, so by the union bound a run ships an artefact below ship_at with probability below alpha.
docs/decisions/0005-ship-rule.md has the figures.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec.structs import replace

from factory_tui.harness.satisfaction import PEOPLE, Count, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from factory_tui.harness.shapes import Scenario

LAST = 0.9
"""The part of the level kept for the last look, when there are earlier ones."""

Decision = Literal["unsatisfied", "confirm", "ship"]


class Look(msgspec.Struct, frozen=True):
    """A planned look of the confirm, after so many vault cycles of the pass, at this one-sided level."""

    cycles: int
    level: float


class Draft(msgspec.Struct, frozen=True):
    """A trajectory to be run: the index seeds its draws."""

    scenario: str
    index: int
    cycle: int = 0
    """How many whole vault cycles have been drawn once this one is."""


class Plan(msgspec.Struct, frozen=True):
    """What one pass runs at most. `looks` is empty when no outcome could ship: too few trajectories are allowed."""

    ship_at: float
    feedback: tuple[Draft, ...]
    fixed: tuple[str, ...]
    """Vault scenarios without draws: once in the screen, once in the confirm."""
    cycle: tuple[tuple[str, int], ...]
    """Vault scenarios in the order of one cycle, each with its place among its own."""
    units: dict[str, int]
    """How often a cycle holds each."""
    looks: tuple[Look, ...]
    screen: int
    """The most cycles of the screen."""
    fresh: int
    """The least cycles of a confirm."""
    level: float
    """The level at which `ship_low` is told between looks: that of the last."""

    @property
    def last(self) -> int:
        """The most vault cycles of a pass."""
        return self.looks[-1].cycles if self.looks else self.screen

    def screened(self) -> Iterator[Draft]:
        """Trajectories of the screen in draw order."""
        yield from self.feedback
        yield from (Draft(name, 0) for name in self.fixed)
        yield from self._cycles(0, self.screen)

    def confirmed(self, start: int) -> Iterator[Draft]:
        """Trajectories of a confirm in draw order, after a screen of `start` cycles."""
        yield from (Draft(name, 1, start) for name in self.fixed)
        yield from self._cycles(start, self.last)

    def _cycles(self, start: int, stop: int) -> Iterator[Draft]:
        for number in range(start, stop):
            for place, (name, nth) in enumerate(self.cycle, 1):
                index = number * self.units[name] + nth
                yield Draft(name, index, number + (place == len(self.cycle)))

    def cycle_of(self, draft: Draft) -> int:
        """How many whole cycles come before the one that it is of."""
        return draft.index // self.units[draft.scenario] if draft.scenario in self.units else 0

    def size(self, cycles: int) -> int:
        """Vault observations after so many cycles."""
        return cycles * len(self.cycle) + len(self.fixed)

    def after_screen(self, cycles: int, vault: Count, *, whole: bool = True) -> Decision | None:
        """What the screen's vault verdicts say after so many whole cycles; None: go on.

        `whole`: a cycle has just been completed. Nothing is decided before the first.
        """
        if not cycles:
            return None
        if whole and self.looks and vault.low(PEOPLE) >= self.ship_at:
            return "confirm"
        ahead = range(cycles + 1, self.screen + 1)
        hope = any(self._best(number, vault).low(PEOPLE) >= self.ship_at for number in ahead)
        return None if hope and self._can_ship(cycles, vault) else "unsatisfied"

    def after_confirm(self, start: int, cycles: int, vault: Count, *, whole: bool = True) -> Decision | None:
        """What the pooled vault verdicts say in a confirm that began after `start` cycles; None: go on."""
        for look in self.looks:
            due = whole and look.cycles == cycles >= start + self.fresh
            if due and vault.low(look.level) >= self.ship_at:
                return "ship"
        return None if self._can_ship(cycles, vault, start) else "unsatisfied"

    def ship_low(self, cycles: int, vault: Count) -> float:
        """The one-sided bound that the ship rule reads: at the level of the look that is due, else of the last."""
        level = next((look.level for look in self.looks if look.cycles == cycles), self.level)
        return vault.low(level)

    def _can_ship(self, cycles: int, vault: Count, start: int = 0) -> bool:
        """Whether some look still ahead could ship if all to come satisfied."""
        return any(
            self._best(look.cycles, vault).low(look.level) >= self.ship_at
            for look in self.looks
            if look.cycles > cycles and look.cycles >= start + self.fresh
        )

    def _best(self, cycles: int, vault: Count) -> Count:
        """What it may come to: all that is left satisfies, and shows that its judges do not err."""
        total = max(vault.total, self.size(cycles) - vault.void)
        return replace(vault, satisfied=total - vault.failures, total=total, error=0.0)

    def more_to_settle(self, vault: Count) -> int | None:
        """How many more vault trajectories, all satisfied, would ship; None: more than a pass has."""
        for look in self.looks:
            best = self._best(look.cycles, vault)
            if best.total > vault.total and best.low(look.level) >= self.ship_at:
                return best.total - vault.total
        return None


def allowed(total: int, ship_at: float, level: float) -> int:
    """How many of `total` may fail at a look of that level; -1: even none would not do."""
    failures = -1
    while at_most(failures + 1, total, 1.0 - ship_at) <= level:
        failures += 1
    return failures


def make_plan(
    scenarios: Sequence[Scenario], *, ship_at: float, alpha: float, max_passes: int, max_trajectories: int
) -> Plan:
    """The plan for a corpus under a seed's figures."""
    vault = [scenario for scenario in scenarios if scenario.set == "vault"]
    drawn = [scenario for scenario in vault if scenario.drawn]
    fixed = tuple(scenario.name for scenario in vault if not scenario.drawn)
    feedback = _feedback([scenario for scenario in scenarios if scenario.set == "feedback"], max_trajectories)
    units = _units(drawn)
    cycle = _interleaved(units)
    room = max_trajectories - len(feedback) - 2 * len(fixed)
    most = max(1, room // len(cycle)) if cycle else 0
    looks = _looks(most, len(cycle), len(fixed), ship_at, alpha / max_passes)
    last = looks[-1].cycles if looks else most
    fresh = _fresh(last)
    screen = max(1, last - fresh) if cycle else 0
    wishes = [max(1, item.trajectories // units[item.name]) for item in drawn if item.trajectories]
    screen = min([screen, *wishes])
    if allowed(screen * len(cycle) + len(fixed), ship_at, PEOPLE) < 0:
        looks = ()
    return Plan(
        ship_at=ship_at,
        feedback=feedback,
        fixed=fixed,
        cycle=cycle,
        units=units,
        looks=looks,
        screen=screen,
        fresh=fresh,
        level=looks[-1].level if looks else alpha / max_passes,
    )


def _feedback(scenarios: Sequence[Scenario], max_trajectories: int) -> tuple[Draft, ...]:
    wanted = {item.name: max(1, item.trajectories) if item.drawn else 1 for item in scenarios}
    extra = sum(wanted.values()) - len(wanted)
    room = max(0, max_trajectories // 8 - len(wanted))
    if extra > room:
        wanted = {name: 1 + (number - 1) * room // extra for name, number in wanted.items()}
    rounds = max(wanted.values(), default=0)
    return tuple(Draft(name, index) for index in range(rounds) for name, number in wanted.items() if index < number)


def _units(drawn: Sequence[Scenario]) -> dict[str, int]:
    """The smallest whole numbers in the ratio of the weights."""
    weights = {item.name: Fraction(item.weight).limit_denominator(1000) for item in drawn}
    scale = lcm(*(weight.denominator for weight in weights.values()))
    whole = {name: int(weight * scale) for name, weight in weights.items()}
    common = gcd(*whole.values())
    return {name: number // common for name, number in whole.items()}


def _interleaved(units: dict[str, int]) -> tuple[tuple[str, int], ...]:
    places = [(Fraction(2 * nth + 1, 2 * number), name, nth) for name, number in units.items() for nth in range(number)]
    return tuple((name, nth) for _, name, nth in sorted(places, key=lambda place: place[0]))


def _fresh(last: int) -> int:
    """The least cycles of a confirm: a quarter of all."""
    return max(1, -(-last // 4))


def _looks(most: int, cycle: int, fixed: int, ship_at: float, level: float) -> tuple[Look, ...]:
    """At most three looks. A last look keeps the fewest cycles that allow as many failures as `most` cycles do."""
    fits = [
        number
        for number in range(2, most + 1)
        if cycle and allowed((number - _fresh(number)) * cycle + fixed, ship_at, PEOPLE) >= 0
    ]

    def last_at(part: float) -> tuple[int, int]:
        failures = [allowed(number * cycle + fixed, ship_at, part) for number in fits]
        return max(failures), fits[failures.index(max(failures))]

    if not fits or last_at(level)[0] < 0:
        return ()
    early, last = level * (1 - LAST) / 2, last_at(level * LAST)[1]
    firsts = [number for number in fits if number < last and allowed(number * cycle + fixed, ship_at, early) >= 0]
    if last_at(level * LAST)[0] < last_at(level)[0] or not firsts:
        return (Look(last_at(level)[1], level),)
    middle = (firsts[0] + last) // 2
    cuts = [firsts[0], middle] if middle > firsts[0] else [firsts[0]]
    share = level * (1 - LAST) / len(cuts)
    return (*(Look(number, share) for number in cuts), Look(last, level * LAST))
