"""What taking back a command leads to, or why it stands: each undoes their own last command about a run.

Pure. A command can be taken back while nothing has come of it that stays; what can be done in its place is told.
"""

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal

from factory_tui.domain import commands as c
from factory_tui.domain.events import (
    CommandUndone,
    Draft,
    EscalationAnswered,
    ExpirySet,
    RunMoved,
    RunReseeded,
    Snoozed,
)
from factory_tui.domain.money import RunCap, in_tokens, of_cap
from factory_tui.domain.run_reducer import unheard
from factory_tui.domain.state import GOES_ON, OVER, Run, State, Taken
from factory_tui.engine.capping import Judged

MOVES = (c.Pause, c.Resume, c.Release, c.Escalate, c.Restart, c.Stop, c.Answer)
"""Commands by which a run stands still or goes on."""


def undo(run: Run, actor: str, worked_on: Collection[str], now: int) -> Judged:
    """The last command of this actor about the run is taken back, or stands. `now`: UTC ms."""
    mine = [one for one in run.taken if one.by == actor]
    if not mine:
        return f"{actor} has given {run.id} no command that could be taken back"
    last = mine[-1]
    if why := _stands(run, last, now):
        return why
    facts = [Draft(CommandUndone(last.id, last.command), run.id, actor)]
    match last.command:
        case c.Resume() if run.id not in worked_on:
            facts.append(Draft(RunMoved("paused", None, f"paused by {actor}"), run.id, actor))
        case c.Reseed():
            facts.append(Draft(RunReseeded(last.reseed or run.revision), run.id, actor))
        case c.Snooze(item=item):
            facts.append(Draft(Snoozed(item, last.before), run.id, actor))
        case c.SetExpiry(escalation=asked):
            facts.append(Draft(ExpirySet(asked, last.before), run.id, actor))
    return [*facts, *after(run, actor, facts)]


def after(run: Run, actor: str, facts: Iterable[Draft]) -> list[Draft]:
    """What follows for a run that has come to rest by what these facts take back."""
    goes_on = Draft(RunMoved("queued", None, f"{actor} took back what stopped it"), run.id, actor)
    for command in _undone(facts):
        if isinstance(command, c.Pause) and run.state == "paused":
            return [goes_on]
        if isinstance(command, c.Escalate) and run.state == "jammed" and run.escalation:
            return [Draft(EscalationAnswered(run.escalation, "taken back", ""), run.id, actor), goes_on]
    return []


def lending(command: c.Command, state: State, facts: Iterable[Draft]) -> tuple[str, Decimal, RunCap] | None:
    """What a command with these facts takes from a cap: of which run, how much, which cap."""
    if isinstance(command, c.MoveBudget):
        return command.origin, command.amount, "run_cap"
    for raised in _undone(facts):
        if isinstance(raised, c.RaiseCap):
            run = state.runs[raised.run]
            before = next(one.cap for one in run.taken if one.command == raised)
            return run.id, raised.cap - (before or Decimal(0)), raised.name
    return None


def _undone(facts: Iterable[Draft]) -> Iterator[c.Command]:
    return (draft.fact.command for draft in facts if isinstance(draft.fact, CommandUndone))


def instead(run: Run) -> str:
    """What can be done with a run that does not go on."""
    made = [item.number for item in run.passes if item.commit]
    return f"fork it: factory-tui fork {run.id} --pass {made[-1]}" if made else "start a new run"


def _stands(run: Run, last: Taken, now: int) -> str:
    """Why it cannot be taken back; empty when it can."""
    what = str(type(last.command).__struct_config__.tag).replace("-", " ")
    fork = instead(run)
    if run.state in OVER or isinstance(last.command, c.Stop):
        return f"{run.id} is {run.state if run.state in OVER else 'stopping'}: it does not go on. Remedy: {fork}"
    since = [one for one in run.taken[run.taken.index(last) + 1 :] if isinstance(one.command, MOVES)]
    if since and isinstance(last.command, MOVES):
        tag = str(type(since[-1].command).__struct_config__.tag)
        return f"{since[-1].by} has said {tag} to {run.id} since. Remedy: say what it is to do now"
    match last.command:
        case c.Answer(escalation=asked):
            return f"{asked} is answered, and what was said stands. Remedy: pause {run.id}, or steer it"
        case c.Snooze(item=item) if item != run.escalation and (item, run.state) != (run.id, "held"):
            return f"{item} waits for nobody any more"
        case c.SetExpiry(escalation=asked) if asked != run.escalation:
            return f"{asked} is answered"
        case c.SetExpiry(escalation=asked) if 0 < last.before <= now:
            return (
                f"{asked} was to be refused before now, and would be at once. Remedy: factory-tui expire {asked} --off"
            )
        case c.Release():
            return f"what was found may have reached the agent of {run.id} by now. Remedy: stop it, and start a new run"
        case c.Restart() | c.Reseed(restart=True):
            made = [item.number for item in run.passes if item.commit]
            again = f"restart it from pass {made[-1]}, or {fork}" if made else "stop it, and start a new run"
            return f"{run.id} has begun anew, and its conversation of before is over. Remedy: {again}"
        case c.MoveBudget(origin=origin, amount=amount):
            return f"the money is moved. Remedy: move it back: factory-tui cap {origin} {amount:f} --from {run.id}"
        case c.SetFault(twin=twin):
            return f"the twin {twin} has done so by now. Remedy: factory-tui twins fault {run.id} {twin} none"
        case c.Fork():
            return f"a fork of {run.id} is a run of its own. Remedy: stop that one"
        case c.Steer() if unheard(run, last) is None:
            return f"the agent of {run.id} has heard it. Remedy: steer it again"
        case c.RaiseCap():
            return _spent(run, last, last.command)
        case c.Reseed() if not run.reseed or (run.current is not None and run.current.began_at > last.at):
            return f"{run.id} uses revision {run.revision} by now. Remedy: restart it, or change the seed back"
        case c.Pause() if run.state != "paused" and not isinstance(run.asked, c.Pause):
            return f"{run.id} is {run.state}: its {what} is over"
        case c.Escalate() if not isinstance(run.asked, c.Escalate):
            return f"{run.id} has asked. Remedy: answer {run.escalation or 'it'}"
        case c.Resume() if run.state not in GOES_ON:
            return f"{run.id} is {run.state} by now: there is nothing to pause"
    return ""


def _spent(run: Run, last: Taken, command: c.RaiseCap) -> str:
    name, before = command.name, last.cap
    if before is None or run.caps.get(name) != command.cap:
        return f"the cap of {run.id} was changed since: set it anew, to more than now"
    spent = run.spent(name) + (0 if in_tokens(name) else run.burn.reserved)
    if spent <= before:
        return ""
    return (
        f"{run.id} has spent or reserved {of_cap(name, spent)} by now, and its cap was {of_cap(name, before)}: it stays"
    )
