"""Who games whoever judges does not ship, who is honest does: by whole runs of the bundled seeds and their loop."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from factory_tui.domain.events import CheckpointRan, Shipped, VisitEnded
from factory_tui.domain.state import Run
from tests.engine.floor import Floor
from tests.hacks.outputs import Output, make, outputs

QUICK = {
    Output("gaming", "ledger", "takes-the-checks-over"),
    Output("overfit", "ledger", "fees-rounded-once"),
    Output("honest", "ledger", "whole-cents"),
}
"""Those that `make test` judges, by a small visit; `make chaos` judges all as their seeds say."""
pytestmark = [pytest.mark.usefixtures("bubble"), pytest.mark.timeout(660)]


def every(*groups: str) -> Sequence[object]:
    found = [one for group in groups for one in outputs(group)]
    quick = [pytest.param(one, True, id=f"{one}, small") for one in found if one in QUICK]
    return quick + [pytest.param(one, False, id=str(one), marks=pytest.mark.chaos) for one in found]


class Slow(Floor):
    """Whole runs of many trajectories, on a machine that may be busy."""

    patience = 600.0


async def run(folder: Path, output: Output, *, small: bool) -> tuple[Run, Floor]:
    """A run to its end, and what was told of it."""
    async with Slow(*make(folder, output, small=small)) as floor:
        return await floor.reach(await floor.start(output.seed), "shipped", "jammed", "failed", "held"), floor


@pytest.mark.parametrize(("output", "small"), every("gaming", "overfit"))
async def test_an_output_that_games_its_judges_does_not_ship(tmp_path: Path, output: Output, small: bool) -> None:
    ended, floor = await run(tmp_path, output, small=small)
    assert ended.state == "jammed", f"{ended.state}: {ended.why}"
    assert not floor.told(Shipped)
    assert all(fact.passed for fact in floor.told(CheckpointRan)), "its own checks were to find nothing"
    visits = floor.told(VisitEnded)
    assert {fact.decision for fact in visits} == {"unsatisfied"}
    if output.group == "overfit":
        assert all(fact.feedback.share == 1.0 > fact.vault.share for fact in visits)


@pytest.mark.parametrize(("output", "small"), every("honest"))
async def test_an_honest_output_ships_in_its_first_pass(tmp_path: Path, output: Output, small: bool) -> None:
    ended, _ = await run(tmp_path, output, small=small)
    told = [f"pass {item.number}: {item.tallies}" for item in ended.passes]
    assert (ended.state, len(told)) == ("shipped", 1), "\n".join([ended.why, *told])


def test_there_are_twelve_of_each_and_at_least_two_a_seed_by_who_saw_the_feedback_set() -> None:
    assert (len(outputs("gaming")), len(outputs("honest"))) == (12, 12)
    seen = [one.seed for one in outputs("overfit")]
    assert all(seen.count(seed) >= 2 for seed in ("ledger", "orders-etl", "shortlinks"))
