"""A run is forked from a pass: its twin goes its own way from there, and the first is left as it is."""

import json
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from factory_tui.domain.commands import Command, Fork, Pause, Resume, Stop
from factory_tui.domain.events import (
    Prompted,
    RunForked,
    RunQueued,
    SeedRevised,
    Shipped,
    ToolCalled,
    ToolReturned,
)
from factory_tui.domain.state import Forked, Pass, Run
from factory_tui.engine.forking import output
from factory_tui.following import FAILED, SHIPPED
from factory_tui.journal import compact
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import FarFloor, Floor
from tests.engine.greeter import CONFIG, SEED, make
from tests.engine.test_asking import asked
from tests.engine.test_guidance import PATIENT, words
from tests.engine.test_orders import waiting
from tests.engine.test_restarts import SLOW

OTHER = CONFIG.replace("[harness]", '[models.other]\nid = "claude-haiku-4-5"\nkey_env = "GREETER_KEY"\n[harness]')
KEY = "01K0000000000000000000000A"
VAULT = ("greets-quoted", "trims-tabs", "percent", "upper")


async def in_second_pass(floor: Floor) -> str:
    """A run whose second pass does not end by itself; its id."""
    run = await floor.start()
    await floor.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief)
    return run


async def forked(floor: Floor, command: Fork, key: str = "") -> str:
    """Have it taken; the id of the fork."""
    known = len(floor.told(RunForked))
    await floor.link.command(command, key)
    await floor.until(lambda _: len(floor.told(RunForked)) > known)
    return [event.run for event in floor.events if isinstance(event.fact, RunForked)][-1]


def untouched(run: Run) -> Run:
    """All of a run but the commands about it, and when something last was said of it."""
    return replace(run, changed_at=0, taken=())


async def test_a_fork_works_on_from_the_pass_and_leaves_the_first_as_it_is(tmp_path: Path) -> None:
    async with Floor(*make(tmp_path, playbook=SLOW, seed=PATIENT)) as floor:
        first = await in_second_pass(floor)
        before = floor.state.runs[first]
        fork = await forked(floor, Fork(first))
        shipped = await floor.reach(fork, "shipped", "held", "jammed", "failed")
        assert (shipped.id, shipped.state, len(shipped.passes)) == ("greeter-2", "shipped", 1), shipped.why
        commit = before.passes[0].commit
        assert shipped.forked == Forked(first, 1, commit), "the last pass with an output"
        assert untouched(floor.state.runs[first]) == untouched(before)
        assert shipped.burn.money > 0
        assert before.burn == floor.state.runs[first].burn, "each has a budget of its own"

        events = [event for event in floor.events if event.run == fork]
        asks = next(event for event in events if isinstance(event.fact, Prompted))
        assert isinstance(asks.fact, Prompted)
        assert asks.fact.system, "a conversation of its own"
        said = words(asks)
        assert "what an earlier attempt at this left in pass 1" in said
        assert "unsatisfied: trims (edge)" in said, "what was found wanting in it"
        assert not [name for name in VAULT if name in said]
        found = next(event.fact for event in events if isinstance(event.fact, ToolReturned))
        assert "import sys" in found.output, "its work tree is that of the pass"

        text, _ = await floor.link.diff(fork, 0, 1)
        assert [line for line in text.splitlines() if line.startswith(("+ ", "+p"))] == [
            """+print(f"Hello, {names[0].strip() if names else 'World'}!")"""
        ], "against what it began with"
        handed = next(event.fact for event in events if isinstance(event.fact, Shipped))
        told = json.loads((floor.workspace.root / handed.path / "provenance.json").read_text())
        assert told["forked_from"] == {"run": first, "pass": 1, "snapshot": commit}
        await floor.command(Stop(first))


async def test_a_fork_may_have_another_model_or_the_seed_as_it_is_now(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, playbook=SLOW, seed=PATIENT)
    workspace.config.write_text(OTHER.format(kind="process", image="factory-cell"))
    async with Floor(workspace, playbooks) as floor:
        first = await in_second_pass(floor)
        await floor.command(Pause(first, now=True))
        await floor.reach(first, "paused")
        was = floor.state.runs[first]
        (workspace.seeds / "greeter.md").write_text(f"{PATIENT}\nNames may be long.\n")
        newest = (await floor.fact(SeedRevised, lambda fact: fact.revision != was.revision)).fact
        assert isinstance(newest, SeedRevised)
        same = await forked(floor, Fork(first, 1, model="other"))
        new = await forked(floor, Fork(first, 1, seed="greeter"))
        queued = {event.run: event.fact for event in floor.events if isinstance(event.fact, RunQueued)}
        assert (queued[same].revision, queued[same].model) == (was.revision, "other"), "as the pass had it"
        assert (queued[new].revision, queued[new].model) == (newest.revision, "default")
        assert (queued[same].dot, queued[same].owner, queued[same].ledger) == (was.dot, "demo", "rehearsal")
        for fork in (same, new):
            assert (await floor.reach(fork, "shipped", "jammed", "held")).state == "shipped"
        again = await forked(floor, Fork(same, 1, model="default"))
        assert (await floor.reach(again, "shipped", "jammed", "held")).state == "shipped"
        assert floor.state.runs[again].forked == Forked(same, 1, floor.state.runs[same].passes[0].commit)
        await floor.command(Stop(first))


