"""What people say to a run, and what they are asked: steering, jams with their evidence, answers, escalations."""

import asyncio
import json
from pathlib import Path

import pytest

from factory_tui.domain.commands import Answer, EmergencyStop, Escalate, Pause, Resume, Steer, Thaw
from factory_tui.domain.events import (
    CallReserved,
    CommandTaken,
    EscalationRaised,
    Event,
    PassBegan,
    Prompted,
    ToolCalled,
    ToolReturned,
)
from factory_tui.link.client import Link
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import FarFloor, Floor, cli
from tests.engine.greeter import AGAIN, DONE, PLAYBOOK, SEED, TRIM, WRITES, make
from tests.playbooks import playbook, rule, runs, speaks

PATIENT = SEED.replace("max_passes = 3", "max_passes = 8")
SLEEPY = PLAYBOOK.replace("python3 -S -m unittest", "sleep 1; python3 -S -m unittest")
"""The first command takes a second."""


def at_a_loss(command: str) -> str:
    """A playbook that needs to be told what to do about untrimmed names; until then it answers by this command."""
    knows = rule("trim", "trim every name", runs(TRIM))
    clueless = rule("at a loss", "observed .Hello,  ", runs(f"{command} && echo trimmed"))
    return playbook("greeter", WRITES, AGAIN, knows, clueless, DONE)


STALLS = at_a_loss("date +%N >> notes.txt")
DIES = at_a_loss("true")


def prompted(event: Event) -> Prompted:
    assert isinstance(event.fact, Prompted)
    return event.fact


def words(event: Event) -> str:
    return "\n".join(block.get("text", "") for block in json.loads(prompted(event).content))


class TestJams:
    async def test_a_run_that_stalls_asks_with_evidence_and_only_the_right_words_let_it_ship(
        self, tmp_path: Path
    ) -> None:
        async with Floor(*make(tmp_path, playbook=STALLS, seed=PATIENT)) as floor:
            run = await floor.start()
            jammed = await floor.reach(run, "jammed", "held", "shipped", "failed")
            assert jammed.state == "jammed", jammed.why
            asked = floor.state.escalations["E-1"]
            assert (asked.jam, asked.to, asked.choices) == ("stalled", "demo", ("go on", "stop"))
            assert asked.question.startswith("3 passes in a row failed the same stories (trims)")
            passes, packet, symptoms = asked.evidence.split("\n\n", 2)
            assert [line.split(";")[0] for line in passes.splitlines()] == [
                f"pass {number}: vault 0.75, feedback 0.67" for number in (1, 2, 3)
            ]
            spent, against, changed, feedback, vault = packet.splitlines()
            assert spent.startswith("spent since pass 1: $0.")
            assert against == "pass 3 against pass 2: 1 file changed"
            assert changed.startswith("  ~ notes.txt, ")
            assert feedback == "pass 3 fails of the feedback set: trims (edge)"
            assert vault == "  of the vault: 1 edge", "their kind, not their names"
            assert symptoms.startswith("What the agent was told last:\n")
            assert "trims" in symptoms

            await floor.command(Answer("E-1", text="use capitals"))
            said = await floor.fact(Prompted, lambda fact: fact.origin == "answer")
            assert prompted(said).told == 1
            assert words(said) == f"{floor.link.actor}, who looks after this run, says:\nuse capitals"
            await floor.until(lambda state: "E-2" in state.escalations)
            again = floor.state.escalations["E-2"]
            assert again.jam == "stalled"
            wrong = f"{floor.link.actor} said (answer): use capitals -- it did not help"
            assert again.evidence.split("\n\n")[0].splitlines()[-1].strip() == wrong

            await floor.reach(run, "jammed")
            await floor.command(Answer("E-2", "go on", "trim every name"))
            await floor.reach(run, "running")
            shipped = await floor.reach(run, "shipped", "held", "jammed", "failed")
            assert (shipped.state, len(shipped.passes)) == ("shipped", 5), shipped.why
            assert [[(one.by, one.text) for one in item.guidance] for item in shipped.passes[3:]] == [
                [(floor.link.actor, "use capitals")],
                [(floor.link.actor, "trim every name")],
            ]
            told = [event.fact.content for event in floor.events if isinstance(event.fact, Prompted)]
            assert not any("did not help" in content or "vault 0.75, " in content for content in told)

    async def test_a_pass_that_changed_nothing_asks_at_once_and_go_on_is_one_more(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=DIES, seed=PATIENT)) as floor:
            run = await floor.start()
            await floor.reach(run, "jammed")
            asked = floor.state.escalations["E-1"]
            assert asked.jam == "dead"
            assert asked.evidence.split("\n\n")[0].endswith("failed trims; changed no file")
            typed = await cli("answer", "E-1", "go", "on", "--workspace", str(floor.workspace.root))
            said, _ = await typed.communicate()
            assert said == b"E-1 is answered\n"
            await floor.until(lambda state: "E-2" in state.escalations)
            assert len((await floor.reach(run, "jammed")).passes) == 3
            await floor.command(Answer("E-2", "stop"))
            await floor.reach(run, "stopped")

    async def test_a_run_whose_passes_are_used_up_is_called_by_what_they_did(self, tmp_path: Path) -> None:
        short = SEED.replace("max_passes = 3", "max_passes = 2")
        async with Floor(*make(tmp_path, playbook=DIES, seed=short)) as floor:
            await floor.reach(await floor.start(), "jammed")
            asked = floor.state.escalations["E-1"]
            assert (asked.jam, asked.choices) == ("dead", ("stop",))
            assert asked.question.startswith("2 passes are used up (75% of the vault satisfied, ")
            assert asked.question.endswith("; pass 2 changed no file, though it was told what is wrong")

    async def test_what_is_said_before_it_would_ask_is_tried_first(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=DIES, seed=PATIENT)) as floor:
            run = await floor.start()
            await floor.fact(PassBegan, lambda fact: fact.number == 2)
            returned = await floor.fact(ToolReturned, lambda fact: fact.output.startswith("trimmed"))
            await floor.command(Steer(run, "trim every name"))
            await floor.fact(Prompted, lambda fact: fact.origin == "steer", after=returned.seq)
            shipped = await floor.reach(run, "shipped", "held", "jammed", "failed")
            assert shipped.state == "shipped", shipped.why

    async def test_words_do_not_answer_what_cannot_go_on(self, tmp_path: Path) -> None:
        short = PATIENT.replace("max_passes = 8", "max_passes = 1")
        async with Floor(*make(tmp_path, playbook=DIES, seed=short)) as floor:
            await floor.reach(await floor.start(), "jammed")
            with pytest.raises(RefusedError, match="E-1 offers: stop"):
                await floor.command(Answer("E-1", text="trim every name"))


