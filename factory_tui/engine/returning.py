"""What comes by itself, by the clock: held runs are tried again, questions that nobody answers go to the next person,
what was snoozed calls again, what expires is refused.

Owns the moments. It does not start a run, nor know why one was held.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from factory_tui.domain.events import Draft, RunMoved
from factory_tui.domain.state import Escalation, Run
from factory_tui.engine import triage
from factory_tui.engine.deadlines import deadline, passed_on
from factory_tui.engine.record import Record
from factory_tui.engine.workplace import Workplace
from factory_tui.journal import JournalFull

LOOK = 60.0
"""Seconds after which a held run's time is looked at again: wall clocks are set, and machines sleep."""
ENGINE_TROUBLE = 3_000
"""Milliseconds after which runs that are held since no container engine answers look for one again."""
DISK_TROUBLE = 5_000
"""Milliseconds after which runs that are held for a full disk look for room again."""


class Returning:
    """For the runs of one factory."""

    def __init__(
        self,
        record: Record,
        place: Workplace,
        deciding: asyncio.Lock,
        refuse: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._record = record
        self._place = place
        self._deciding = deciding
        """Held while commands are judged: what is due is found in a state that has each of them."""
        self._refuse = refuse
        """Answers a question by a choice, in the name of policy; it may raise JournalFull."""
        self._holds: dict[str, tuple[tuple[int, int], float]] = {}
        """Of each hold of a run (by when it began and ends) the monotonic moment at which the run is tried again."""
        self._asked: dict[str, tuple[int, float]] = {}
        """Of each question since when it waits for whom it is for, and the monotonic moment at which that was seen."""
        self._room_at = self._cells_at = 0.0

    def wait(self) -> float | None:
        """Seconds until something is due; None: nothing is."""
        state, settings = self._record.state, self._place.settings
        due = [moment for run in state.runs.values() if (moment := self._due(run)) is not None]
        passing = deadline(state, list(settings.owners), settings.policy.answer_within, self._now)
        others = (passing, triage.left(state, self._place.now(), self._now))
        due += [max(time.monotonic() + left / 1000, self._room_at) for left in others if left is not None]
        return min(LOOK, max(0.0, min(due) - time.monotonic())) if due and not state.frozen else None

    async def take(self) -> None:
        """Let come what is due."""
        await self._try_again()
        async with self._deciding:
            await self._attend()

    async def _attend(self) -> None:
        """Refuse what expires, give what nobody answered in time to the next person, and wake what was snoozed."""
        settings = self._place.settings
        if self._record.state.frozen:  # by a command that was quicker
            return
        try:
            for escalation, choice in triage.expired(self._record.state, self._now):
                await self._refuse(escalation, choice)
            late = passed_on(self._record.state, list(settings.owners), settings.policy.answer_within, self._now)
            await self._record.append([*late, *triage.awake(self._record.state, self._place.now())])
        except JournalFull:
            self._room_at = time.monotonic() + DISK_TROUBLE / 1000

    def _now(self, asked: Escalation) -> int:
        """What the wall clock says, or when the question is as old as it was seen to be, whichever is later."""
        if self._asked.get(asked.id, (None,))[0] != asked.since:
            self._asked[asked.id] = asked.since, time.monotonic()
        age = time.monotonic() - self._asked[asked.id][1]
        return max(self._place.now(), asked.since + round(age * 1000))

    def _due(self, run: Run) -> float | None:
        """The monotonic moment to try a held run again; None for one that does not come back by itself.

        It has come when the wall clock says so, or when the hold is as old as it was meant to be, whichever is first.
        """
        if run.state != "held" or not run.retry_at:
            self._holds.pop(run.id, None)
            return None
        hold = (run.moved_at, run.retry_at)
        left = run.retry_at - self._place.now()
        if self._holds.get(run.id, (None,))[0] != hold:
            meant = min(left, run.retry_at - run.moved_at)
            self._holds[run.id] = hold, time.monotonic() + max(0, meant) / 1000
        waits = {"disk": self._room_at, "config": self._cells_at}  # of `config` only what lacks a cell comes back
        return max(self._holds[run.id][1] if left > 0 else 0.0, waits.get(run.reason or "", 0.0))

    async def _try_again(self) -> None:
        now = time.monotonic()
        back = [run for run in self._record.state.runs.values() if (due := self._due(run)) is not None and due <= now]
        if any(run.reason == "config" for run in back) and not await self._place.cells.answers():
            self._cells_at = now + ENGINE_TROUBLE / 1000
            back = [run for run in back if run.reason != "config"]
        try:
            if any(run.reason == "disk" for run in back) and not await self._room():
                raise JournalFull(self._place.workspace.state)
            await self._record.append([Draft(RunMoved("queued", None, "tries again"), run.id) for run in back])
        except JournalFull:
            self._room_at = now + DISK_TROUBLE / 1000

    async def _room(self) -> bool:
        """Whether the journal has its reserve again, and something is left beside it."""
        return await self._record.journal.refill() and self._place.room()
