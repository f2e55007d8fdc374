"""Questions that are put off, and those that expire: what a command about them leads to, and what the clock does. Pure.

Both are facts with a time of their own, so that a restart and a changed config.toml change nothing. A snooze calls
nobody; whose a question is next, and when policy refuses it, goes on meanwhile. What has no choice that refuses stays
open: policy denies, it ends nothing.
"""

from collections.abc import Callable, Iterator

from factory_tui.domain import commands as c
from factory_tui.domain.events import Draft, ExpirySet, Snoozed
from factory_tui.domain.moments import LONGEST
from factory_tui.domain.money import DAY
from factory_tui.domain.questions import refusing
from factory_tui.domain.state import OVER, Escalation, Run, State
from factory_tui.engine.capping import Judged

POLICY = "policy"
"""Who answers what nobody answered."""


def triage(state: State, actor: str, command: c.Snooze | c.SetExpiry, now: int) -> Judged:
    """What the command leads to, or why it is refused."""
    name, at = (command.item, command.until) if isinstance(command, c.Snooze) else (command.escalation, command.at)
    asked, run = state.escalations.get(name), state.runs.get(name)
    if asked is not None:
        run = state.runs[asked.run]
        if asked.answered_at:
            return f"{asked.id} was answered by {asked.answered_by}"
    if run is None or (asked is None and isinstance(command, c.SetExpiry)):
        waiting = ", ".join([one.id for one in _open(state)] + [one.id for one in state.runs.values() if _held(one)])
        return f"there is no {name} that waits for somebody; open: {waiting or 'none'}"
    if run.state in OVER:
        return f"{run.id} is {run.state}: it has ended{f', and {name} with it' if asked else ''}"
    if asked is None and not _held(run):
        return f"{run.id} is {run.state}, not held: it calls nobody"
    if at and at <= now:
        return "that time is over. Remedy: name one to come"
    if isinstance(command, c.Snooze):
        if at > now + DAY:
            return "a day is as long as anything is put off. Remedy: name a time within 24 hours"
        if not at and not (asked or run).snoozed:
            return f"{name} is not snoozed"
        return [Draft(Snoozed(name, at), run.id, actor)]
    if at > now + LONGEST * 1000:
        return "that is too far off. Remedy: name a time within a year"
    if at and asked is not None and not refusing(asked.kind, asked.choices):
        return f"{name} has no choice that refuses, and stays open. Remedy: answer it, or snooze it"
    return [Draft(ExpirySet(name, at), run.id, actor)]


def awake(state: State, now: int) -> list[Draft]:
    """What is not snoozed any more."""
    return [Draft(Snoozed(name, 0), run) for name, run, until in _snoozed(state) if until <= now]


def expired(state: State, now: Callable[[Escalation], int]) -> list[tuple[str, str]]:
    """The questions that policy refuses now, each with the choice."""
    return [(asked.id, no) for asked, no in _expiring(state) if asked.expires_at <= now(asked)]


def left(state: State, now: int, now_of: Callable[[Escalation], int]) -> int | None:
    """Milliseconds until the next of them wakes or expires; None: none does."""
    waking = [until - now for _, _, until in _snoozed(state)]
    return min([*waking, *(asked.expires_at - now_of(asked) for asked, _ in _expiring(state))], default=None)


def _snoozed(state: State) -> Iterator[tuple[str, str, int]]:
    for asked in _open(state):
        if asked.snoozed:
            yield asked.id, asked.run, asked.snoozed
    for run in state.runs.values():
        if run.snoozed and _held(run):
            yield run.id, run.id, run.snoozed


def _expiring(state: State) -> Iterator[tuple[Escalation, str]]:
    for asked in _open(state):
        if asked.expires_at and (no := refusing(asked.kind, asked.choices)):
            yield asked, no


def _held(run: Run) -> bool:
    return run.state == "held"


def _open(state: State) -> Iterator[Escalation]:
    return (
        asked
        for asked in state.escalations.values()
        if not asked.answered_at and state.runs[asked.run].state not in OVER
    )
