"""A run from its seed to its end, and what people may do with it on the way."""

import asyncio
import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from factory_tui.cells.cell import RunnerCell
from factory_tui.domain.commands import Answer, EmergencyStop, Pause, Resume, Stop, Thaw
from factory_tui.domain.events import (
    Answered,
    CallSettled,
    CellClosed,
    CellStarted,
    CheckpointRan,
    NodeEntered,
    RunMoved,
    ToolCalled,
    ToolReturned,
    VerdictReached,
    VisitEnded,
)
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import Floor, in_order
from tests.engine.greeter import SEED, WRITES, make, slow
from tests.playbooks import playbook, rule, runs
from tests.waiting import until

LOOKS = playbook("greeter", WRITES, rule("look on", "greet.py reads|I look on", runs("echo I look on")))
"""Its agent looks at its files for ever."""


def cells_of(floor: Floor) -> list[str]:
    """What stands in the folder of process cells."""
    return [path.name for path in (floor.workspace.state / "cells").glob("*.json")]


class TestShipping:
    async def test_a_seed_ships_in_two_passes_and_the_events_tell_it_in_order(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            run = await floor.reach(await floor.start(), "shipped", "failed", "held", "jammed")
            assert (run.state, len(run.passes)) == ("shipped", 2)
            first, second = run.passes
            assert first.vault is not None
            assert second.vault is not None
            assert (first.vault.share, second.vault.share) == (0.75, 1.0)
            one_pass = ["pass-began", "prompted", "answered", "tool-called", "tool-returned", "checkpoint-ran"]
            judged = ["snapshot-taken", "visit-began", "verdict-reached", "visit-ended", "pass-ended"]
            story = ["command-taken", "run-queued", "run-moved", "node-entered", *one_pass, *judged]
            assert in_order(floor.names(), [*story, "pass-began", "visit-ended", "visit-ended", "shipped", "run-moved"])
            assert [event.seq for event in floor.events] == sorted(event.seq for event in floor.events)
            assert [fact.kind for fact in floor.told(VisitEnded)] == ["screen", "screen", "confirm"]
            await floor.fact(CellClosed)
            assert not cells_of(floor)

    async def test_provenance_names_what_it_came_from(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            run = await floor.reach(await floor.start(), "shipped")
            shipped = floor.workspace.root / run.shipped
            told = json.loads((shipped / "provenance.json").read_text())
            assert (told["run"], told["seed"]["revision"], told["ledger"]) == (run.id, run.revision, "rehearsal")
            assert [item["snapshot"] for item in told["passes"]] == [item.commit for item in run.passes]
            assert told["satisfaction"]["share"] == 1.0
            assert Decimal(told["money"]) == run.burn.money > 0
            queued = next(event.seq for event in floor.events if event.run == run.id)
            shipping = await floor.fact(NodeEntered, lambda fact: fact.node == "ship")
            assert (told["journal"]["first"], told["journal"]["last"]) == (queued, shipping.seq)
            with closing(sqlite3.connect(floor.workspace.state / "journal.db")) as database:
                [head] = database.execute("SELECT hash FROM event WHERE seq = ?", (shipping.seq,)).fetchone()
            assert told["journal"]["head"] == head.hex()
            assert "strip()" in (shipped / "greet.py").read_text()

    async def test_each_run_of_a_seed_has_a_number_and_waits_for_a_slot(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path)
        workspace.config.write_text(workspace.config.read_text().replace("slots = 4", "slots = 1"))
        async with Floor(workspace, playbooks) as floor:
            assert [await floor.start(), await floor.start()] == ["greeter-1", "greeter-2"]
            await floor.until(lambda state: state.runs["greeter-1"].state == "running")
            assert floor.state.runs["greeter-2"].state == "queued"
            await floor.command(Stop("greeter-1"))
            await floor.reach("greeter-2", "running")
            moves = [(e.run, e.fact.state) for e in floor.events if isinstance(e.fact, RunMoved)]
            assert moves == [("greeter-1", "running"), ("greeter-1", "stopped"), ("greeter-2", "running")]


class TestCommands:
    async def test_a_soft_pause_ends_the_step_and_resume_goes_on(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            run = await floor.paused()
            assert floor.state.runs[run].why == f"paused by {floor.link.actor}"
            assert len(floor.told(ToolReturned)) == 1
            assert not floor.told(CheckpointRan)
            await floor.command(Resume(run))
            assert len((await floor.reach(run, "shipped")).passes) == 2
            assert len(floor.told(CellStarted)) == 1

    async def test_pause_now_stops_a_model_in_mid_sentence_and_resume_asks_again(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path), pace=40) as floor:
            run = await floor.start()
            await floor.frame()
            await floor.command(Pause(run, now=True))
            await floor.reach(run, "paused")
            assert [fact.outcome for fact in floor.told(CallSettled)] == ["cancelled"]
            await floor.command(Resume(run))
            await floor.fact(Answered)

    async def test_pause_now_freezes_a_command_and_resume_lets_it_go_on(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=slow(2))) as floor:
            run = await floor.start()
            called = await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
            await floor.command(Pause(run, now=True))
            await floor.reach(run, "paused")
            await floor.command(Resume(run))
            returned = await floor.fact(ToolReturned, after=called.seq)
            assert isinstance(returned.fact, ToolReturned)
            assert "trimmed" in returned.fact.output

    async def test_stop_ends_a_command_at_once_and_leaves_no_cell(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=slow(300))) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
            await floor.command(Stop(run, "enough"))
            assert (await floor.reach(run, "stopped")).why == f"stopped by {floor.link.actor}: enough"
            await floor.fact(CellClosed)
            assert not cells_of(floor)
            with pytest.raises(RefusedError, match="has ended"):
                await floor.command(Resume(run))

    async def test_an_emergency_stop_freezes_all_and_an_admins_thaw_goes_on(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            runs = [await floor.start(), await floor.start()]
            await floor.fact(ToolCalled)
            await floor.command(EmergencyStop())
            await floor.until(lambda state: {state.runs[run].state for run in runs} == {"queued"})
            assert {floor.state.runs[run].why for run in runs} == {f"emergency stop by {floor.link.actor}"}
            assert floor.state.frozen
            frozen_at = floor.state.seq
            with pytest.raises(RefusedError, match="not paused or held"):
                await floor.command(Resume(runs[0]))
            assert floor.state.seq == frozen_at, "nothing happens on a frozen floor"
            await floor.command(Thaw())
            for run in runs:
                await floor.reach(run, "shipped")

    async def test_a_soft_pause_does_not_wait_for_a_visit_and_no_verdict_is_reached_twice(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            run = await floor.start()
            await floor.fact(VerdictReached)
            await floor.command(Pause(run))
            await floor.reach(run, "paused")
            assert not floor.told(VisitEnded)
            await floor.command(Resume(run))
            assert len((await floor.reach(run, "shipped")).passes) == 2
            reached = [(fact.visit, fact.scenario, fact.index) for fact in floor.told(VerdictReached)]
            assert len(set(reached)) == len(reached)

    async def test_an_emergency_stop_keeps_in_mind_what_was_to_be_paused(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=slow(300))) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
            await floor.command(Pause(run))
            await floor.command(EmergencyStop())
            await floor.reach(run, "paused")
            await floor.command(Thaw())
            assert floor.state.runs[run].state == "paused"

    async def test_an_engine_that_goes_keeps_in_mind_what_was_to_be_paused(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path, playbook=slow(300))
        async with Floor(workspace, playbooks) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
            await floor.command(Pause(run))
        async with Floor(workspace, playbooks) as floor:
            await floor.reach(run, "paused")
            assert not floor.told(ToolCalled)

    async def test_an_engine_that_goes_takes_no_cell_for_one_that_died(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Letting go of the first cell takes as long as the other run needs for another look at its files."""
        let_go = RunnerCell.detach

        async def slowly(cell: RunnerCell) -> None:
            await let_go(cell)
            seq, runs = floor.state.seq, set(floor.state.runs)

            def over() -> bool:
                at_work = {task.get_name() for task in asyncio.all_tasks()} & runs
                returned = [event for event in floor.events if event.seq > seq and isinstance(event.fact, ToolReturned)]
                return not at_work or bool(returned)

            await until(over)

        monkeypatch.setattr(RunnerCell, "detach", slowly)
        workspace, playbooks = make(tmp_path, playbook=LOOKS)
        workspace.config.write_text(f"{workspace.config.read_text()}\n[agent]\nmax_steps = 10000\n")
        async with Floor(workspace, playbooks) as floor:
            both = {await floor.start(), await floor.start()}
            await floor.until(lambda state: both == {run.id for run in state.runs.values() if run.cells})
        assert not [fact for fact in floor.told(CellClosed) if fact.lost]

    async def test_who_may_not_is_told_so(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            for command, why in (
                (Pause("greeter-9"), "there is no run greeter-9"),
                (Answer("E-9", "stop"), "there is no escalation E-9"),
                (Thaw(), "not frozen"),
            ):
                with pytest.raises(RefusedError, match=why):
                    await floor.command(command)


GATE = """digraph gated {
    start [shape=Mdiamond]
    generate [prompt="$goal"]
    look [type=tool, tool_command="cat greet.py"]
    sign [shape=hexagon, label="Good enough?"]
    again [type=tool, tool_command="echo once more"]
    harness [type=harness, goal_gate=true, retry_target=generate]
    ship [type=ship]
    exit [shape=Msquare]
    start -> generate -> look -> sign
    sign -> again [label="no"]
    sign -> harness [label="yes"]
    again -> sign
    harness -> ship [condition="outcome=success"]
    harness -> generate [condition="outcome!=success"]
    ship -> exit
}"""


class TestHumans:
    async def test_passes_used_up_jam_the_run_and_its_owner_may_stop_it(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, seed=SEED.replace("max_passes = 3", "max_passes = 1"))) as floor:
            run = await floor.reach(await floor.start(), "jammed")
            asked = await floor.until(lambda state: bool(state.escalations))
            question = asked.escalations["E-1"]
            assert (question.jam, question.to, question.choices) == ("stalled", "demo", ("stop",))
            assert "pass 1: vault 0.75" in question.evidence
            with pytest.raises(RefusedError, match="E-1 offers: stop"):
                await floor.command(Answer("E-1", "ship it"))
            await floor.command(Answer("E-1", "stop"))
            assert (await floor.reach(run.id, "stopped")).why == f"E-1 was answered by {floor.link.actor}"
            await floor.fact(CellClosed)
            with pytest.raises(RefusedError, match=f"was answered by {floor.link.actor}"):
                await floor.command(Answer("E-1", "stop"))

    async def test_a_gate_waits_for_a_human_and_goes_where_the_answer_says(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, loop=GATE)) as floor:
            run = await floor.start()
            await floor.reach(run, "signoff")
            await floor.until(lambda state: "E-1" in state.escalations)
            assert set(floor.state.escalations["E-1"].choices) == {"yes", "no"}
            assert "def" not in floor.state.runs[run].why
            assert "import sys" in floor.state.runs[run].context["tool.output"]
            await floor.command(Answer("E-1", "no"))
            await floor.until(lambda state: "E-2" in state.escalations)
            assert [fact.command for fact in floor.told(CheckpointRan)] == ["cat greet.py", "echo once more"]
            await floor.command(Answer("E-2", "yes"))
            await floor.fact(VisitEnded)

    async def test_a_gate_stays_shut_over_a_restart(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path, loop=GATE)
        async with Floor(workspace, playbooks) as floor:
            run = await floor.start()
            await floor.until(lambda state: "E-1" in state.escalations)
        async with Floor(workspace, playbooks) as floor:
            assert floor.state.runs[run].state == "signoff"
            await floor.command(Stop(run))
            with pytest.raises(RefusedError, match="has ended"):
                await floor.command(Answer("E-1", "yes"))
