"""What else people ask of a run: to begin anew, to spend more, to stand still at once."""

import asyncio
import json
import time
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory_tui.domain.commands import Answer, Command, Escalate, Pause, RaiseCap, Reseed, Restart, Resume, Stop
from factory_tui.domain.events import (
    CallReserved,
    CallSettled,
    CellClosed,
    CellStarted,
    CommandTaken,
    EscalationAnswered,
    NodeEntered,
    PassBegan,
    Prompted,
    RunMoved,
    RunRestarted,
    SnapshotTaken,
    ToolCalled,
    ToolReturned,
)
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import FarFloor, Floor
from tests.engine.greeter import AGAIN, DONE, SEED, TRIM, TRIMS, WRITES, make
from tests.engine.test_guidance import DIES, PATIENT
from tests.playbooks import playbook, rule, runs, speaks
from tests.waiting import eventually

if TYPE_CHECKING:
    from docker import DockerClient

ANEW = rule(
    "build on what an earlier attempt left",
    r"earlier attempt(.|\n)*greets whoever is named",
    runs(f"cat greet.py && {TRIM}"),
)
SLOW = playbook("greeter", ANEW, WRITES, AGAIN, TRIMS.replace("echo trimmed", "sleep 300; echo trimmed"), DONE)
"""The second pass's command does not end by itself; one that begins with the first pass's output is done at once."""


async def ask(floor: Floor, command: Command) -> None:
    """Have it taken or refused."""
    with suppress(RefusedError):
        await floor.link.command(command)