async def test_what_cannot_be_forked_is_refused_with_its_remedy(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, seed=SEED)
    async with Floor(workspace, playbooks) as floor:

        async def refused(command: Command) -> str:
            with pytest.raises(RefusedError) as refusal:
                await floor.command(command)
            return str(refusal.value)

        run = await floor.paused()
        assert await refused(Fork("greeter-7")) == f"there is no run greeter-7; runs: {run}"
        assert await refused(Fork(run)) == f"{run} has no output of a pass yet. Remedy: wait for its first pass"
        await floor.command(Resume(run))
        shipped = await floor.reach(run, "shipped")
        made = ", ".join(str(item.number) for item in shipped.passes)
        for number in (0, 7):
            assert await refused(Fork(run, number)) == f"{run} has no output of pass {number}; passes: {made}"
        assert "no model is called `opus`. Remedy: name one of default" in await refused(Fork(run, model="opus"))
        assert "seeds/letters.md" in await refused(Fork(run, seed="letters"))
        (workspace.seeds / "greeter.md").write_text(f"{SEED}\nNames may be long.\n")
        await floor.fact(SeedRevised, lambda fact: fact.revision != shipped.revision)
    for kept in (workspace.state / "revisions").glob("**/*"):
        os.utime(kept, (0, 0))
    async with Floor(workspace, playbooks) as floor:
        with pytest.raises(RefusedError) as refusal:
            await floor.command(Fork(run))
        why = f"revision {shipped.revision} of seed greeter is not kept any more"
        assert str(refusal.value) == f"{why}. Remedy: use the seed as it is now: --seed greeter"
        assert list(floor.state.runs) == [run], "none of it led to a run"
        fork = await forked(floor, Fork(run, seed="greeter"))
        assert (await floor.reach(fork, "shipped", "held", "jammed")).state == "shipped"


async def test_a_fork_that_was_taken_survives_a_kill_and_is_not_made_twice(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, playbook=SLOW, seed=PATIENT)
    first = FarFloor(workspace, playbooks)
    await first.open()
    run = await in_second_pass(first)
    await first.link.command(Fork(run, 1), KEY)
    await first.kill()
    async with FarFloor(workspace, playbooks) as floor:
        await floor.link.command(Fork(run, 1), KEY)
        shipped = await floor.reach("greeter-2", "shipped", "held", "jammed", "failed")
        assert (shipped.state, shipped.forked and shipped.forked.run) == ("shipped", run), shipped.why
        assert list(floor.state.runs) == [run, "greeter-2"]
        await floor.command(Stop(run))


async def test_a_run_whose_past_is_in_an_archive_can_be_forked(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, playbook=SLOW, seed=PATIENT)
    async with Floor(workspace, playbooks) as floor:
        run = await in_second_pass(floor)
        await floor.command(Stop(run))
        await floor.reach(run, "stopped")
    assert compact(workspace.state, [run]).events > 0
    async with Floor(workspace, playbooks) as floor:
        fork = await forked(floor, Fork(run))
        shipped = await floor.reach(fork, "shipped", "held", "jammed", "failed")
        assert shipped.state == "shipped", shipped.why
        asks = next(event for event in floor.events if event.run == fork and isinstance(event.fact, Prompted))
        assert "unsatisfied: trims (edge)" in words(asks)


async def test_the_command_line_says_which_run_it_made(tmp_path: Path) -> None:
    async with Floor(*make(tmp_path, playbook=SLOW, seed=PATIENT)) as floor:
        at, run = floor.workspace, await in_second_pass(floor)
        code, said = await asked(at, "fork", run)
        lines = said.splitlines()
        assert (code, lines[0]) == (
            SHIPPED,
            f"greeter-2 begins with pass 1 of {run}: seed greeter at {floor.state.runs[run].revision[:8]}, "
            "model default",
        )
        code, said = await asked(at, "fork", run, "--pass", "1", "--json")
        told = json.loads(said)
        assert (told["run"], told["forked_from"], told["model"]) == ("greeter-3", {"run": run, "pass": 1}, "default")
        code, said = await asked(at, "fork", run, "--pass", "9")
        assert (code, said) == (FAILED, f"{run} has no output of pass 9; passes: 1\n")
        assert f"fork of pass 1 of {run}" in (await asked(at, "status"))[1]


def test_without_a_number_it_is_the_last_pass_that_is_over() -> None:
    run = waiting("harness").runs["greeter-1"]
    judged = replace(run, passes=(Pass(1, "one", "c1", ended=True), Pass(2, "one", "c2"), Pass(3, "one")))
    assert output(judged, None) == judged.passes[0]
    assert output(judged, 2) == judged.passes[1], "though nothing can be told of it yet"
    first = replace(judged, passes=judged.passes[1:])
    assert output(first, None) == judged.passes[1]
