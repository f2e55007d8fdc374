"""What the console needs of a link to an engine, so that it can be driven without one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

from factory_tui.domain.commands import Command, Role
from factory_tui.domain.events import Event
from factory_tui.domain.live import LiveCell, LiveFrame
from factory_tui.domain.state import State
from factory_tui.link.protocol import Chain, Lower, RefusedError, Skipped, Timeline

Message = Event | LiveFrame | Skipped
__all__ = ["Connect", "Feed", "Message", "RefusedError", "Skipped", "attach_to"]


class Feed(Protocol):
    """An attached link: the full state, then messages, until the engine or the link goes."""

    @property
    def state(self) -> State:
        """The full state at the moment of attaching."""
        ...

    @property
    def role(self) -> Role:
        """What this console may do."""
        ...

    @property
    def actor(self) -> str:
        """Whom the engine takes this console for."""
        ...

    @property
    def now(self) -> int:
        """The engine's clock, UTC ms: ages are measured by it."""
        ...

    @property
    def end(self) -> str:
        """Why the link ended; empty while it lives, and when the engine simply closed it."""
        ...

    def __aiter__(self) -> AsyncIterator[Message]:
        """Messages in order; ends when the link is gone."""
        ...

    async def command(self, command: Command, key: str = "") -> None:
        """Return when accepted. Raises RefusedError with the engine's reason, OSError when the link is gone.

        Then it may be sent again by the next one, with the same key.
        """
        ...

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
        """The newest events of a run below seq `before` (None: the newest), oldest first; none: there are no more.

        With `after`, instead: the oldest above that seq. Run None: of all; `kinds`: with these tags of facts alone;
        `actor`: what that one did, `!name`: what all others did.
        """
        ...

    async def state_then(self, seq: int | None = None, at: int | None = None) -> State:
        """The full state as of an event, or of a time, UTC ms. Raises as `command`."""
        ...

    async def timeline(self, spans: int, begin: int | None = None, end: int | None = None) -> Timeline:
        """How many events came when. Raises as `command`."""
        ...

    async def chain(self, of: int | None = None, *, walk: bool = False) -> Chain:
        """What the newest walk of the journal's chain came to, and the hash of an event's row. Raises as `command`."""
        ...

    async def diff(self, run: str, before: int, after: int) -> tuple[str, bool]:
        """A unified diff from pass to pass (0: nothing), and whether its end is left out. Raises as `command`."""
        ...

    async def watch(self, run: str | None) -> Sequence[LiveCell]:
        """From now on be told what the cells of a run use (None: all, "": none); those up now. Raises as `command`."""
        ...

    async def close(self) -> None:
        """Detach."""
        ...


Connect = Callable[[], Awaitable[Feed]]
"""Attaches anew; raises OSError when no engine answers."""


def attach_to(socket: Path, lower: Lower | None = None) -> Connect:
    """How a console attaches to the engine behind this socket, with fewer rights if asked."""

    async def connect() -> Feed:
        from factory_tui.link.client import Link  # noqa: PLC0415 - after the first paint

        return await Link.connect(socket, lower)

    return connect