class TestSteering:
    async def test_it_is_told_before_the_next_model_call_and_says_by_whom(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=SLEEPY)) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled)
            await floor.link.command(Steer(run, "be brief"))
            await floor.link.command(Steer(run, "and kind"))
            said = await floor.fact(Prompted, lambda fact: fact.origin == "steer")
            assert prompted(said).told == 2
            who = f"{floor.link.actor}, who looks after this run, says:\n"
            assert words(said) == f"{who}be brief\n\n{who}and kind"
            taken = [event for event in floor.events if isinstance(event.fact, CommandTaken)][1:]
            assert [event.actor for event in taken] == [floor.link.actor] * 2
            returned, reserved = await floor.fact(ToolReturned), await floor.fact(CallReserved, after=taken[0].seq)
            assert taken[0].seq < returned.seq < said.seq < reserved.seq
            assert len((await floor.reach(run, "shipped", "held", "jammed")).passes) == 2
            assert sum(prompted(e).told for e in floor.events if isinstance(e.fact, Prompted)) == 2

    async def test_what_is_said_in_the_middle_of_an_answer_is_heard_even_if_that_was_the_last_one(
        self, tmp_path: Path
    ) -> None:
        done = rule("as told", "one thing more", speaks("Yes."))
        async with Floor(*make(tmp_path, playbook=PLAYBOOK + done), pace=30) as floor:
            run = await floor.start()
            await floor.fact(ToolReturned)
            await floor.frame()
            await floor.command(Steer(run, "one thing more"))
            said = await floor.fact(Prompted, lambda fact: fact.origin == "steer")
            assert "node-left" not in [
                event.fact.__struct_config__.tag for event in floor.events if event.seq > said.seq
            ], "it is told in the same node"
            await floor.command(Pause(run))

    async def test_what_is_said_to_a_paused_run_waits_for_it(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=SLEEPY)) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled)
            await floor.command(Pause(run))
            await floor.reach(run, "paused")
            for text in ("be brief", "be kind"):
                await floor.command(Steer(run, text))
            assert [one.text for one in floor.state.runs[run].said] == ["be brief", "be kind"]
            await floor.command(Resume(run))
            said = await floor.fact(Prompted, lambda fact: fact.origin == "steer")
            assert prompted(said).told == 2
            assert not floor.state.runs[run].said

    async def test_what_two_people_say_at_once_on_a_frozen_floor_is_told_when_it_moves_again(
        self, tmp_path: Path
    ) -> None:
        async with Floor(*make(tmp_path, playbook=SLEEPY)) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled)
            await floor.command(EmergencyStop())
            await floor.reach(run, "queued")
            other = await Link.connect(floor.workspace.socket)
            await asyncio.gather(floor.link.command(Steer(run, "be brief")), other.command(Steer(run, "be kind")))
            await other.close()
            await floor.command(Thaw())
            said = await floor.fact(Prompted, lambda fact: fact.origin == "steer")
            assert prompted(said).told == 2
            assert sorted(line for line in words(said).splitlines() if line.startswith("be ")) == [
                "be brief",
                "be kind",
            ]

    async def test_a_kill_between_the_word_and_the_step_loses_nothing_and_says_nothing_twice(
        self, tmp_path: Path
    ) -> None:
        workspace, playbooks = make(tmp_path, playbook=PLAYBOOK.replace("echo greet.py", "sleep 5; echo greet.py"))
        first = FarFloor(workspace, playbooks)
        await first.open()
        run = await first.start()
        await first.fact(ToolCalled)
        await first.command(Steer(run, "be brief"))
        await first.kill()
        async with FarFloor(workspace, playbooks) as floor:
            assert [one.text for one in floor.state.runs[run].said] == ["be brief"]
            said = await floor.fact(Prompted, lambda fact: fact.told > 0)
            assert "be brief" in words(said)
            await floor.fact(CallReserved, after=said.seq)
            assert not floor.state.runs[run].said
            assert sum(event.fact.told for event in floor.events if isinstance(event.fact, Prompted)) == 1
            assert "be brief" in floor.state.runs[run].passes[0].guidance[0].text

    async def test_who_says_nothing_or_speaks_past_a_question_is_told_so(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=DIES, seed=PATIENT)) as floor:
            run = await floor.start()
            with pytest.raises(RefusedError, match="nothing was said"):
                await floor.command(Steer(run, " \n"))
            await floor.reach(run, "jammed")
            with pytest.raises(RefusedError, match=f"{run} waits for an answer to E-1: say it there"):
                await floor.command(Steer(run, "trim every name"))


