"""What is put off calls again, and what expires is refused: by the engine's clock, whatever restarts meanwhile."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.domain import commands as c
from factory_tui.domain.events import (
    AnyFact,
    CommandTaken,
    EscalationAnswered,
    EscalationPassedOn,
    EscalationRaised,
    Event,
    ExpirySet,
    RunMoved,
    Snoozed,
)
from factory_tui.domain.money import DAY
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from factory_tui.engine import returning, serve
from factory_tui.engine.deadlines import MINUTE
from factory_tui.engine.factory import Factory
from factory_tui.engine.returning import Returning
from factory_tui.engine.triage import awake, expired, left, triage
from factory_tui.engine.undoing import undo
from factory_tui.following import FAILED, SHIPPED, USAGE
from factory_tui.link.protocol import RefusedError
from tests.domain.test_questions import QUEUED
from tests.engine.floor import Floor
from tests.engine.greeter import make
from tests.engine.test_asking import asked
from tests.engine.test_deadlines import always, then, within

HOUR = 60 * MINUTE
GATES = """digraph gates {
    start [shape=Mdiamond]
    sign [shape=hexagon, label="Good enough?"]
    again [shape=hexagon, label="And like this?"]
    exit [shape=Msquare]
    start -> sign
    sign -> exit [label="yes"]
    sign -> again [label="no"]
    again -> exit [label="yes"]
    again -> sign [label="no"]
}"""
"""A loop that only asks."""


def asking(*, kind: str = "signoff", expires: int = 0) -> State:
    choices = ("yes", "no") if kind == "signoff" else ("go on", "stop")
    raised = EscalationRaised("E-1", "signoff" if kind == "signoff" else "jam", None, "ana", "well?", choices)
    told: tuple[AnyFact, ...] = (QUEUED, raised, RunMoved("signoff" if kind == "signoff" else "jammed"))
    state = fold(Event(n, str(n), 1_000, fact, "s-1") for n, fact in enumerate(told, 1))
    return then(state, ExpirySet("E-1", expires), at=1_000) if expires else state


HELD = then(fold([Event(1, "1", 1_000, QUEUED, "s-1")]), RunMoved("held", "budget", "spent"), at=1_000)


@given(st.integers(1, DAY), st.integers(-HOUR, HOUR))
def test_a_snooze_ends_at_its_time_and_not_before(span: int, off: int) -> None:
    for state, item in ((asking(), "E-1"), (HELD, "s-1")):
        drafts = triage(state, "bo", c.Snooze(item, 2_000 + span), 2_000)
        assert not isinstance(drafts, str)
        slept = then(state, *(draft.fact for draft in drafts), at=2_000)
        now = 2_000 + span + off
        assert left(slept, now, always(now)) == -off
        due = awake(slept, now)
        assert [draft.fact for draft in due] == ([Snoozed(item, 0)] if off >= 0 else [])
        if due:
            after = then(slept, *(draft.fact for draft in due), at=now)
            assert left(after, now, always(now)) is None
            assert awake(after, now) == [], "once"


@pytest.mark.parametrize("change", [EscalationPassedOn("E-1", "bo"), EscalationAnswered("E-1", "no", "")])
def test_a_snooze_ends_with_whom_it_is_for(change: AnyFact) -> None:
    state = then(asking(), Snoozed("E-1", HOUR), at=2_000)
    assert state.escalations["E-1"].snoozed == HOUR
    assert then(state, change, at=3_000).escalations["E-1"].snoozed == 0
    held = then(HELD, Snoozed("s-1", HOUR), at=2_000)
    assert then(held, RunMoved("queued"), RunMoved("held"), at=3_000).runs["s-1"].snoozed == 0


@given(st.integers(2_000, DAY), st.integers(0, 2 * DAY))
def test_only_what_has_a_refusal_expires_at_its_time_snoozed_or_not(at: int, now: int) -> None:
    state = then(asking(expires=at), Snoozed("E-1", 3 * DAY), at=2_000)
    assert expired(state, always(now)) == ([("E-1", "no")] if now >= at else [])
    assert expired(asking(kind="jam", expires=at), always(now)) == [], "a jam stays open"
    assert expired(then(state, RunMoved("stopped"), at=now), always(now)) == []


@pytest.mark.parametrize(
    ("state", "command", "why"),
    [
        (asking(), c.Snooze("E-1", 2_000), "that time is over"),
        (asking(), c.Snooze("E-1", 2_001 + DAY), "a day is as long as anything is put off"),
        (asking(), c.Snooze("E-1", 0), "E-1 is not snoozed"),
        (asking(), c.Snooze("E-7", 9_000), "there is no E-7 that waits for somebody; open: E-1"),
        (HELD, c.SetExpiry("s-1", 9_000), "there is no s-1 that waits for somebody; open: s-1"),
        (then(HELD, RunMoved("running"), at=1), c.Snooze("s-1", 9_000), "s-1 is running, not held"),
        (then(asking(), RunMoved("stopped"), at=1), c.Snooze("E-1", 9_000), "it has ended, and E-1 with it"),
        (asking(), c.SetExpiry("E-1", 2_001 + 366 * DAY), "that is too far off. Remedy: name a time within a year"),
        (asking(kind="jam"), c.SetExpiry("E-1", 9_000), "E-1 has no choice that refuses, and stays open"),
    ],
)
def test_what_cannot_be_put_off_or_expire_is_told_why(state: State, command: c.Snooze | c.SetExpiry, why: str) -> None:
    told = triage(state, "bo", command, 2_000)
    assert isinstance(told, str)
    assert why in told


def test_an_expiry_is_not_taken_back_to_a_time_that_is_over() -> None:
    """Policy would refuse at once what somebody meant to leave open."""
    state = asking(expires=9_000)
    state = then(state, CommandTaken("1", c.SetExpiry("E-1", 50_000)), ExpirySet("E-1", 50_000), at=2_000)
    run, said = state.runs["s-1"], undo(state.runs["s-1"], "engine", (), 9_000)
    assert isinstance(said, str)
    assert "E-1 was to be refused before now" in said
    facts = undo(run, "engine", (), 8_999)
    assert not isinstance(facts, str)
    assert [draft.fact for draft in facts][1:] == [ExpirySet("E-1", 9_000)]


class Clock:
    """The engine's, which is set forward by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead, self._real = 0, serve.now
        monkeypatch.setattr(serve, "now", self.now)
        monkeypatch.setattr(returning, "LOOK", 0.05)

    def now(self) -> int:
        return self._real() + self.ahead


