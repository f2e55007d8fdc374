"""The act of a property: the same acts over many drawn inputs, and of one that fails the smallest that still does.

Every case is played in the same cell, one after the other; what a product keeps from one to the next is part of it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from factory_tui.harness.draws import computed, draw_all
from factory_tui.harness.expressions import ExpressionError
from factory_tui.harness.matching import Check, show
from factory_tui.harness.shrinking import simpler
from factory_tui.harness.stage import Step, Unfair, Unsatisfied

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from factory_tui.harness.shapes import Act, Property
    from factory_tui.harness.stage import Stage

    Perform = Callable[[Stage, Act], Awaitable[tuple[Check, ...]]]

TRIES = 60
"""Inputs that are tried in search of a smaller one."""
SECONDS = 10.0
"""That the search may take, and no more than half of what is left."""


class _Failed(NamedTuple):
    values: dict[str, Any]
    checks: tuple[Check, ...]
    why: str
    steps: tuple[Step, ...]
    place: int
    """Which act."""

    def alike(self, other: _Failed) -> bool:
        """Whether it fails in the same way: a smaller input that breaks something else explains nothing."""
        missed = [[check.what for check in one.checks if not check.met] for one in (self, other)]
        return self.place == other.place and self.why == other.why and missed[0] == missed[1]


async def prove(stage: Stage, title: str, wanted: Property, perform: Perform) -> list[Check]:
    """Play it; one check when it holds, else with those of the smallest input found that fails."""
    told = f"for all {', '.join(wanted.for_all)}"
    stage.steps.append(Step(title, told, "no case ended"))
    for number in range(1, wanted.times + 1):
        values = draw_all(wanted.for_all, stage.source)
        failed = await _case(stage, wanted, values, perform)
        if failed:
            smallest, tries = await _smallest(stage, wanted, failed, perform)
            given = ", ".join(f"{name} = {show(value)}" for name, value in smallest.values.items())
            searched = f"the smallest of {tries + 1} inputs tried" if tries else "as it was drawn"
            observed = f"fails for {given} (case {number}; {searched}){f': {smallest.why}' if smallest.why else ''}"
            stage.steps[-1] = Step(title, told, f"case {number} of {wanted.times} fails")
            stage.steps += smallest.steps
            missed = 1.0 - (number - 1) / wanted.times
            return [Check(told, f"to hold in {wanted.times} cases", observed, False, missed), *smallest.checks]
    stage.steps[-1] = Step(title, told, f"held in {wanted.times} cases")
    return [Check(told, f"to hold in {wanted.times} cases", "it holds", True)]


async def _case(stage: Stage, wanted: Property, values: dict[str, Any], perform: Perform) -> _Failed | None:
    """Play one; None when it holds. Names and steps of the stage are as before afterwards."""
    before, mark = stage.names, len(stage.steps)
    try:
        stage.names = {**before, **computed(wanted.let, {**before, **values})}
    except ExpressionError as error:
        raise Unfair(f"the let of a property failed on these draws: {error}") from error
    place = 0
    try:
        for place, act in enumerate(wanted.act):
            checks = await perform(stage, act)
            if not all(check.met for check in checks):
                return _Failed(values, checks, "", tuple(stage.steps[mark:]), place)
    except Unsatisfied as error:
        return _Failed(values, (), str(error), tuple(stage.steps[mark:]), place)
    finally:
        stage.names = before
        del stage.steps[mark:]
    return None


async def _smallest(stage: Stage, wanted: Property, failed: _Failed, perform: Perform) -> tuple[_Failed, int]:
    """The smallest input that was found to fail in the same way, and how many were tried."""
    tries, better = 0, True
    try:
        async with asyncio.timeout(min(SECONDS, (stage.ends - time.monotonic()) / 2)):
            while better:
                better = False
                for values in simpler(wanted.for_all, failed.values):
                    alive = [await service.alive() for service in stage.services.values()]
                    if tries == TRIES or not all(alive):  # whatever comes after an end fails
                        return failed, tries
                    tries += 1
                    try:
                        other = await _case(stage, wanted, values, perform)
                    except Unfair:  # nobody drew these: they take nothing back of what failed
                        continue
                    if other and other.alike(failed):
                        failed, better = other, True
                        break
    except TimeoutError:
        pass
    return failed, tries
