"""The ladder of models: a run that stalls goes on with the next one, and asks its owner at the top."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from factory_tui.config.prices import BUNDLED
from factory_tui.config.workspace import Workspace
from factory_tui.console.plain import summary
from factory_tui.console.trace import lines
from factory_tui.domain.commands import Fork, StartRun
from factory_tui.domain.events import CallReserved, CallSettled, Event, Prompted, RungClimbed, RunQueued
from tests.engine.floor import FarFloor, Floor
from tests.engine.greeter import SEED, make
from tests.engine.test_guidance import STALLS, prompted

CHEAP, DEAR = "claude-haiku-4-5", "claude-opus-5"
LADDER = f"""
[models.cheap]
id = "{CHEAP}"
[models.dear]
id = "{DEAR}"
[models.ladder]
rungs = ["cheap", "dear"]
[policy]
stall_after = 2
"""


def laddered(folder: Path) -> tuple[Workspace, Path]:
    """A workspace with a ladder, and a playbook that stalls whatever the model."""
    workspace, playbooks = make(folder, playbook=STALLS, seed=SEED.replace("max_passes = 3", "max_passes = 5"))
    workspace.config.write_text(workspace.config.read_text() + LADDER)
    return workspace, playbooks


async def test_a_stalled_run_climbs_once_at_the_price_of_each_model_and_jams_at_the_top(tmp_path: Path) -> None:
    async with Floor(*laddered(tmp_path)) as floor:
        run = await floor.start()
        assert floor.state.runs[run].model == "cheap"
        jammed = await floor.reach(run, "jammed", "held", "shipped", "failed")
        assert jammed.state == "jammed", jammed.why
        assert (jammed.model, len(jammed.passes)) == ("dear", 4), "as many passes again as a stall takes"
        assert floor.state.escalations["E-1"].jam == "stalled"
        assert summary(floor.state)["runs"][0]["model"] == "dear"

        climbs = [event for event in floor.events if isinstance(event.fact, RungClimbed)]
        assert [(one.fact.before, one.fact.model) for one in climbs if isinstance(one.fact, RungClimbed)] == [
            ("cheap", "dear")
        ]
        flat = "2 passes in a row failed the same stories (trims), and satisfaction did not rise"
        assert [line.text for line in lines(climbs[0])] == [f"goes on with model dear in place of cheap: {flat}"]
        assert charged(event for event in floor.events if event.seq < climbs[0].seq) == {CHEAP}
        assert charged(event for event in floor.events if event.seq > climbs[0].seq) == {DEAR}

        told = [event for event in floor.events if isinstance(event.fact, Prompted)]
        assert [bool(prompted(event).system) for event in told] == [True] + [False] * (len(told) - 1), (
            "one conversation"
        )

        await floor.command(Fork(run))
        queued = floor.told(RunQueued)[-1]
        assert (queued.model, queued.rungs) == ("dear", ())


def charged(events: Iterable[Event]) -> set[str]:
    """The models that were asked, each call of theirs paid at its own price."""
    asked, models = dict[tuple[int, int], str](), set[str]()
    for event in events:
        match event.fact:
            case CallReserved(step=step, attempt=attempt, model=model):
                asked[step, attempt] = model
            case CallSettled(step=step, attempt=attempt, tokens=tokens, money=money):
                models.add(model := asked[step, attempt])
                assert tokens.total
                assert money == BUNDLED[model].cost(tokens)
    return models


@pytest.mark.chaos
async def test_a_run_that_climbed_and_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    floor = FarFloor(*laddered(tmp_path))
    async with floor:
        run = await floor.start()
        await floor.fact(RungClimbed)
        await floor.kill()
        await floor.open()
        assert floor.state.runs[run].model == "dear"
        jammed = await floor.reach(run, "jammed", "held", "shipped", "failed")
        assert (jammed.state, jammed.model, len(jammed.passes)) == ("jammed", "dear", 4), jammed.why
        events = await floor.link.events(run, None, 1000)
        climbs = [event.seq for event in events if isinstance(event.fact, RungClimbed)]
        assert len(climbs) == 1
        asked = {event.fact.model for event in events if isinstance(event.fact, CallReserved) and event.seq > climbs[0]}
        assert asked == {DEAR}


async def test_a_run_whose_model_was_named_does_not_climb(tmp_path: Path) -> None:
    async with Floor(*laddered(tmp_path)) as floor:
        await floor.command(StartRun("greeter", model="cheap", ledger="rehearsal"))
        jammed = await floor.reach(next(iter(floor.state.runs)), "jammed", "held", "shipped", "failed")
        assert (jammed.state, jammed.model, len(jammed.passes)) == ("jammed", "cheap", 2), jammed.why
        assert not floor.told(RungClimbed)