class TestEscalating:
    async def test_a_running_one_parks_after_its_step_and_asks_its_owner(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=SLEEPY)) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled)
            await floor.command(Escalate(run, "is this what we want?"))
            jammed = await floor.reach(run, "jammed")
            assert len(floor.told(ToolReturned)) == 1, "after its step"
            asked = floor.state.escalations[jammed.escalation]
            assert (asked.jam, asked.to, asked.question) == ("asked", "demo", "is this what we want?")
            with pytest.raises(RefusedError, match=f"{run} has asked already: E-1"):
                await floor.command(Escalate(run))
            await floor.command(Answer("E-1", text="yes, go ahead"))
            said = await floor.fact(Prompted, lambda fact: fact.origin == "answer")
            assert "yes, go ahead" in words(said)
            assert len((await floor.reach(run, "shipped", "held", "jammed")).passes) == 2

    async def test_one_that_stands_still_asks_at_once(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path, playbook=PLAYBOOK.replace("echo greet.py", "sleep 300; echo greet.py"))
        workspace.config.write_text(workspace.config.read_text().replace("slots = 4", "slots = 1"))
        async with Floor(workspace, playbooks) as floor:
            first, queued = await floor.start(), await floor.start()
            await floor.fact(ToolCalled)
            await floor.command(Escalate(queued))
            assert floor.state.runs[queued].state == "jammed"
            await floor.command(Pause(first, now=True))
            await floor.reach(first, "paused")
            await floor.command(Escalate(first, "look"))
            assert floor.state.runs[first].state == "jammed"
            raised = [event for event in floor.events if isinstance(event.fact, EscalationRaised)]
            assert [(event.run, event.fact.id) for event in raised if isinstance(event.fact, EscalationRaised)] == [
                (queued, "E-1"),
                (first, "E-2"),
            ]
            await floor.command(Answer("E-1", "go on"))
            await floor.reach(queued, "running")

    async def test_a_pause_that_comes_after_it_does_not_make_it_forgotten(self, tmp_path: Path) -> None:
        playbook = PLAYBOOK.replace("echo greet.py", "sleep 300; echo greet.py")
        async with Floor(*make(tmp_path, playbook=playbook)) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled)
            await floor.command(Escalate(run, "look"))
            assert floor.state.runs[run].state == "running", "its step goes on"
            await floor.command(Pause(run, now=True))
            await floor.reach(run, "jammed", "paused")
            assert floor.state.escalations["E-1"].question == "look"

    async def test_a_held_one_asks_too(self, tmp_path: Path) -> None:
        refused = PLAYBOOK + "\n[[fault]]\nthen = 401\n"
        async with Floor(*make(tmp_path, playbook=refused)) as floor:
            run = await floor.reach(await floor.start(), "held")
            await floor.command(Escalate(run.id, "whose key is it?"))
            assert floor.state.runs[run.id].state == "jammed"
            await floor.command(Answer("E-1", "go on"))
            await floor.reach(run.id, "held")
