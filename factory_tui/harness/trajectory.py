"""One trajectory: a scenario run once, with concrete inputs, in a fresh cell of its own.

The cell sees files, commands and requests. Story, expectations and the scenario's name never leave this process. What
the product does wrong is a verdict; what this side does wrong is void, with the reason.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from factory_tui.cells.protocol import ANY, Cell, CellError, Cells, Entry, Labels, Mould, NoEngine
from factory_tui.domain.hostile import one_line
from factory_tui.harness.acting import perform
from factory_tui.harness.clocks import FOLDER, begin
from factory_tui.harness.hosting import TwinFault, host, settle
from factory_tui.harness.serving import logs, serve
from factory_tui.harness.stage import Stage, Step, Unfair, Unsatisfied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from factory_tui.config.twin import Twin
    from factory_tui.harness.draws import Drawn
    from factory_tui.harness.matching import Check
    from factory_tui.harness.shapes import Scenario
    from factory_tui.harness.spoiling import Met, Spoiling

log = logging.getLogger(__name__)


class Trajectory(msgspec.Struct, frozen=True):
    """How a trajectory ended. `satisfied` is None when it is void; then `why` is the harness's own trouble."""

    satisfied: bool | None
    near_miss: float = 0.0
    why: str = ""
    """One line: what decided, when it did not satisfy."""
    checks: tuple[Check, ...] = ()
    """Of the act that decided."""
    steps: tuple[Step, ...] = ()
    logs: str = ""
    """The end of what the product wrote to stderr."""
    seconds: float = 0.0
    twin: str = ""
    """The twin by whose fault it is void."""
    faults: tuple[str, ...] = ()
    """What operators had its twins do meanwhile, as `ledger 429`."""

    @property
    def probability(self) -> float:
        """That it satisfies; expectations know no doubt."""
        return 1.0 if self.satisfied else 0.0


async def run_trajectory(
    cells: Cells,
    labels: Labels,
    entries: Sequence[Entry],
    scenario: Scenario,
    inputs: Drawn,
    *,
    timeout: float,
    mould: Mould = ANY,
    twins: Sequence[Twin] = (),
    spoiling: Spoiling | None = None,
) -> Trajectory:
    """Run it, at most twice: what broke the harness or the cell is tried once more, in another fresh cell.

    Raises NoEngine when no cell can be had at all.
    """
    trajectory = Trajectory(None)
    asked = {one.name for one in scenario.twins}
    mould = msgspec.structs.replace(mould, hosts=tuple(twin.host for twin in twins if twin.name in asked))
    if scenario.clock:  # what the product has there could keep its clock from being set, and so choose what is void
        entries = [one for one in entries if one.path.partition("/")[0] != FOLDER]
    faults: dict[str, None] = {}  # of a first try too: whether there is a second may be their doing
    for _ in range(2):
        began, trajectory = time.monotonic(), Trajectory(None)
        try:
            async with _fresh(cells, labels, mould) as cell:
                await cell.plant(entries)
                async with _spoilt(spoiling, labels.run, cell, asked) as met:
                    try:
                        trajectory = await _with_twins(Stage(cell, inputs), scenario, timeout, twins)
                    finally:
                        faults.update(dict.fromkeys(met.faults if met else ()))
        except NoEngine:
            raise  # no verdict, not even a void one: the visit goes on once there are cells
        except Exception as error:
            who = "the cell" if isinstance(error, CellError) else "the harness"
            why = f"{who} failed: {'' if isinstance(error, CellError) else f'{type(error).__name__}: '}{error}"
            log.warning("a trajectory of %s: %s", labels.run, one_line(why))
            if trajectory.satisfied is None:  # else it was judged, and only its cell would not go
                trajectory = Trajectory(None, why=why)
        trajectory = msgspec.structs.replace(trajectory, seconds=time.monotonic() - began, faults=tuple(faults))
        if trajectory.twin or (trajectory.satisfied is not None and not trajectory.why.startswith(_DIED)):
            break
    return trajectory


_DIED = "the cell failed while the product ran"


