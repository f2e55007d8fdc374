"""When a call may be sent: one pace for all runs that share an endpoint and a key.

Owns the order in which waiting runs are served, requests and tokens of the last minute, and what an endpoint in trouble
means for everybody. Pure of I/O: clock, sleep and chance are given. It does not know what a call is.

While the endpoint says "wait", or cannot be reached, nobody sends. Then one call goes first, the probe; once the
endpoint takes it, the others follow one after the other. When a call is given up, whoever waits is told until when.
"""

import asyncio
from bisect import insort
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from factory_tui.domain.scribe import Sleep

T = TypeVar("T")
WINDOW = 60.0
"""Seconds over which requests and tokens are counted."""
SPREAD = 0.5
"""Seconds between those who come back after trouble, more or less."""
_SOON = 1.0
"""Seconds that are waited for even where everybody was told to come back later."""


class Closed(Exception):  # noqa: N818
    """Nobody is to send for a while, and a run shall not stand by until then."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(why)
        self.why = why
        self.seconds = seconds


@dataclass(frozen=True)
class Limits:
    """Requests and tokens a minute; 0: no limit."""

    requests: int = 0
    tokens: int = 0


@dataclass(eq=False)
class _Sent:
    """A call of the last minute, with the tokens it may take or took; or one that is to go at a moment to come."""

    at: float
    tokens: int
    limits: Limits


@dataclass(eq=False)
class _Waiter:
    run: str
    tokens: int
    limits: Limits
    look: asyncio.Event = field(default_factory=asyncio.Event)


class Turn:
    """A call that may be sent. It says how the endpoint took it; one that says nothing was of no news."""

    def __init__(self, pace: "Pace", sent: _Sent, *, probe: bool, returning: bool) -> None:
        self._pace = pace
        self._sent = sent
        self._probe = probe
        self._returning = returning

    @property
    def last(self) -> bool:
        """Whether the call looks if an endpoint that was given up is back, and found no sign of it yet."""
        return self._returning

    async def once(self, room: Awaitable[T], back: Callable[[T], None]) -> T:
        """What the call still has to have: it counts from when it goes, and not at all where it does not.

        Where that took its time the minute may be full by then, or the endpoint say "wait". `back` gives back what was
        had in vain. Raises Closed.
        """
        try:
            had = await room
        except BaseException:
            self._pace.forget(self._sent)
            raise
        try:
            await self._pace.go(self._sent, probe=self._probe)
        except BaseException:
            self._pace.forget(self._sent)
            back(had)
            raise
        return had

    def taken(self) -> None:
        """The endpoint took the call."""
        self._returning = False
        self._pace.well(probe=self._probe)

    def used(self, tokens: int) -> None:
        """What the call took of the minute's tokens."""
        self._sent.tokens = tokens
        self._pace.look()

    def refused(self, seconds: float, why: str, *, everybody: bool, given_up: bool) -> None:
        """The call failed and is worth another try after so long; `everybody`: any other would have failed too."""
        self._pace.trouble(seconds, why, everybody=everybody, given_up=given_up)


