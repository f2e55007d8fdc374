"""Why a run's work stops short of its end: raised out of the walk, written to the journal by the factory.

A parked run has no task, no slot and no clock; it goes on by walking again from its state, as after a restart.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from factory_tui.domain.events import AnyFact, HeldReason, JamClass, RunMoved, RunState
from factory_tui.domain.money import CapName


class Question(msgspec.Struct, frozen=True):
    """What a human is asked when a run parks."""

    kind: Literal["jam", "signoff"]
    text: str
    choices: tuple[str, ...] = ()
    evidence: str = ""
    jam: JamClass | None = None


class Parked(Exception):  # noqa: N818
    """The run cannot go on now: paused, held, jammed or waiting for sign-off."""

    def __init__(
        self,
        state: RunState,
        why: str,
        *,
        reason: HeldReason | None = None,
        retry_at: int | None = None,
        cap: CapName | None = None,
        question: Question | None = None,
        facts: Sequence[AnyFact] = (),
    ) -> None:
        super().__init__(why)
        self.moved = RunMoved(state, reason, why, retry_at, cap)
        self.question = question
        self.facts = tuple(facts)
        """What is told with it, before it."""


class Ended(Exception):  # noqa: N818
    """The walk reached the loop's end: shipped, or failed with a reason."""

    def __init__(self, state: Literal["shipped", "failed"], why: str) -> None:
        super().__init__(why)
        self.moved = RunMoved(state, None, why)
