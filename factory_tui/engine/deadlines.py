"""Questions that nobody answers in time: whose they are next, and when. Pure.

It goes by the state and the settings of now, so that a restart and a changed config.toml change nothing else.
"""

from collections.abc import Callable, Iterator, Sequence

from factory_tui.domain.events import Draft, EscalationPassedOn
from factory_tui.domain.state import OVER, Escalation, State

MINUTE = 60_000
"""Milliseconds."""
Now = Callable[[Escalation], int]
"""UTC ms as far as that question goes: a wall clock that was set back makes no question younger."""


def deadline(state: State, owners: Sequence[str], minutes: float, now: Now) -> int | None:
    """Milliseconds until the next question is due to go to somebody else; None: none is."""
    return min((due - now(asked) for asked, _, due in _waiting(state, owners, minutes)), default=None)


def passed_on(state: State, owners: Sequence[str], minutes: float, now: Now) -> list[Draft]:
    """The questions that go to the next of the owners now, each once: that one has as long again."""
    late = [(asked, to) for asked, to, due in _waiting(state, owners, minutes) if due <= now(asked)]
    return [Draft(EscalationPassedOn(asked.id, to), asked.run) for asked, to in late]


def _waiting(state: State, owners: Sequence[str], minutes: float) -> Iterator[tuple[Escalation, str, int]]:
    """Open questions that somebody else is left for: who, and when it is theirs."""
    if not minutes:
        return
    for asked in state.escalations.values():
        if asked.answered_at or state.runs[asked.run].state in OVER:
            continue
        left = [name for name in owners if name != asked.to and name not in asked.passed]
        if left:
            yield asked, left[0], asked.since + round(minutes * MINUTE)
