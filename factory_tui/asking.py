"""The commands that ask a running engine for one thing, and the inbox: what waits for a human.

Imports stay inside the functions, as in `cli`.
"""

import argparse
import asyncio
import sys
from functools import partial
from typing import TYPE_CHECKING

from factory_tui.following import FAILED, SHIPPED, look_at, order, outcome, typed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

    from factory_tui.config.workspace import Workspace
    from factory_tui.domain.commands import Command
    from factory_tui.domain.money import RunCap
    from factory_tui.domain.questions import TimeToHuman, Waits
    from factory_tui.domain.state import Escalation, Run, State

WHOLE = 2000
"""Characters of a question, or of why a run is held, that the inbox prints: its end is what helps."""


def ask(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Ask the workspace's engine for what the arguments name, and say what comes of it."""
    command, done = _command(workspace, arguments)
    against = asyncio.run(order(workspace, command))
    if against != "":
        return _refused(workspace, against)
    print(done)
    return SHIPPED


def several(workspace: "Workspace", said: argparse.Namespace) -> int:
    """Ask for the same thing about each of several questions, and say which could not be."""
    from factory_tui.domain import commands as c

    if said.name == "answer":
        choice = " ".join(said.choice).removeprefix("-")
        items, done = [one for one in said.escalation.split(",") if one] or [said.escalation], "is answered"
        commands: list[Command] = [c.Answer(one, choice, said.text) for one in items]
    else:
        at, items = _moment(said), said.items
        kind = c.Snooze if said.name == "snooze" else c.SetExpiry
        commands = [kind(one, at) for one in items]
        done = _put_off(said.name, at)
    code = SHIPPED
    for item, command in zip(items, commands, strict=True):
        against = asyncio.run(order(workspace, command))
        if against == "":
            print(f"{item} {done}")
        else:
            code = _refused(workspace, against and f"{f'{item}: ' * (len(items) > 1)}{against}")
    return code


def _moment(said: argparse.Namespace) -> int:
    """UTC ms of what was said of time; 0: no time at all."""
    import time

    from factory_tui.domain.moments import next_time

    now = time.time_ns() // 1_000_000
    if said.off:
        return 0
    return now + int(said.span) * 1000 if said.until is None else next_time(said.until, now)


def _put_off(name: str, at: int) -> str:
    import time

    from factory_tui.console.figures import ahead, moment

    if name == "snooze":
        return f"calls nobody until {moment(at)} UTC" if at else "calls again"
    return (
        f"is refused at {ahead(at, time.time_ns() // 1_000_000)} UTC, if nobody answers by then"
        if at
        else "does not expire"
    )


def _refused(workspace: "Workspace", against: str | None) -> int:
    """Why it was not done; None: nobody was there to do it."""
    print(against or f"no engine runs on this workspace. Remedy: {typed(workspace, 'engine start')}", file=sys.stderr)
    return FAILED


def fork(workspace: "Workspace", said: argparse.Namespace) -> int:
    """Begin a run with the output of a pass of another, and say which run it is."""
    import msgspec

    from factory_tui.console.plain import summary
    from factory_tui.domain import commands as c
    from factory_tui.domain.events import RunForked

    command = c.Fork(said.run, said.number, said.seed, said.model)
    led = asyncio.run(outcome(workspace, command, RunForked))
    if led is None or isinstance(led, str):
        return _refused(workspace, led)
    state, _ = asyncio.run(look_at(workspace))
    run = state.runs[led.run]
    if said.json:
        print(msgspec.json.encode(summary(state, [run])["runs"][0]).decode())
    else:
        print(f"{run.id} begins with {run.forked}: seed {run.seed} at {run.revision[:8]}, model {run.model}")
        print(f"See both: {typed(workspace, 'status')}")
    return SHIPPED


def undo(workspace: "Workspace", said: argparse.Namespace) -> int:
    """Take back the last command about a run, and say which that was."""
    from factory_tui.console.wording import undone
    from factory_tui.domain import commands as c
    from factory_tui.domain.events import CommandUndone

    led = asyncio.run(outcome(workspace, c.Undo(said.run), CommandUndone))
    if led is None or isinstance(led, str):
        return _refused(workspace, led)
    if isinstance(led.fact, CommandUndone):
        print(undone(led.actor, led.fact.command))
    return SHIPPED


def _command(workspace: "Workspace", said: argparse.Namespace) -> "tuple[Command, str]":
    from decimal import Decimal

    from factory_tui.domain import commands as c

    match said.name:
        case "pause":
            return c.Pause(said.run, said.now), f"{said.run} pauses {'now' if said.now else 'after its step'}"
        case "resume":
            return c.Resume(said.run), f"{said.run} goes on"
        case "release":
            return c.Release(said.run), f"{said.run} goes on, and no pass of it by now ships"
        case "stop":
            return c.Stop(said.run, said.reason), f"{said.run} stops for good; its passes stay"
        case "steer":
            return c.Steer(said.run, " ".join(said.text)), f"{said.run} is told before its next step"
        case "escalate":
            return c.Escalate(said.run, " ".join(said.text)), f"{said.run} parks, and its owner is asked"
        case "reseed":
            when = "begins anew with" if said.restart else "uses, from its next pass on,"
            return c.Reseed(said.run, said.restart), f"{said.run} {when} the newest revision of its seed"
        case "restart":
            origin = f"the output of pass {said.number}" if said.number else "nothing"
            return c.Restart(said.run, said.number), f"{said.run} begins anew from {origin}"
        case "cap":
            return _cap(said.run, Decimal(said.amount), said.of, said.origin)
        case "freeze":
            return c.EmergencyStop(), f"the floor is frozen; {typed(workspace, 'thaw')} lets it go on"
        case _:
            return c.Thaw(), "the floor goes on"


def _cap(who: str, amount: "Decimal", name: "RunCap", origin: str) -> "tuple[Command, str]":
    from factory_tui.domain import commands as c
    from factory_tui.domain.money import FLOOR_CAPS, of_cap

    if origin:
        return c.MoveBudget(who, origin, amount), f"{who} may spend ${amount:f} more, {origin} so much less"
    for floor in FLOOR_CAPS:
        if who == floor:
            return c.SetCap(floor, amount), f"{floor} is {of_cap(floor, amount)}"
    what = "" if name == "run_cap" else f" ({name})"
    return c.RaiseCap(who, amount, name), f"{who} may spend {of_cap(name, amount)}{what}"


def inbox(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Print what waits for a human: open questions with their evidence, and runs that are held."""
    import time

    import msgspec

    from factory_tui.console.waiting import answered
    from factory_tui.domain.questions import time_to_human
    from factory_tui.domain.state import OVER

    state, _ = asyncio.run(look_at(workspace))
    times = time_to_human(state, time.time_ns() // 1_000_000)
    asked = [one for one in state.escalations.values() if not one.answered_at and state.runs[one.run].state not in OVER]
    held = [run for run in state.runs.values() if run.state == "held"]
    if arguments.json:
        told = {
            "escalations": asked,
            "held": [
                {
                    "run": run.id,
                    "reason": run.reason,
                    "why": run.why,
                    "retry_at": run.retry_at,
                    "snoozed": run.snoozed,
                    "snoozed_by": run.snoozed_by,
                }
                for run in held
            ],
            "answered": [_done(item.asked) for item in answered(state, len(state.escalations)) if item.asked],
            "time_to_human": times,
            "median_seconds": times.ever.median,
        }
        print(msgspec.json.encode(told).decode())
        return SHIPPED
    said = [*(line for one in asked for line in _question(one, state, partial(typed, workspace)))]
    said += [line for run in held for line in _held(run, partial(typed, workspace))]
    for line in said or ["nothing waits for a human"]:
        print(line)
    if times.ever.answered:
        print(_times(times))
    return SHIPPED


def _done(one: "Escalation") -> "dict[str, object]":
    return {
        "id": one.id,
        "run": one.run,
        "kind": one.kind,
        "jam": one.jam,
        "to": one.to,
        "answer": one.answer,
        "text": one.text,
        "by": one.answered_by,
        "at": one.answered_at,
        "expired": one.expired,
        "seconds": one.took,
    }


def _times(times: "TimeToHuman") -> str:
    """`14 answered, half within 3m and nine of ten within 12m; in the last day 3, half within 2m; 1 expired`."""
    from factory_tui.console.figures import duration

    def within(waits: "Waits") -> str:
        if waits.median is None or waits.p90 is None:
            return ""
        return f", half within {duration(waits.median)} and nine of ten within {duration(waits.p90)}"

    day, lapsed = times.day, f"; {times.expired} expired" if times.expired else ""
    return f"{times.ever.answered} answered{within(times.ever)}; in the last day {day.answered}{within(day)}{lapsed}"


def _question(asked: "Escalation", state: "State", type_: "Callable[[str], str]") -> "Iterator[str]":
    from factory_tui.console.figures import stamp
    from factory_tui.console.plain import answering
    from factory_tui.domain.hostile import clean, one_line

    kind = f"{asked.kind} ({asked.jam})" if asked.jam else asked.kind
    since = f"since {stamp(asked.raised_at)}"
    yield one_line(f"{asked.id} {kind} of {asked.run}, seed {state.runs[asked.run].seed}, asks {asked.to} {since}")
    yield f"  {one_line(asked.question, WHOLE)}"
    if asked.passed:
        yield f"  passed on at {stamp(asked.passed_at)}: {one_line(', '.join(asked.passed))} did not answer in time"
    for line in _times_of(asked):
        yield f"  {line}"
    for line in clean(asked.evidence).splitlines():
        yield f"    {line}"
    if asked.choices:
        yield f"  Choices: {one_line(', '.join(asked.choices))}"
    yield f"  Remedy: {type_(answering(asked))}"


def _times_of(asked: "Escalation") -> "Iterator[str]":
    import time

    from factory_tui.console.figures import ahead, moment
    from factory_tui.domain.hostile import one_line
    from factory_tui.domain.questions import refusing

    if asked.snoozed:
        yield f"snoozed until {moment(asked.snoozed)} UTC by {one_line(asked.snoozed_by)}"
    if asked.expires_at:
        no = one_line(refusing(asked.kind, asked.choices))
        when = ahead(asked.expires_at, time.time_ns() // 1_000_000)
        yield f"expires at {when} UTC: policy then answers {no}"


def cap_command(run: "Run") -> str:
    """What to type, but for the amount, that raises the cap which holds a run."""
    from factory_tui.domain.money import FLOOR_CAPS, in_tokens

    name = run.held_by or "run_cap"
    unit = "TOKENS" if in_tokens(name) else "DOLLARS"
    if name in FLOOR_CAPS:
        return f"cap {name} {unit}"
    return f"cap {run.id} {unit}" + ("" if name == "run_cap" else f" --of {name}")


def _held(run: "Run", type_: "Callable[[str], str]") -> "Iterator[str]":
    from factory_tui.console.figures import moment, stamp
    from factory_tui.domain.hostile import one_line

    yield one_line(f"{run.id} is held ({run.reason}): {run.why}", WHOLE)
    if run.snoozed:
        yield f"  snoozed until {moment(run.snoozed)} UTC by {one_line(run.snoozed_by)}"
    if run.reason == "budget":
        yield f"  Remedy: {type_(cap_command(run))}"
    elif run.leaks:
        released = f"where it is harmless, and by an admin, {type_(f'release {run.id}')}"
        yield f"  Remedy: {type_(f'stop {run.id}')}; or, {released}"
    elif run.retry_at is not None:
        yield f"  It comes back by itself at {stamp(run.retry_at)} UTC"
    else:
        yield f"  Remedy: mend that, then {type_(f'resume {run.id}')}"
