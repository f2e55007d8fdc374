"""What a key of the inbox comes to for the lines that it is about: commands, and what cannot take them. Pure.

One command a line, whatever it is about: who answered what is a fact of each.
"""

from collections.abc import Callable, Iterable

import msgspec

from factory_tui.console.waiting import Item
from factory_tui.domain import commands as c
from factory_tui.domain.questions import CONFIRM, STOP, refusing
from factory_tui.domain.state import State

MOST = 5
"""Choices that a digit can name."""


class Plan(msgspec.Struct, frozen=True):
    """What would be sent, line by line, and why the others are left."""

    taken: tuple[tuple[Item, c.Command, str], ...] = ()
    """With what it comes to, in a few words."""
    left: tuple[tuple[Item, str], ...] = ()
    """With why."""

    @property
    def commands(self) -> list[c.Command]:
        """Of those that take it."""
        return [command for _, command, _ in self.taken]

    @property
    def ends(self) -> list[str]:
        """The runs that end by it."""
        answers = ((item, one) for item, one, _ in self.taken if isinstance(one, c.Answer))
        return [item.run.id for item, one in answers if one.choice == STOP]

    def asks(self, read: str) -> bool:
        """Whether it wants a yes: it ends a run, or answers several at once, or another line than the one that is read.

        What puts off can be taken back.
        """
        final = not all(isinstance(one, c.Snooze | c.SetExpiry) for one in self.commands)
        others = [item.id for item, _, _ in self.taken] != [read] or self.left
        return bool(self.ends or (final and others))


Deed = Callable[[Item], tuple[c.Command, str] | str]
"""The command for a line with what it comes to, or why there is none."""


def plan(items: Iterable[Item], deed: Deed) -> Plan:
    """The same thing for each of them."""
    taken, left = [], []
    for item in items:
        found = "it is answered" if item.answered else deed(item)
        if isinstance(found, str):
            left.append((item, found))
        else:
            taken.append((item, *found))
    return Plan(tuple(taken), tuple(left))


def choosing(choice: str) -> Deed:
    """Answer by that choice, whatever its place among the others is."""

    def deed(item: Item) -> tuple[c.Command, str] | str:
        if item.asked is None:
            return "it is held, and offers nothing"
        wanted = next((one for one in item.asked.choices if one.lower() == choice.lower()), None)
        return (c.Answer(item.id, wanted), wanted) if wanted is not None else "it does not offer that"

    return deed


def refuse(item: Item) -> tuple[c.Command, str] | str:
    """Answer by the choice that refuses."""
    no = refusal(item)
    return (c.Answer(item.id, no), no) if no else "it has no choice that refuses"


def always(item: Item) -> tuple[c.Command, str] | str:
    """Say yes to what is asked here and from now on: the scenarios judge this revision of the seed."""
    if not reviews(item):
        return "a yes to it counts once"
    return c.ConfirmCorpus(item.run.seed), f"the scenarios of {item.run.seed} judge it as it is now"


def until(at: int, said: str) -> Deed:
    """Put it off; at 0 it calls again."""

    def deed(item: Item) -> tuple[c.Command, str] | str:
        if not at and not item.snoozed:
            return "it is not snoozed"
        return c.Snooze(item.id, at), said

    return deed


def expiring(at: int, said: str) -> Deed:
    """Have policy refuse it then; at 0 never."""

    def deed(item: Item) -> tuple[c.Command, str] | str:
        no = refusal(item)
        if not no:
            return "it has no choice that refuses, and stays open"
        return c.SetExpiry(item.id, at), f"{no}, {said}" if at else said

    return deed


def back(told: Iterable[tuple[Item, c.Command]], state: State, actor: str) -> list[c.Command]:
    """What takes these back, as far as that goes: an answer stands, but its run can stand still.

    Not where somebody else was quicker to answer: nothing was done then.
    """
    found: list[c.Command] = []
    for item, command in told:
        if isinstance(command, c.Snooze | c.SetExpiry):
            found.append(c.Undo(item.run.id))
        elif isinstance(command, c.Answer) and command.choice != STOP:
            asked = state.escalations.get(command.escalation)
            if asked and asked.answered_by not in ("", actor):
                continue
            found.append(c.Pause(item.run.id))
    return found


def refusal(item: Item) -> str:
    """The choice of an open question that refuses; empty: there is none."""
    return refusing(item.asked.kind, item.asked.choices) if item.asked and not item.answered else ""


def reviews(item: Item) -> bool:
    """Whether it asks if the scenarios judge what is wanted: a yes to that is one for every run of the seed."""
    open_ = item.asked if not item.answered else None
    return open_ is not None and item.run.handler == "ship" and CONFIRM in open_.choices


def choices(item: Item | None) -> tuple[str, ...]:
    """What the digits stand for."""
    return item.asked.choices[:MOST] if item and item.asked and not item.answered else ()
