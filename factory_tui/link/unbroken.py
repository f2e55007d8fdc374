"""A link that comes back: whatever breaks between, every event comes once, in order.

What was missed is asked for by seq. It knows how to attach only by what it is given.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from factory_tui.domain.commands import Command, Role
from factory_tui.domain.events import EngineStopped, Event
from factory_tui.domain.live import LiveCell, LiveFrame
from factory_tui.domain.state import State
from factory_tui.link.client import Link
from factory_tui.link.protocol import Chain, LinkError, LinkLost, NoAnswer, Skipped, Timeline

BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each try to attach again; the last one repeats."""
PAGE = 500
"""Events that are asked for at once."""


class Unbroken:
    """An attached link and those that follow it. The iteration ends when the engine says that it stops.

    `tell` is told of each break and each try that failed.
    """

    def __init__(self, link: Link, again: Callable[[], Awaitable[Link]], tell: Callable[[str], None]) -> None:
        self._link = link
        self._again = again
        self._tell = tell
        self._watched: str | None = ""
        self.state = link.state
        """The full state at the moment of the first attaching."""

    @property
    def role(self) -> Role:
        """What this console may do."""
        return self._link.role

    @property
    def actor(self) -> str:
        """Whom the engine takes this console for."""
        return self._link.actor

    @property
    def now(self) -> int:
        """The engine's clock, UTC ms, as last heard."""
        return self._link.now

    @property
    def end(self) -> str:
        """Why the newest link ended; empty while it lives."""
        return self._link.end

    async def __aiter__(self) -> AsyncIterator[Event | LiveFrame]:
        seen = self.state.seq
        while True:
            if self._link.state.seq < seen:
                raise LinkError(f"the journal there ends at seq {self._link.state.seq}, this log is at {seen}")
            try:
                async for message in self._from(seen):
                    yield message
                    if isinstance(message, Event):
                        seen = message.seq
                        if isinstance(message.fact, EngineStopped):
                            return
            except LinkLost as lost:
                self._tell(f"the link broke: {lost}")
            else:
                self._tell(f"the link broke: {self._link.end or 'the other side closed it'}")
            await self._link.close()
            self._link = await self._attach()
            if self._watched != "":
                await self._link.watch(self._watched)

    async def _from(self, seen: int) -> AsyncIterator[Event | LiveFrame]:
        """What this link brings after `seen`: first what it did not see, then what comes."""
        async for event in self._missed(seen, self._link.state.seq):
            yield event
            seen = event.seq
        async for message in self._link:
            if isinstance(message, Skipped):
                async for event in self._missed(seen, message.state.seq):
                    yield event
                    seen = event.seq
            elif not isinstance(message, Event):
                yield message
            elif message.seq > seen:
                yield message
                seen = message.seq

    async def _missed(self, seen: int, newest: int) -> AsyncIterator[Event]:
        while seen < newest:
            page = await self._link.events(None, None, PAGE, after=seen)
            if not page:
                raise LinkError(f"the engine has no events from seq {seen + 1} to {newest}")
            for event in page:
                yield event
                seen = event.seq

    async def _attach(self) -> Link:
        attempt = 0
        while True:
            wait = BACKOFF[min(attempt, len(BACKOFF) - 1)]
            attempt += 1
            await asyncio.sleep(wait)
            try:
                return await self._again()
            except NoAnswer as silent:
                self._tell(f"{silent}; tries again")

    async def command(self, command: Command, key: str = "") -> None:
        """As a Link's: not tried again here, since who asked may not want it any more."""
        await self._link.command(command, key)

    async def events(
        self,
        run: str | None,
        before: int | None,
        limit: int,
        after: int | None = None,
        *,
        kinds: tuple[str, ...] | None = None,
        actor: str | None = None,
    ) -> Sequence[Event]:
        """As a Link's."""
        return await self._link.events(run, before, limit, after, kinds=kinds, actor=actor)

    async def state_then(self, seq: int | None = None, at: int | None = None) -> State:
        """As a Link's."""
        return await self._link.state_then(seq, at)

    async def timeline(self, spans: int, begin: int | None = None, end: int | None = None) -> Timeline:
        """As a Link's."""
        return await self._link.timeline(spans, begin, end)

    async def chain(self, of: int | None = None, *, walk: bool = False) -> Chain:
        """As a Link's."""
        return await self._link.chain(of, walk=walk)

    async def diff(self, run: str, before: int, after: int) -> tuple[str, bool]:
        """As a Link's."""
        return await self._link.diff(run, before, after)

    async def watch(self, run: str | None) -> Sequence[LiveCell]:
        """As a Link's; asked again of each that follows."""
        self._watched = run
        return await self._link.watch(run)

    async def close(self) -> None:
        """Detach."""
        await self._link.close()