async def test_what_is_snoozed_wakes_and_what_nobody_answers_expires_over_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    workspace, playbooks = make(tmp_path, loop=GATES)
    told = workspace.config.read_text().partition("\n[policy]")[0]
    workspace.config.write_text(f"{told}\n[policy]\nexpire_after = 120\n")
    async with Floor(workspace, playbooks) as floor:
        run, me = await floor.start(), floor.link.actor
        raised = await floor.fact(EscalationRaised)
        await floor.reach(run, "signoff")
        assert abs(floor.state.escalations["E-1"].expires_at - raised.at - 2 * HOUR) < HOUR
        until = clock.now() + HOUR
        await floor.command(c.Snooze("E-1", until))
        assert (floor.state.escalations["E-1"].snoozed, floor.state.escalations["E-1"].snoozed_by) == (until, me)
        clock.ahead = HOUR + MINUTE
        woken = await floor.fact(Snoozed, lambda fact: fact.until == 0)
        assert (woken.actor, floor.state.escalations["E-1"].snoozed) == ("engine", 0)
        await floor.command(c.Snooze("E-1", clock.now() + HOUR))
        await floor.command(c.Undo(run))
        assert floor.state.escalations["E-1"].snoozed == 0
        expires = floor.state.escalations["E-1"].expires_at
        await floor.command(c.SetExpiry("E-1", 0))
        await floor.command(c.Undo(run))
        assert floor.state.escalations["E-1"].expires_at == expires, "as it was before"
    clock.ahead = 5 * HOUR
    async with Floor(workspace, playbooks) as floor:
        await floor.until(lambda state: state.escalations["E-1"].answered_at > 0)
        refused = floor.state.escalations["E-1"]
        assert (refused.answer, refused.answered_by, refused.expired) == ("no", "policy", True)
        await floor.until(lambda state: "E-2" in state.escalations and state.runs[run].state == "signoff")
        assert floor.state.runs[run].node == "again", "it went where a no leads"
        with pytest.raises(RefusedError, match="E-1 was answered by policy"):
            await floor.command(c.Answer("E-1", "yes"))
        await floor.command(c.SetExpiry("E-2", 0))
        clock.ahead = 100 * HOUR
        await floor.command(c.Snooze("E-2", clock.now() + MINUTE))
        clock.ahead += HOUR
        await floor.until(lambda state: state.escalations["E-2"].snoozed == 0)
        assert not floor.state.escalations["E-2"].answered_at, "somebody said that it does not expire"