class TestRestarting:
    async def test_a_running_one_begins_anew_with_the_output_of_a_pass(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=SLOW, seed=PATIENT)) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief)
            steps = floor.state.runs[run].steps
            await floor.command(Restart(run, 1))
            anew = await floor.fact(RunRestarted)
            assert anew.fact == RunRestarted(1, floor.state.runs[run].passes[0].commit)
            moved = await floor.fact(RunMoved, after=anew.seq)
            assert isinstance(moved.fact, RunMoved)
            assert (moved.fact.state, moved.fact.why) == ("queued", f"{floor.link.actor} restarted it from pass 1")
            shipped = await floor.reach(run, "shipped", "held", "jammed", "failed")
            assert (shipped.state, len(shipped.passes), shipped.restarts) == ("shipped", 3, (2,)), shipped.why

            after = [event for event in floor.events if event.seq > anew.seq]
            said = next(event.fact for event in after if isinstance(event.fact, Prompted))
            assert said.system, "a conversation of its own"
            request, *wanting = [block["text"] for block in json.loads(said.content)]
            assert "what an earlier attempt at this left in pass 1" in request
            assert "unsatisfied: trims (edge)" in "\n".join(wanting), "what was found wanting in it"
            found = next(event.fact for event in after if isinstance(event.fact, ToolReturned))
            assert "import sys" in found.output, "its work tree is that of pass 1"
            assert next(event.fact.step for event in after if isinstance(event.fact, CallReserved)) == steps + 1
            assert [fact.number for fact in floor.told(PassBegan)] == [1, 2, 3]
            await floor.until(lambda state: not state.runs[run].cells)
            assert [fact.lost for fact in floor.told(CellClosed)] == [False, False]
            assert len(floor.told(CellStarted)) == 2
            taken = [fact.number for fact in floor.told(SnapshotTaken)]
            assert taken == [1, 3], "what was under way is left as it is"

    async def test_one_that_is_to_begin_anew_is_not_paused_instead(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=SLOW, seed=PATIENT)) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief)
            await asyncio.gather(
                floor.link.command(Reseed(run, restart=True)), ask(floor, Pause(run)), ask(floor, Escalate(run))
            )
            anew = await floor.fact(RunRestarted)
            assert anew.fact == RunRestarted(0)

    async def test_a_paused_one_begins_anew_from_nothing(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=SLOW, seed=PATIENT)) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief)
            await floor.command(Pause(run, now=True))
            await floor.reach(run, "paused")
            for number in (2, 7):
                with pytest.raises(RefusedError, match=f"{run} has no output of pass {number}; passes: 1"):
                    await floor.command(Restart(run, number))
            await floor.command(Restart(run))
            anew = await floor.fact(RunRestarted)
            moved = await floor.fact(RunMoved, after=anew.seq)
            assert isinstance(moved.fact, RunMoved)
            assert (moved.fact.state, moved.fact.why) == ("queued", f"{floor.link.actor} restarted it from nothing")
            again = await floor.fact(ToolCalled, lambda fact: "cat > greet.py" in fact.brief, after=anew.seq)
            assert floor.state.runs[run].tree == ""
            await floor.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief, after=again.seq)
            assert len(floor.state.runs[run].cells) == 1
            await floor.command(Stop(run))
            await floor.reach(run, "stopped")

    async def test_a_jammed_one_has_its_question_answered_by_that(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=DIES, seed=PATIENT)) as floor:
            run = await floor.start()
            await floor.reach(run, "jammed")
            await floor.command(Restart(run, 1))
            answered = await floor.fact(EscalationAnswered)
            assert (answered.actor, answered.fact) == (floor.link.actor, EscalationAnswered("E-1", "restart", ""))
            begun = await floor.fact(PassBegan, lambda fact: fact.number == 3)
            await floor.until(lambda state: "E-2" in state.escalations)
            assert floor.state.runs[run].passes[-1].number >= 4, "its passes since then alone count"
            assert begun.seq > answered.seq
            await floor.command(Answer("E-2", "stop"))

    async def test_one_without_a_pass_left_is_told_so(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, seed=SEED.replace("max_passes = 3", "max_passes = 1"))) as floor:
            run = await floor.reach(await floor.start(), "jammed")
            with pytest.raises(RefusedError, match=f"{run.id} has used all of its 1 passes. Remedy: start a new run"):
                await floor.command(Restart(run.id, 1))

    async def test_an_engine_that_is_killed_meanwhile_does_it_at_its_next_start(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path, playbook=SLOW, seed=PATIENT)
        first = FarFloor(workspace, playbooks)
        await first.open()
        run = await first.start()
        await first.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief)
        await first.link.command(Restart(run, 1))
        await first.kill()
        async with FarFloor(workspace, playbooks) as floor:
            shipped = await floor.reach(run, "shipped", "held", "jammed", "failed")
            assert (shipped.state, shipped.restarts) == ("shipped", (2,)), shipped.why
            assert not any(fact.origin == "recovery" for fact in floor.told(Prompted)), "nothing of it was lost"

    async def test_work_lost_after_it_is_found_as_the_pass_had_it(self, tmp_path: Path) -> None:
        slow = SLOW.replace("cat greet.py &&", "cat greet.py && sleep 300 &&")
        again = rule("lost", "lost and rebuilt", speaks("Hm."))
        workspace, playbooks = make(tmp_path, playbook=slow + again)
        async with Floor(workspace, playbooks) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief)
            await floor.command(Restart(run, 1))
            await floor.fact(ToolCalled, lambda fact: "cat greet.py" in fact.brief)
        async with Floor(workspace, playbooks) as floor:
            said = await floor.fact(Prompted, lambda fact: fact.origin == "recovery")
            assert isinstance(said.fact, Prompted)
            assert "as it was at the end of pass 1" in said.fact.content
            assert "what an earlier attempt at this left in pass 1" in said.fact.content


