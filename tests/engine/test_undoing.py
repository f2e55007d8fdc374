"""A person takes back what they asked of a run: while nothing has come of it that stays, and no other one's word."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from factory_tui.domain import commands as c
from factory_tui.domain.events import (
    CommandTaken,
    CommandUndone,
    Event,
    Prompted,
    RunMoved,
    RunReseeded,
    SeedRevised,
    ToolCalled,
)
from factory_tui.domain.money import Burn
from factory_tui.domain.reducer import reduce
from factory_tui.domain.state import Pass, Run, State
from factory_tui.engine.orders import judge
from factory_tui.following import FAILED, SHIPPED
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import FarFloor, Floor
from tests.engine.greeter import CONFIG, make
from tests.engine.test_asking import asked
from tests.engine.test_forking import KEY, in_second_pass
from tests.engine.test_guidance import PATIENT, SLEEPY
from tests.engine.test_restarts import SLOW

Change = Callable[[Run], Run]


def sleeper(tmp_path: Path) -> Floor:
    """Where a run's second pass does not end by itself."""
    return Floor(*make(tmp_path, playbook=SLOW, seed=PATIENT))


async def why_not(floor: Floor, run: str) -> str:
    """Why the last command about the run stands."""
    with pytest.raises(RefusedError) as refusal:
        await floor.command(c.Undo(run))
    return str(refusal.value)


class TestWhatStopsARun:
    async def test_a_pause_to_come_does_not_come_and_one_that_came_is_over(self, tmp_path: Path) -> None:
        async with sleeper(tmp_path) as floor:
            run, me = await in_second_pass(floor), floor.link.actor
            assert await why_not(floor, run) == f"{me} has given {run} no command that could be taken back"
            await floor.command(c.Pause(run))
            assert floor.state.runs[run].asked == c.Pause(run)
            await floor.command(c.Undo(run))
            assert (floor.state.runs[run].asked, floor.state.runs[run].state) == (None, "running")
            undone = await floor.fact(CommandUndone)
            assert (undone.actor, undone.run) == (me, run)
            taken = next(fact.id for fact in floor.told(CommandTaken) if isinstance(fact.command, c.Pause))
            assert undone.fact == CommandUndone(taken, c.Pause(run)), "which says what it takes back"

            await floor.link.command(c.Pause(run, now=True))
            await floor.command(c.Undo(run))
            paused = await floor.fact(RunMoved, lambda fact: fact.state == "paused")
            on = await floor.fact(RunMoved, lambda fact: fact.state == "queued", after=paused.seq)
            assert (on.actor, floor.state.runs[run].asked) == (me, None)
            await floor.reach(run, "running")

    async def test_an_escalation_to_come_is_never_asked(self, tmp_path: Path) -> None:
        async with sleeper(tmp_path) as floor:
            run = await in_second_pass(floor)
            await floor.command(c.Escalate(run, "look at this"))
            await floor.command(c.Undo(run))
            assert (floor.state.runs[run].asked, floor.state.escalations) == (None, {})

    async def test_a_run_that_was_let_go_on_stands_still_again(self, tmp_path: Path) -> None:
        async with sleeper(tmp_path) as floor:
            run = await in_second_pass(floor)
            await floor.command(c.Pause(run, now=True))
            await floor.reach(run, "paused")
            await floor.command(c.EmergencyStop())
            await floor.command(c.Resume(run))
            assert floor.state.runs[run].state == "queued", "the floor is frozen"
            await floor.command(c.Undo(run))
            assert floor.state.runs[run].state == "paused"
            await floor.command(c.Thaw())
            await floor.command(c.Resume(run))
            await floor.reach(run, "running")
            await floor.command(c.Undo(run))
            # after its step, which may have been the last thing that it did
            await floor.until(lambda state: c.Pause(run) == state.runs[run].asked or state.runs[run].state == "paused")


