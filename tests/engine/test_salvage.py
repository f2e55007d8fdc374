"""An agent's work is kept while it goes on, so that a cell that dies takes little with it, and what is named."""

import os
import signal
from pathlib import Path

import pytest

from factory_tui.domain.events import (
    AnyFact,
    CellClosed,
    CellStarted,
    Event,
    NodeEntered,
    NodeLeft,
    PassBegan,
    Prompted,
    SnapshotTaken,
    ToolCalled,
    ToolReturned,
    WorkKept,
)
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import Run
from factory_tui.engine import salvage
from factory_tui.engine.salvage import recovery, work_is_lost
from tests.domain.test_reducer import queued
from tests.engine.floor import Floor
from tests.engine.greeter import WRITES, make
from tests.engine.test_trouble import runner_of
from tests.playbooks import playbook, rule, runs, speaks

SLOWLY = "I think about it for as long as it takes to read a small work tree. " * 8
STEPS = playbook(
    "greeter",
    rule("look", "lost and rebuilt", runs("ls"), runs("sleep 300")),
    WRITES,
    rule("note", "greet.py reads", speaks(SLOWLY), runs("echo kept > notes; echo noted")),
    rule("lose", "noted", speaks(SLOWLY), runs("echo gone > gone.txt"), runs("sleep 300")),
)


@pytest.mark.parametrize(("steps", "seconds"), [(2, 60.0), (99, 0.0)], ids=["after some steps", "after some time"])
async def test_a_cell_that_dies_takes_no_more_with_it_than_the_calls_that_its_agent_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int, seconds: float
) -> None:
    monkeypatch.setattr(salvage, "STEPS", steps)
    monkeypatch.setattr(salvage, "SECONDS", seconds)
    monkeypatch.setattr(salvage, "LEAST", 0.0)
    async with Floor(*make(tmp_path, playbook=STEPS), pace=1000.0) as floor:
        run = await floor.start()
        kept = await floor.fact(WorkKept, lambda fact: fact.step == 2)
        dying = await floor.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief)
        assert floor.state.runs[run].tree == getattr(kept.fact, "commit", None)
        os.kill(runner_of(floor), signal.SIGKILL)
        said = await floor.fact(Prompted, lambda fact: fact.origin == "recovery", after=dying.seq)
        listed = await floor.fact(ToolReturned, after=said.seq)
        assert isinstance(listed.fact, ToolReturned)
        assert listed.fact.output.split()[:3] == ["greet.py", "notes", "tests"]
        assert isinstance(said.fact, Prompted)
        assert "as it was kept in pass 1; what these calls of yours did after that is gone:" in said.fact.content
        assert r":\n- bash: echo gone > gone.txt\n- bash: sleep 300\n\n" in said.fact.content
        await floor.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief, after=listed.seq)
        os.kill(runner_of(floor), signal.SIGKILL)
        again = await floor.fact(Prompted, lambda fact: fact.origin == "recovery", after=listed.seq)
        assert isinstance(again.fact, Prompted)
        assert r":\n- bash: ls\n- bash: sleep 300\n\n" in again.fact.content, "what it was told of is not told again"
        assert floor.told(SnapshotTaken) == [], "it is no output of a pass"


def told(*facts: AnyFact) -> list[Event]:
    return [Event(seq, f"id{seq}", seq, fact, "a-1") for seq, fact in enumerate(facts, 1)]


def after(*facts: AnyFact) -> tuple[Run, list[Event]]:
    """The run after these facts of its first pass, and all its events."""
    events = told(queued("a"), PassBegan(1, "rev"), Prompted("generate", "seed", "[]"), *facts)
    return fold(events).runs["a-1"], events


CELL = CellStarted("c-1", "agent", "process", False, 0.1)
DIED = CellClosed("c-1", True, "killed")
KEPT = WorkKept(1, 2, "commit", 1, 1, 0.1)


@pytest.mark.parametrize(
    ("facts", "lost"),
    [
        ((ToolCalled(2, "b", "bash", "make"),), False),
        ((ToolCalled(2, "b", "bash", "make"), ToolCalled(3, "c", "bash", "make test")), True),
        ((NodeEntered("lint", "checkpoint", 1), NodeLeft("lint", 1, "success", "harness", 0.1)), True),
        ((SnapshotTaken(1, "other", "tree", 1, 1, 0.1), NodeLeft("generate", 1, "success", "lint", 0.1)), False),
    ],
    ids=["all was kept", "a later call", "a checkpoint ran", "its pass has a snapshot"],
)
def test_work_is_lost_where_nothing_holds_it(facts: tuple[AnyFact, ...], lost: bool) -> None:
    # The call of the step that was kept may be told after that: nobody waits for it.
    assert work_is_lost(*after(CELL, KEPT, *facts, DIED)) is lost


def test_of_many_calls_the_last_are_named() -> None:
    calls = [ToolCalled(step, f"c{step}", "bash", f"echo {step}") for step in range(1, salvage.NAMED + 4)]
    said = recovery(*after(CELL, KEPT, *calls, DIED)).content[0]["text"]
    assert "(1 earlier ones are left out.)\n- bash: echo 4\n" in said
    assert said.count("- bash: echo") == salvage.NAMED


def test_a_snapshot_takes_the_place_of_what_was_kept_before_it() -> None:
    assert after(KEPT)[0].tree == "commit"
    assert after(KEPT, SnapshotTaken(1, "output", "tree", 1, 1, 0.1))[0].tree == "output"
    assert after(SnapshotTaken(1, "output", "tree", 1, 1, 0.1), KEPT)[0].tree == "commit"