@asynccontextmanager
async def _fresh(cells: Cells, labels: Labels, mould: Mould) -> AsyncIterator[Cell]:
    """A cell that is closed whatever happens, cancellation included."""
    cell = await cells.start(labels, mould)
    try:
        yield cell
    finally:
        closing = asyncio.ensure_future(cell.close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise


@asynccontextmanager
async def _spoilt(spoiling: Spoiling | None, run: str, cell: Cell, twins: Collection[str]) -> AsyncIterator[Met | None]:
    """Meanwhile its twins do what operators set for the run. Raises CellError."""
    if spoiling is None or not twins:
        yield None
        return
    try:
        yield await spoiling.join(run, cell, sorted(twins))
    finally:
        spoiling.leave(cell.id)


async def _with_twins(stage: Stage, scenario: Scenario, timeout: float, twins: Sequence[Twin]) -> Trajectory:
    """Judge it with its twins beside it. One that breaks makes it void, whatever came of it until then."""
    try:
        stage.twins = await host(stage.cell, twins, scenario.twins, stage.names)
        stage.env = {one.twin.variable: one.url for one in stage.twins.values()}
        trajectory = await _judged(stage, scenario, timeout)
        steps, around = await settle(stage.twins)
    except TwinFault as fault:
        return Trajectory(None, why=str(fault), steps=tuple(stage.steps), logs=fault.log, twin=fault.twin)
    except NoEngine:
        raise
    except CellError as error:
        if not stage.touched:
            raise
        return Trajectory(False, why=f"{_DIED}: {error}", steps=tuple(stage.steps))
    except Exception as error:
        return _unfit(stage, scenario, error)
    if around:
        trajectory = msgspec.structs.replace(trajectory, satisfied=False, near_miss=0.0, why=around, checks=())
    return msgspec.structs.replace(trajectory, steps=(*trajectory.steps[:-1], *steps, *trajectory.steps[-1:]))


async def _judged(stage: Stage, scenario: Scenario, timeout: float) -> Trajectory:
    """Play the acts in order within `timeout` seconds, up to the first that is not as wanted.

    Raises CellError when files cannot be put in place.
    """
    checks: tuple[Check, ...] = ()
    try:
        async with asyncio.timeout(timeout):
            stage.ends = time.monotonic() + timeout
            if scenario.clock:
                await begin(stage, scenario.clock)
            await serve(stage, scenario.services)
            for stage.done, act in enumerate(scenario.acts):
                checks = await perform(stage, act)
                if not all(check.met for check in checks):
                    return await _missed(stage, scenario, _first(checks), checks)
    except Unsatisfied as error:
        return await _missed(stage, scenario, str(error), ())
    except TimeoutError:
        return await _missed(stage, scenario, f"it took longer than {timeout:g} s", ())
    except Unfair as error:
        return Trajectory(None, why=str(error), steps=tuple(stage.steps))
    except (NoEngine, TwinFault):
        raise
    except CellError as error:
        if not stage.touched:
            raise
        return Trajectory(False, why=f"{_DIED}: {error}", steps=tuple(stage.steps))
    except Exception as error:
        return _unfit(stage, scenario, error)
    return Trajectory(True, 1.0, checks=checks, steps=tuple(stage.steps))


def _unfit(stage: Stage, scenario: Scenario, error: Exception) -> Trajectory:
    """Void would let a product that can break the judging leave out the trajectories it fails. Raises the error."""
    if not stage.touched:
        raise error
    why = f"what came back cannot be judged: {type(error).__name__}: {error}"
    log.warning("%s: %s", scenario.name, one_line(why))
    return Trajectory(False, why=why, steps=tuple(stage.steps))


async def _missed(stage: Stage, scenario: Scenario, why: str, checks: tuple[Check, ...]) -> Trajectory:
    close = 1.0 - sum(check.distance for check in checks) / len(checks) if checks else 0.0
    near = min(0.99, (stage.done + close) / len(scenario.acts))
    return Trajectory(False, near, why, checks, tuple(stage.steps), stage.errors + await logs(stage))


def _first(checks: Sequence[Check]) -> str:
    missed = next(check for check in checks if not check.met)
    return f"{missed.what}: wanted {missed.wanted}, observed {missed.observed}"
