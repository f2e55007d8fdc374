"""What goes wrong under a run: it is held with the remedy, its cell is rebuilt, or it goes on by itself."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from factory_tui.config.workspace import bundled
from factory_tui.domain.commands import Pause, Resume, StartRun
from factory_tui.domain.events import (
    CallSettled,
    CellClosed,
    CheckpointRan,
    EngineStarted,
    NodeEntered,
    PassBegan,
    PassEnded,
    Prompted,
    RunMoved,
    SnapshotTaken,
    ToolCalled,
    VerdictReached,
    VisitBegan,
    VisitEnded,
)
from factory_tui.engine import serve
from factory_tui.harness import trajectory
from factory_tui.harness.shapes import Scenario
from factory_tui.model import door
from tests.engine.floor import Floor
from tests.engine.greeter import AGAIN, DONE, PLAYBOOK, SEED, WRITES, make, slow
from tests.engine.test_asking import asked
from tests.playbooks import playbook, rule, speaks


class TestHeld:
    async def test_a_wrong_key_holds_the_run_and_is_not_tried_again(self, tmp_path: Path) -> None:
        refused = PLAYBOOK + "\n[[fault]]\nthen = 401\n"
        async with Floor(*make(tmp_path, playbook=refused)) as floor:
            run = await floor.reach(await floor.start(), "held")
            assert (run.reason, run.retry_at) == ("credential", None)
            assert len(floor.told(CallSettled)) == 1

    @pytest.mark.parametrize(("fault", "said"), [("html", "answered a web page"), ("cut", "it was cut")])
    async def test_an_endpoint_that_answers_a_page_or_ends_early_holds_the_run_and_is_named(
        self, tmp_path: Path, fault: str, said: str
    ) -> None:
        workspace, playbooks = make(tmp_path, playbook=PLAYBOOK + f'\n[[fault]]\nthen = "{fault}"\n')
        workspace.config.write_text(workspace.config.read_text() + "[agent]\nattempts = 1\n")
        async with Floor(workspace, playbooks) as floor:
            run = await floor.reach(await floor.start(), "held")
            assert run.reason == "provider"
            assert said in run.why
            assert "check base_url of the model in config.toml" in run.why

    @pytest.mark.parametrize("broken_for", [("vault",), ("vault", "feedback")])
    async def test_a_visit_that_judged_nothing_holds_the_run_and_its_pass_is_judged_anew(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_for: tuple[str, ...]
    ) -> None:
        """What breaks the harness says nothing of the product: no agent is told of it, and no pass is paid for it."""
        judged = trajectory._judged

        async def broken(stage: Any, scenario: Scenario, timeout: float) -> trajectory.Trajectory:
            if scenario.set in broken_for:
                raise RuntimeError("its clock is gone")
            return await judged(stage, scenario, timeout)

        async with Floor(*make(tmp_path)) as floor:
            with monkeypatch.context() as patched:
                patched.setattr(trajectory, "_judged", broken)
                run = await floor.reach(await floor.start(), "held", "shipped", "jammed", "failed")
            assert (run.state, run.reason) == ("held", "config")
            assert (
                "verdicts that decide on pass 1 are void, because: the harness failed: RuntimeError: its clock is gone."
                " Remedy: "
            ) in run.why
            await floor.command(Resume(run.id))
            run = await floor.reach(run.id, "shipped", "jammed", "failed", "held")
            assert (run.state, len(run.passes)) == ("shipped", 2), run.why
            told = floor.told(VisitEnded)
            assert [one.vault.total > 0 for one in told if one.number == 1] == [False, True]

    async def test_a_confirm_without_one_verdict_ends_no_pass(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The screen before it was good enough: the pass would have shipped."""
        judged = trajectory._judged

        async def broken_in_confirms(*asked: Any) -> trajectory.Trajectory:
            if any(one.kind == "confirm" for one in floor.told(VisitBegan)):
                raise RuntimeError("its clock is gone")
            return await judged(*asked)

        async with Floor(*make(tmp_path)) as floor:
            with monkeypatch.context() as patched:
                patched.setattr(trajectory, "_judged", broken_in_confirms)
                run = await floor.reach(await floor.start(), "held", "shipped", "jammed", "failed")
            assert (run.state, run.reason, len(run.passes)) == ("held", "config", 2), run.why
            await floor.command(Resume(run.id))
            run = await floor.reach(run.id, "shipped", "jammed", "failed", "held")
            assert (run.state, len(run.passes)) == ("shipped", 2), run.why
            assert [one.kind for one in floor.told(VisitBegan)] == ["screen", "screen", "confirm", "confirm"]

    async def test_a_rule_that_is_missing_is_named_by_its_nearest_and_the_run_goes_on_once_it_is_there(
        self, tmp_path: Path
    ) -> None:
        workspace, playbooks = make(tmp_path, playbook=playbook("greeter", WRITES, AGAIN, DONE))
        async with Floor(workspace, playbooks) as floor:
            run = await floor.reach(await floor.start(), "held")
            assert run.reason == "provider"
            assert "no rule of playbook 'greeter' fits" in run.why
            assert "nearest is rule" in run.why
        (playbooks / "greeter.toml").write_text(PLAYBOOK)
        async with Floor(workspace, playbooks) as floor:
            await floor.command(Resume(run.id))
            assert len((await floor.reach(run.id, "shipped", "held")).passes) == 2

    async def test_a_clock_that_jumps_back_makes_no_hold_longer(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hours, real = [0], serve.now
        monkeypatch.setattr(serve, "now", lambda: real() - hours[0] * 3_600_000)
        monkeypatch.setattr(door, "_OUTAGE", 1.0)
        workspace, playbooks = make(tmp_path, playbook=PLAYBOOK + "\n[[fault]]\nthen = 529\n")
        workspace.config.write_text(workspace.config.read_text() + "[agent]\nattempts = 1\n")
        async with Floor(workspace, playbooks) as floor:
            run = (await floor.reach(await floor.start(), "held")).id
            hours[0] += 1
            again = await floor.fact(RunMoved, lambda fact: fact.why == "tries again")
            held = await floor.fact(RunMoved, lambda fact: fact.state == "held", after=again.seq)
            assert held.at < again.at + 60_000, "it goes by the clock of now"
        hours[0] += 1
        async with Floor(workspace, playbooks) as floor:
            assert floor.state.runs[run].state in ("held", "queued", "running")
            await floor.fact(RunMoved, lambda fact: fact.why == "tries again")

    async def test_a_cap_holds_before_it_is_passed(self, tmp_path: Path) -> None:
        seed = SEED.replace("max_passes", "budget = 0.0001\nmax_passes")
        async with Floor(*make(tmp_path, seed=seed)) as floor:
            run = await floor.reach(await floor.start(), "held")
            assert run.reason == "budget"
            assert run.burn.money == 0
            assert "the cap of $0.0001" in run.why


class TestTrouble:
    async def test_a_loop_cannot_have_one_pass_judged_until_luck_ships_it(self, tmp_path: Path) -> None:
        loop = (bundled() / "loops" / "factory.dot").read_text()
        again = loop.replace("satisfied -> generate  ", "satisfied -> harness  ")
        assert again != loop
        async with Floor(*make(tmp_path, loop=again)) as floor:
            run = await floor.reach(await floor.start(), "held", "shipped", "failed")
            assert (run.state, run.reason) == ("held", "config")
            assert "nothing was generated since pass 1" in run.why
            assert len(floor.told(VisitEnded)) == 1

    async def test_a_checkpoint_that_goes_on_failing_ends_the_pass(self, tmp_path: Path) -> None:
        tests = PLAYBOOK.replace('"Hello, Ana!\\n")', '"Bye, Ana!\\n")')
        never = tests + rule("shrug", "checkpoint", speaks("Hm."))
        workspace, playbooks = make(tmp_path, playbook=never)
        async with Floor(workspace, playbooks) as floor:
            run = await floor.start()
            await floor.fact(CheckpointRan, lambda fact: fact.node == "unit_tests")
            await floor.command(Pause(run))
            await floor.reach(run, "paused")
        async with Floor(workspace, playbooks) as floor:  # which counts on from there
            await floor.command(Resume(run))
            begun = await floor.fact(PassBegan, lambda fact: fact.number == 2)
            first = [event.fact for event in await floor.link.events(run, begun.seq, 2000)]
            (ended,) = [fact for fact in first if isinstance(fact, PassEnded)]
            assert ended.vault is None
            assert ended.commit
            failed = [fact for fact in first if isinstance(fact, CheckpointRan) and fact.node == "unit_tests"]
            assert [fact.passed for fact in failed] == [False] * 4

    async def test_a_cell_that_dies_is_rebuilt_from_the_last_snapshot_and_the_agent_is_told(
        self, tmp_path: Path
    ) -> None:
        async with Floor(*make(tmp_path, playbook=slow(3))) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
            os.kill(runner_of(floor), signal.SIGKILL)
            lost = await floor.fact(CellClosed)
            assert isinstance(lost.fact, CellClosed)
            assert lost.fact.lost
            said = await floor.fact(Prompted, lambda fact: fact.origin == "recovery")
            assert isinstance(said.fact, Prompted)
            assert "as it was at the end of pass 1" in said.fact.content
            shipped = await floor.reach(run, "shipped", "held", "jammed", "failed")
            assert (shipped.state, len(shipped.passes)) == ("shipped", 2)

    async def test_a_run_whose_cells_keep_dying_asks_and_says_what_they_died_of(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=slow(3))) as floor:
            run = await floor.start()
            seq = 0
            for _ in range(3):
                seq = (await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief, after=seq)).seq
                os.kill(runner_of(floor), signal.SIGKILL)
                seq = (await floor.fact(CellClosed, after=seq)).seq
            await floor.reach(run, "jammed")
            asked = floor.state.escalations["E-1"]
            assert asked.jam == "dead"
            died = asked.evidence.split("\n\n")[0].splitlines()
            assert [line.partition(": ")[0] for line in died] == ["cell 1", "cell 2", "cell 3"]

    async def test_work_lost_before_a_checkpoint_goes_back_to_the_agent(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            run = await floor.start()
            entered = await floor.fact(NodeEntered, lambda fact: fact.node == "byte_compile")
            os.kill(runner_of(floor), signal.SIGKILL)
            back = await floor.fact(NodeEntered, lambda fact: fact.node == "generate", after=entered.seq)
            said = await floor.fact(Prompted, lambda fact: fact.origin == "recovery")
            assert said.seq > back.seq
            assert isinstance(said.fact, Prompted)
            assert "the very beginning" in said.fact.content
            assert len((await floor.reach(run, "shipped", "held", "jammed")).passes) == 2

    async def test_an_engine_that_is_stopped_goes_on_at_its_next_start(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path)
        async with Floor(workspace, playbooks) as floor:
            run = await floor.start()
            await floor.fact(VerdictReached)
        first = list(floor.events)
        async with Floor(workspace, playbooks) as floor:
            assert floor.state.runs[run].state == "running"
            shipped = await floor.reach(run, "shipped", "held", "jammed")
            assert (shipped.state, len(shipped.passes)) == ("shipped", 2)
            again = await floor.link.events(None, None, 2000)
        assert [event for event in again if event.seq <= first[-1].seq][-len(first) :] == first
        assert first[-1].fact.__struct_config__.tag == "engine-stopped"
        verdicts = [e.fact for e in again if isinstance(e.fact, VerdictReached)]
        assert len({(fact.visit, fact.scenario, fact.index) for fact in verdicts}) == len(verdicts)
        assert sum(isinstance(e.fact, EngineStarted) for e in again) == 2
        assert sum(isinstance(e.fact, SnapshotTaken) for e in again) == 2


async def test_a_run_whose_model_left_the_config_is_held_with_the_remedy(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, playbook=slow(300))
    config = workspace.config.read_text()
    workspace.config.write_text(config + '[models.other]\nid = "claude-haiku-4-5"\n')
    async with Floor(workspace, playbooks) as floor:
        await floor.command(StartRun("greeter", model="other", ledger="rehearsal"))
        await floor.fact(ToolCalled)
    workspace.config.write_text(config)
    async with Floor(workspace, playbooks) as floor:
        run = await floor.reach("greeter-1", "held", "failed", "shipped")
        assert (run.state, run.reason) == ("held", "config")
        assert run.why.startswith("[models.other] is no longer in config.toml. Remedy: ")


async def test_a_rehearsal_without_its_playbook_is_held_with_the_remedy_and_goes_on_with_it(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path)
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        await floor.fact(ToolCalled)
    (others := tmp_path / "others").mkdir()
    async with Floor(workspace, others) as floor:
        held = await floor.reach(run, "held", "failed", "shipped")
        assert (held.state, held.reason) == ("held", "config")
        assert "engine start --rehearsals FOLDER." in (await asked(workspace, "inbox"))[1]
        assert held.why.startswith(
            f"there is no playbook to rehearse `greeter` with in {others}. Remedy: stop the engine"
        )
    async with Floor(workspace, playbooks) as floor:
        await floor.command(Resume(run))
        assert (await floor.reach(run, "shipped", "failed", "jammed", "held")).state == "shipped"


def runner_of(floor: Floor) -> int:
    """The process of the run's cell."""
    cell = next(iter(next(iter(floor.state.runs.values())).cells))
    folder = json.loads((floor.workspace.state / "cells" / f"{cell}.json").read_text())["folder"]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue
        parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        if f"HOME={folder}/home".encode() in environment and b"-I\0-S" in line and parent == os.getpid():
            return int(process.name)
    raise AssertionError(f"no runner of {cell}")