class Pace:
    """The pace of one endpoint and key."""

    def __init__(self, *, clock: Callable[[], float], sleep: Sleep, chance: Callable[[], float]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._waiting: list[_Waiter] = []
        self._served: dict[str, int] = {}
        self._turns = 0
        self._minute: deque[_Sent] = deque()
        self._not_before = 0.0
        self._why = ""
        self._failed = 0
        """Calls in a row that failed, as far as it may be the endpoint's trouble."""
        self._closed = self._given_up = self._probing = False
        self._returning = 0
        """Those who are still to come back one after the other."""

    @asynccontextmanager
    async def turn(self, run: str, tokens: int, limits: Limits) -> AsyncIterator[Turn]:
        """Wait until the run may send a call that takes at most so many tokens. Raises Closed."""
        waiter = _Waiter(run, tokens, limits)
        self._waiting.append(waiter)
        try:
            await self._wait(waiter)
        finally:
            self._waiting.remove(waiter)
            self.look()
        probe, sent = self._grant(waiter)
        try:
            yield Turn(self, sent, probe=probe, returning=probe and self._given_up)
        finally:
            if probe:
                self._probing = False
            self.look()

    async def go(self, sent: _Sent, *, probe: bool) -> None:
        """Wait until a call may go that had its turn some time ago.

        By the clock alone, for who waits for a turn may need what it holds: it has its place in a minute to come.
        """
        self._place(sent)
        while True:
            now = self._clock()
            closed = max(0.0, self._not_before - now) if self._closed and not probe else 0.0
            if self._given_up and closed > _SOON:
                raise Closed(self._why, closed)
            if closed:
                self._place(sent, closed)
            elif sent.at <= now:
                break
            await self._sleep(sent.at - now)
        self.forget(sent)
        self._put(sent, now)
        if self._closed and not probe:
            self._space()

    def _place(self, sent: _Sent, seconds: float = 0.0) -> None:
        """Where the minute has room for it, in so many seconds at the earliest."""
        self.forget(sent)
        now = self._clock()
        self._put(sent, now + max(seconds, self._room_in(sent.tokens, sent.limits, now)))

    def _put(self, sent: _Sent, at: float) -> None:
        sent.at = at
        insort(self._minute, sent, key=lambda one: one.at)
        self.look()

    def forget(self, sent: _Sent) -> None:
        """A call does not go, or not yet."""
        if self._minute and self._minute[-1] is sent:
            self._minute.pop()
        elif sent in self._minute:
            self._minute.remove(sent)
        self.look()

    def well(self, *, probe: bool) -> None:
        """A call was taken. One that was sent before the trouble began proves nothing about its end."""
        self._failed = 0
        if probe and self._closed:
            self._closed = self._given_up = False
            self._returning = len(self._waiting)
            self._space()
        self.look()

    def trouble(self, seconds: float, why: str, *, everybody: bool, given_up: bool) -> None:
        """A call failed. Alone that is its own trouble; with the one before it, or by what was said, everybody's."""
        self._failed += 1
        if not everybody and self._failed == 1:
            return
        self._closed = True
        self._returning = 0
        self._given_up = self._given_up or given_up
        self._why = why
        self._not_before = max(self._not_before, self._clock() + seconds)
        self.look()

    def try_now(self) -> None:
        """Somebody says that the endpoint is back: the next call is the probe, at once."""
        if self._closed:
            self._not_before = self._clock()
            self.look()

    def look(self) -> None:
        """Something changed: who waits looks again."""
        for waiter in self._waiting:
            waiter.look.set()

    async def _wait(self, waiter: _Waiter) -> None:
        while True:
            waiter.look.clear()
            left = self._not_before - self._clock()
            if self._given_up and left > _SOON:
                raise Closed(self._why, left)
            if self._next() is waiter:
                seconds = self._seconds(waiter)
                if seconds == 0:
                    return
                await self._until(waiter.look, seconds)
            else:
                await waiter.look.wait()

    async def _until(self, look: asyncio.Event, seconds: float | None) -> None:
        """Until something changed, or so long at most."""
        if seconds is None:
            await look.wait()
            return
        either = {asyncio.ensure_future(self._sleep(seconds)), asyncio.create_task(look.wait())}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in either:
                task.cancel()

    def _next(self) -> _Waiter:
        """Of the runs that wait the one that was served longest ago, and its oldest call."""
        return min(self._waiting, key=lambda waiter: self._served.get(waiter.run, 0))

    def _seconds(self, waiter: _Waiter) -> float | None:
        """How long the next in turn has to wait still; None: until something changes."""
        if self._closed and self._probing:
            return None
        now = self._clock()
        return max(0.0, self._not_before - now, self._room_in(waiter.tokens, waiter.limits, now))

    def _room_in(self, wanted: int, limits: Limits, now: float) -> float:
        """Seconds until the minute has room for so many tokens; more than any minute has go in an empty one."""
        while self._minute and self._minute[0].at + WINDOW <= now:
            self._minute.popleft()
        left = list(self._minute) if limits.requests or limits.tokens else []
        tokens = sum(sent.tokens for sent in left)
        gone = 0
        while gone < len(left) and (
            (limits.requests and len(left) - gone >= limits.requests)
            or (limits.tokens and tokens + wanted > limits.tokens)
        ):
            tokens -= left[gone].tokens
            gone += 1
        return left[gone - 1].at + WINDOW - now if gone else 0.0

    def _grant(self, waiter: _Waiter) -> tuple[bool, _Sent]:
        self._turns += 1
        waiting = {other.run for other in self._waiting}
        if len(self._served) > 2 * len(waiting) + 64:
            self._served = {run: turn for run, turn in self._served.items() if run in waiting}
        self._served[waiter.run] = self._turns
        sent = _Sent(0.0, waiter.tokens, waiter.limits)
        self._put(sent, self._clock())
        if self._closed:
            self._probing = True
        elif self._returning:
            self._returning -= 1
            self._space()
        return self._closed, sent

    def _space(self) -> None:
        self._not_before = self._clock() + SPREAD * (0.5 + self._chance())
