"""What can be read off questions to people: whose they are, which choice refuses, how long they waited. Pure."""

import math
import re
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Literal

import msgspec

from factory_tui.domain import commands as c
from factory_tui.domain.money import DAY
from factory_tui.domain.state import State

GO_ON = "go on"
"""The choice of a jam that gives its run at least one more pass; where it is offered, words do so too."""
STOP = "stop"
"""The choice that ends a run."""
CONFIRM = "confirm"
"""The choice by which somebody says that the scenarios judge what is wanted now."""
_LABEL = re.compile(
    r"(?:\[[^\]]*\]\s*|\w\)\s*|\w\s+-\s+)?"  # what selects it: `[N] no`, `N) no`, `N - no`
    r"(?:(?:no|stop|cancel|abort)\s*(?:$|[,.:;!(\u2013\u2014]|-\s)"  # `no, mend it`, but not `no objection`
    r"|(?:reject|refuse|deny|decline|disapprove)\b)",
    re.IGNORECASE,
)


def refusing(kind: Literal["jam", "signoff"], choices: Sequence[str]) -> str:
    """The choice of a sign-off that refuses it; empty: there is none, or more than one.

    A jam has none: it is an offer, and nothing that a run could be denied.
    """
    if kind == "jam":
        return ""
    found = [one for one in choices if _LABEL.match(one.strip())]
    return found[0] if len(found) == 1 else ""


def about(state: State, command: c.Command) -> str:
    """The run that a command is about, of a question the one that asks; empty: none."""
    if not isinstance(command, c.Answer | c.SetExpiry | c.Snooze):
        return getattr(command, "run", "")
    name = command.item if isinstance(command, c.Snooze) else command.escalation
    asked = state.escalations.get(name)
    return asked.run if asked else name if name in state.runs else ""


class Waits(msgspec.Struct, frozen=True):
    """How long people took to answer, in seconds; None while they answered nothing."""

    answered: int = 0
    median: float | None = None
    p90: float | None = None
    """Nine of ten took no longer."""


class TimeToHuman(msgspec.Struct, frozen=True):
    """From a question to its answer by a person: those that expired are counted apart."""

    ever: Waits
    day: Waits
    """What was answered in the 24 hours before."""
    owners: dict[str, Waits]
    """By whose it was when it was answered, ever."""
    expired: int
    """Refused by policy, ever."""


def time_to_human(state: State, now: int) -> TimeToHuman:
    """At `now`, UTC ms."""
    asked = [one for one in state.escalations.values() if one.answered_at]
    done = [one for one in asked if not one.expired]
    owners: dict[str, list[float]] = {}
    for one in done:
        owners.setdefault(one.to, []).append(one.took)
    return TimeToHuman(
        ever=_waits(one.took for one in done),
        day=_waits(one.took for one in done if one.answered_at > now - DAY),
        owners={name: _waits(took) for name, took in sorted(owners.items())},
        expired=len(asked) - len(done),
    )


def _waits(seconds: Iterable[float]) -> Waits:
    took = sorted(seconds)
    if not took:
        return Waits()
    return Waits(len(took), median(took), took[math.ceil(0.9 * len(took)) - 1])
