"""What waits for a human: open escalations and held runs. Pure: read off the state, kept nowhere."""

from collections.abc import Iterator
from heapq import nlargest

import msgspec

from factory_tui.domain.state import OVER, Escalation, Run, State

LATE = 100
"""Answered questions that the inbox lists."""


class Item(msgspec.Struct, frozen=True):
    """A line of the inbox."""

    id: str
    """Of the escalation; a held run's own name."""
    run: Run
    since: int
    """UTC ms: since when it is as it is now, with the person who is asked now."""
    asked: Escalation | None = None
    """None: the run is held."""

    @property
    def answered(self) -> bool:
        """Whether somebody answered it."""
        return self.asked is not None and bool(self.asked.answered_at)

    @property
    def snoozed(self) -> int:
        """UTC ms until which it calls nobody; 0: it does."""
        return (self.asked or self.run).snoozed

    @property
    def needs_human(self) -> bool:
        """Whether somebody is called, without whom it does not go on: some held runs come back by themselves."""
        return not self.answered and not self.snoozed and (self.asked is not None or self.run.retry_at is None)


def waiting(state: State) -> list[Item]:
    """What is open, oldest first, what is snoozed last. A question whose run has ended is none any more."""
    return sorted(
        _open(state),
        key=lambda item: (
            item.snoozed > 0,
            item.asked.raised_at if item.asked else item.since,
            len(item.id),  # E-9 before E-10
            item.id,
        ),
    )


def answered(state: State, most: int = LATE) -> list[Item]:
    """What was answered, newest first."""
    found = (asked for asked in state.escalations.values() if asked.answered_at and asked.run in state.runs)
    newest = nlargest(most, found, key=lambda asked: asked.answered_at)
    return [Item(asked.id, state.runs[asked.run], asked.answered_at, asked) for asked in newest]


def need_human(state: State) -> int:
    """How many wait for somebody."""
    return sum(item.needs_human for item in _open(state))


def _open(state: State) -> Iterator[Item]:
    for asked in state.escalations.values():
        run = state.runs.get(asked.run)
        if run is not None and not asked.answered_at and run.state not in OVER:
            yield Item(asked.id, run, asked.since, asked)
    for run in state.runs.values():
        if run.state == "held":
            yield Item(run.id, run, run.moved_at)