async def test_whoever_says_that_it_does_not_expire_is_heard_to_the_last_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, looks, turned = Clock(monkeypatch), asyncio.Event(), asyncio.Event()
    take, commands = Returning.take, Factory._commands

    async def looked(self: Returning) -> None:
        looks.set()
        await take(self)

    async def slowly(self: Factory) -> dict[str, tuple[str, c.Command]]:
        """Its time comes while the engine is about to take the command."""
        if not turned.is_set():
            turned.set()
            clock.ahead = 2 * HOUR
            looks.clear()
            await looks.wait()
            for _ in range(100):  # turns of the loop, in which what is due would be found
                await asyncio.sleep(0)
        return await commands(self)

    workspace, playbooks = make(tmp_path, loop=GATES)
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        await floor.reach(run, "signoff")
        await floor.command(c.SetExpiry("E-1", clock.now() + HOUR))
        monkeypatch.setattr(Returning, "take", looked)
        monkeypatch.setattr(Factory, "_commands", slowly)
        await floor.command(c.SetExpiry("E-1", clock.now() + 9 * HOUR))
        await floor.command(c.Snooze("E-1", clock.now() + HOUR))  # which would be refused, had policy answered
        assert not floor.state.escalations["E-1"].answered_at


async def test_from_the_command_line(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, loop=GATES)
    within(workspace.config, 0)
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        await floor.reach(run, "signoff")
        code, said = await asked(workspace, "snooze", "E-1", "E-9", "--for", "30m")
        first, second = said.splitlines()
        assert code == FAILED
        assert first.startswith("E-1 calls nobody until ")
        assert second == "E-9: there is no E-9 that waits for somebody; open: E-1"
        assert (await asked(workspace, "expire", "E-1", "--until", "23:59"))[0] == SHIPPED
        told = json.loads((await asked(workspace, "inbox", "--json"))[1])
        (one,) = told["escalations"]
        assert one["snoozed_by"] == floor.link.actor
        assert one["expires_at"] % DAY == DAY - MINUTE
        lines = (await asked(workspace, "inbox"))[1].splitlines()
        assert lines[2].startswith("  snoozed until ")
        assert lines[3] == "  expires at 23:59 UTC: policy then answers no"
        told = (await asked(workspace, "expire", "E-1", "--for", "3d"))[1]
        assert re.search(r"is refused at \d{4}-\d\d-\d\d \d\d:\d\d UTC", told), "a time alone would be today's"
        assert await asked(workspace, "expire", "E-1", "--off") == (SHIPPED, "E-1 does not expire\n")
        code, said = await asked(workspace, "answer", "E-1,E-7", "no")
        assert (code, said.splitlines()[0]) == (FAILED, "E-1 is answered")
        told = json.loads((await asked(workspace, "inbox", "--json"))[1])
        assert told["time_to_human"]["ever"]["answered"] == told["time_to_human"]["owners"]["demo"]["answered"] == 1
        assert (told["answered"][0]["answer"], told["answered"][0]["expired"]) == ("no", False)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (("snooze", "E-1", "--for", "soon"), "'soon' is no span of time, such as 30m or 2h"),
        (("snooze", "E-1", "--for", "0m"), "'0m' is no span of time"),
        (("expire", "E-1", "--for", "9999999999d"), "'9999999999d' is no span of time"),
        (("expire", "E-1", "--until", "24:00"), "'24:00' is no time of day, such as 14:30"),
        (("expire", "E-1", "--until", f"{'0' * 5000}:00"), "is no time of day, such as 14:30"),
        (("expire", "E-1", "--until", "half past"), "'half past' is no time of day, such as 14:30"),
        (("expire", "E-1"), "one of the arguments --for --until --off is required"),
    ],
)
def test_no_time_is_a_usage_error(said: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    from factory_tui.cli import main

    with pytest.raises(SystemExit) as left:
        main([*said])
    assert left.value.code == USAGE
    assert why in capsys.readouterr().err