class TestWhatChangesARun:
    async def test_words_that_the_agent_has_not_heard_are_not_said(self, tmp_path: Path) -> None:
        async with sleeper(tmp_path) as floor:
            run = await in_second_pass(floor)
            await floor.command(c.Steer(run, "use tabs"))
            await floor.command(c.Steer(run, "no, spaces"))
            await floor.command(c.Undo(run))
            assert [one.text for one in floor.state.runs[run].said] == ["use tabs"]
            await floor.command(c.Undo(run))
            assert floor.state.runs[run].said == ()
            assert [fact.command for fact in floor.told(CommandUndone)] == [c.Steer(run, "")] * 2, "without the words"

    async def test_words_that_it_has_heard_stay_said(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path, playbook=SLEEPY)) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled)
            await floor.command(c.Steer(run, "use spaces"))
            await floor.fact(Prompted, lambda fact: fact.told == 1)
            assert await why_not(floor, run) == f"the agent of {run} has heard it. Remedy: steer it again"

    async def test_a_raised_cap_is_what_it_was_before(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path, playbook=SLOW, seed=PATIENT)
        async with Floor(workspace, playbooks) as floor:
            run = await in_second_pass(floor)
            before = floor.state.runs[run].cap
            await floor.command(c.RaiseCap(run, Decimal(40)))
            await floor.command(c.Undo(run))
            assert floor.state.runs[run].cap == before != 40

    async def test_a_seed_that_no_pass_has_used_yet_is_not_used(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path, playbook=SLOW, seed=PATIENT)
        workspace.config.write_text(CONFIG.format(kind="process", image="factory-cell") + '[reload]\nmode = "ask"\n')
        async with Floor(workspace, playbooks) as floor:
            run = await in_second_pass(floor)
            was = floor.state.runs[run].revision
            (workspace.seeds / "greeter.md").write_text(f"{PATIENT}\nNames may be long.\n")
            await floor.fact(SeedRevised, lambda fact: fact.revision != was)
            await floor.command(c.Reseed(run))
            assert floor.state.runs[run].reseed not in ("", was)
            await floor.command(c.Undo(run))
            assert (floor.state.runs[run].reseed, floor.told(RunReseeded)[-1]) == ("", RunReseeded(was))


async def test_what_was_taken_back_stays_so_after_a_kill_and_is_done_once(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, playbook=SLOW, seed=PATIENT)
    first = FarFloor(workspace, playbooks)
    await first.open()
    run = await in_second_pass(first)
    await first.link.command(c.Steer(run, "use tabs"))
    await first.link.command(c.Pause(run))
    await first.link.command(c.Undo(run), KEY)
    await first.kill()
    async with FarFloor(workspace, playbooks) as floor:
        await floor.link.command(c.Undo(run), KEY)
        assert floor.state.runs[run].asked is None
        assert [one.text for one in floor.state.runs[run].said] == ["use tabs"], "the pause alone"


async def test_the_command_line_says_what_it_took_back_and_why_it_did_not(tmp_path: Path) -> None:
    async with sleeper(tmp_path) as floor:
        at, me, run = floor.workspace, floor.link.actor, await in_second_pass(floor)
        assert await asked(at, "pause", run, "--now") == (SHIPPED, f"{run} pauses now\n")
        assert await asked(at, "undo", run) == (SHIPPED, f"{me} took back: pause {run} now\n")
        await floor.reach(run, "running")
        assert (await asked(at, "stop", run))[0] == SHIPPED
        await floor.reach(run, "stopped")
        remedy = f"fork it: factory-tui fork {run} --pass 1"
        assert await asked(at, "undo", run) == (FAILED, f"{run} is stopped: it does not go on. Remedy: {remedy}\n")
        assert (await asked(at, "undo", "greeter-7"))[0] == FAILED


