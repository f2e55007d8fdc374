"""The factory at an instant: a mirror whose clock stands still, and a link that tells of nothing later.

What is drawn from them is drawn as ever, and cannot tell the difference; only a fork goes through to the engine.
"""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from factory_tui.console.feed import Feed, Message, RefusedError
from factory_tui.console.mirror import Mirror, Trace
from factory_tui.console.past import Past
from factory_tui.console.window import BEFORE, SPAN, Window
from factory_tui.domain.commands import Command, Fork, Role
from factory_tui.domain.events import Event
from factory_tui.domain.live import LiveCell
from factory_tui.domain.state import State
from factory_tui.link.protocol import Chain, Timeline

if TYPE_CHECKING:
    from factory_tui.console.action import Scope
    from factory_tui.console.trail import Trail


class StillMirror(Mirror):
    """What there was to draw at an instant."""

    def __init__(self, state: State) -> None:
        super().__init__(lambda: state.at)
        self.state, self.connection = state, "live"
        self.past = Past()
        self.floor = self._trace()

    def trace(self, run: str) -> Trace:  # noqa: D102
        return self.floor if not run else self.traces.setdefault(run, self._trace())

    def _trace(self) -> Trace:
        """Nothing yet, and what is read for it lies before the instant."""
        made = Trace()
        made.first = self.state.seq + 1
        return made


class Then:
    """An instant that is looked at, and where the operator came from."""

    def __init__(self, window: Window, seq: int, left: "Left") -> None:
        self.window = window
        self.left = left
        self.seq = seq
        self.mirror = StillMirror(window.state(seq))
        self._closed: ClosedFeed | None = None

    @property
    def at(self) -> int:
        """UTC ms."""
        return self.mirror.state.at

    def closed(self, feed: Feed) -> "ClosedFeed":
        """The link as of the instant: the same one as long as both are the same."""
        if self._closed is None or self._closed.of != (feed, self.seq):
            self._closed = ClosedFeed(feed, self.mirror.state)
        return self._closed

    def show(self, window: Window, seq: int) -> None:
        """Another instant."""
        self.window, self.seq = window, seq
        self.mirror = StillMirror(window.state(seq))


class Left:
    """What an operator left for the past: kept as it was."""

    def __init__(self, screens: int, chosen: str, trail: "Trail", home: "Scope") -> None:
        self.screens = screens
        """How many there were, one over the other."""
        self.chosen = chosen
        self.trail = trail
        self.home = home
        """The screen that the past began with."""


async def window_at(feed: Feed, seq: int) -> Window:
    """The part of the journal that an event lies in. Raises RefusedError, OSError."""
    begin = max(0, seq - BEFORE)
    base = await feed.state_then(begin)
    found = Window(base, await feed.events(None, None, SPAN, after=begin))
    return found if found.holds(seq) else Window(await feed.state_then(seq))


class ClosedFeed:
    """A feed as of an event: nothing later is told, nothing is commanded but a fork."""

    def __init__(self, feed: Feed, state: State) -> None:
        self._feed = feed
        self.of = (feed, state.seq)
        self.state = state
        self.role: Role = "viewer"

    @property
    def actor(self) -> str:  # noqa: D102
        return self._feed.actor

    @property
    def now(self) -> int:  # noqa: D102
        return self.state.at

    @property
    def end(self) -> str:  # noqa: D102
        return self._feed.end

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Nothing happens in the past."""
        nothing: tuple[Message, ...] = ()
        for message in nothing:
            yield message

    async def command(self, command: Command, key: str = "") -> None:
        """Forks alone."""
        if not isinstance(command, Fork):
            raise RefusedError("the past cannot be changed. Remedy: go back to now")
        await self._feed.command(command, key)

    async def events(  # noqa: D102
        self,
        run: str | None,
        before: int | None,
        limit: int,
        after: int | None = None,
        *,
        kinds: tuple[str, ...] | None = None,
        actor: str | None = None,
    ) -> Sequence[Event]:
        end = self.state.seq + 1
        before = end if before is None else min(before, end)
        found = await self._feed.events(run, before, limit, after, kinds=kinds, actor=actor)
        return [event for event in found if event.seq < end]

    async def state_then(self, seq: int | None = None, at: int | None = None) -> State:  # noqa: D102
        return await self._feed.state_then(seq, at)

    async def timeline(self, spans: int, begin: int | None = None, end: int | None = None) -> Timeline:  # noqa: D102
        return await self._feed.timeline(spans, begin, end)

    async def chain(self, of: int | None = None, *, walk: bool = False) -> Chain:  # noqa: D102
        return await self._feed.chain(of, walk=walk)

    async def diff(self, run: str, before: int, after: int) -> tuple[str, bool]:  # noqa: D102
        return await self._feed.diff(run, before, after)

    async def watch(self, _run: str | None) -> Sequence[LiveCell]:
        """No cell of then is up."""
        return ()

    async def close(self) -> None:
        """The link goes on."""