class TestCaps:
    async def test_a_run_that_is_held_for_its_budget_goes_on_once_its_cap_is_raised(self, tmp_path: Path) -> None:
        seed = SEED.replace("max_passes", "budget = 0.0001\nmax_passes")
        workspace, playbooks = make(tmp_path, seed=seed)
        workspace.config.write_text(workspace.config.read_text().replace("slots = 4", "slots = 1"))
        async with Floor(workspace, playbooks) as floor:
            run = (await floor.reach(await floor.start(), "held")).id
            await floor.reach(await floor.start(), "held")  # the first has no slot any more
            for cap in ("0.0001", "0.00001", "-1", "NaN", "Infinity"):
                with pytest.raises(RefusedError, match=f"the cap of {run} is \\$0.0001 now; name more than that"):
                    await floor.command(RaiseCap(run, Decimal(cap)))
            await floor.command(RaiseCap(run, Decimal(5)))
            assert floor.state.runs[run].cap == 5
            taken = next(event for event in reversed(floor.events) if isinstance(event.fact, CommandTaken))
            assert taken.actor == floor.link.actor
            shipped = await floor.reach(run, "shipped", "held", "failed")
            assert (shipped.state, shipped.burn.money <= 5) == ("shipped", True), shipped.why

    async def test_a_cap_that_is_raised_while_it_works_holds_from_then_on(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path, playbook=SLOW, seed=PATIENT)
        async with Floor(workspace, playbooks) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief)
            await floor.command(RaiseCap(run, Decimal(20)))
            assert floor.state.runs[run].state == "running"
        async with Floor(workspace, playbooks) as floor:
            assert floor.state.runs[run].cap == 20


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_a_cell_stands_still_while_its_run_is_held_for_its_budget(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    seed = SEED.replace("max_passes", "budget = 0.0001\nmax_passes")
    async with Floor(*make(tmp_path, kind="docker", image=cell_image, seed=seed)) as floor:
        held = await floor.reach(await floor.start(), "held")
        assert (held.reason, len(held.cells)) == ("budget", 1)

        async def still() -> bool:
            return (await asyncio.to_thread(docker_engine.containers.get, next(iter(held.cells)))).status == "paused"

        await eventually(still, "its cell stands still", 60)
        await floor.command(RaiseCap(held.id, Decimal(5)))
        assert (await floor.reach(held.id, "shipped", "held", "jammed", "failed")).state == "shipped"


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_a_docker_cell_stands_still_within_a_second_and_a_restart_gets_a_new_one(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    workspace, playbooks = make(tmp_path, kind="docker", image=cell_image, playbook=SLOW)
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        called = await floor.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief)
        cell = next(iter(floor.state.runs[run].cells))
        took = []
        for _ in range(3):
            began = time.monotonic()
            await floor.link.command(Pause(run, now=True))
            while (await asyncio.to_thread(docker_engine.containers.get, cell)).status != "paused":
                assert time.monotonic() - began < 30
            took.append(time.monotonic() - began)
            await floor.reach(run, "paused")
            await floor.command(Resume(run))
            await floor.reach(run, "running")
        assert min(took) < 1.0, took
        await floor.command(Pause(run, now=True))
        await floor.reach(run, "paused")
        await floor.command(Restart(run, 1))
        closed = await floor.fact(CellClosed, after=called.seq)
        assert closed.fact == CellClosed(cell)
        shipped = await floor.reach(run, "shipped", "held", "jammed", "failed")
        assert (shipped.state, shipped.restarts) == ("shipped", (2,)), shipped.why
    ours = f"factory-tui.workspace={workspace.identity}"
    assert not docker_engine.containers.list(all=True, filters={"label": ours})


async def test_pause_now_stops_a_model_in_mid_sentence_within_a_second(tmp_path: Path) -> None:
    async with Floor(*make(tmp_path), pace=20) as floor:
        run = await floor.start()
        took = []
        for _ in range(3):
            await floor.frame()
            began = time.monotonic()
            await floor.command(Pause(run, now=True))
            await floor.reach(run, "paused")
            took.append(time.monotonic() - began)
            assert floor.told(CallSettled)[-1].outcome == "cancelled"
            await floor.command(Resume(run))
            await floor.reach(run, "running")
        assert min(took) < 1.0, took
        assert len(floor.told(CallSettled)) == 3
        assert [fact.node for fact in floor.told(NodeEntered)] == ["start", "generate"], "the same step, asked again"