def given(*commands: tuple[str, c.Command], change: Change = lambda run: run) -> Run:
    """A run that works, after these commands of these people, and what came of them."""
    run = Run(
        *("a-1", "greeter", "one", "", "factory", "", "default", "rehearsal", "demo"),
        *(0.9, 0.01, 10, 200, Decimal(5), (), False, 0),
        state="running",
        passes=(Pass(1, "one", "c0ffee", began_at=1),),
    )
    state = State(runs={"a-1": run, "a-2": replace(run, id="a-2")})
    for seq, (who, command) in enumerate(commands, 1):
        state = reduce(state, Event(seq, f"e{seq}", 10 + seq, CommandTaken(f"k{seq}", command), "a-1", who))
    return change(state.runs["a-1"])


def with_burn(dollars: int) -> Change:
    return lambda run: replace(run, burn=Burn(money=Decimal(dollars), reserved=Decimal(1)))


RAISED = c.RaiseCap("a-1", Decimal(9))


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (given(("ana", c.Stop("a-1", "enough"))), "a-1 is stopping: it does not go on. Remedy: fork it"),
        (given(("ana", c.Restart("a-1", 1))), "its conversation of before is over. Remedy: restart it from pass 1"),
        (given(("ana", c.Release("a-1"))), "may have reached the agent of a-1 by now. Remedy: stop it"),
        (given(("ana", c.Fork("a-1"))), "a run of its own. Remedy: stop that one"),
        (given(("ana", c.MoveBudget("a-1", "a-2", Decimal(2)))), "factory-tui cap a-2 2 --from a-1"),
        (given(("ana", c.Pause("a-1")), ("bob", c.Resume("a-1"))), "bob has said resume to a-1 since"),
        (given(("ana", RAISED), change=lambda run: replace(run, cap=Decimal(12))), "was changed since"),
        (given(("ana", RAISED), change=with_burn(5)), "has spent or reserved $6 by now, and its cap was $5: it stays"),
        (given(("ana", c.Reseed("a-1"))), "a-1 uses revision one by now"),
        (given(("ana", c.Escalate("a-1")), change=lambda run: replace(run, asked=None)), "a-1 has asked"),
        (given(("ana", c.Resume("a-1")), change=lambda run: replace(run, state="held")), "a-1 is held by now"),
        (given(("ana", c.Pause("a-1")), change=lambda run: replace(run, asked=None)), "its pause is over"),
        (given(("bob", c.Pause("a-1"))), "ana has given a-1 no command"),
        (given(("ana", c.OpenShell("a-1"))), "ana has given a-1 no command"),
    ],
)
def test_what_cannot_be_taken_back_says_why(run: Run, why: str) -> None:
    said = judge(State(runs={"a-1": run}), "ana", c.Undo("a-1"), lambda *_: "nothing begins here", {"a-1"}, now=0)
    assert isinstance(said, str)
    assert why in said


@pytest.mark.parametrize(
    ("first", "again", "why"),
    [(False, False, "a-1 pauses after its step already"), (True, False, "a-1 pauses now already"), (False, True, "")],
)
def test_a_pause_that_changes_nothing_is_none_so_that_the_command_before_can_be_taken_back(
    first: bool, again: bool, why: str
) -> None:
    state = State(runs={"a-1": given(("ana", RAISED), ("ana", c.Pause("a-1", first)))})
    said = judge(state, "bob", c.Pause("a-1", again), lambda *_: "nothing begins here", {"a-1"}, now=0)
    assert said == (why or [])


def test_a_cap_is_taken_back_while_all_that_was_spent_fits_the_one_before() -> None:
    run = given(("ana", RAISED), ("bob", c.Steer("a-1", "go")), change=with_burn(4))
    told = judge(State(runs={"a-1": run}), "ana", c.Undo("a-1"), lambda *_: "nothing begins here", {"a-1"}, now=0)
    assert not isinstance(told, str)
    assert [draft.fact for draft in told] == [CommandUndone("k1", RAISED)]
