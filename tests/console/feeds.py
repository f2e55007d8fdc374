"""Feeds for tests: real folded events, delivered when a test says so."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from factory_tui.console.feed import Message, RefusedError
from factory_tui.domain.commands import Command, Role
from factory_tui.domain.events import Event
from factory_tui.domain.live import LiveCell
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from factory_tui.link.protocol import (
    BackRequest,
    Chain,
    ChainRequest,
    LinkLost,
    QueryRequest,
    StateRequest,
    StateThen,
    Timeline,
    TimelineRequest,
)
from tests.link.back import back, page

Told = TypeVar("Told", StateThen, Timeline, Chain)


class StoryFeed:
    """Attached after `past`; `push` delivers more; `drop` breaks the link."""

    def __init__(self, past: Sequence[Event] = (), role: Role = "admin", refuse: str = "") -> None:
        self.past = list(past)
        self.role: Role = role
        self.commands: list[Command] = []
        self.keys: list[str] = []
        """Theirs."""
        self.breaks = False
        """Whether the link breaks at the next command, taken and not answered."""
        self.diffs: list[tuple[str, int, int]] = []
        self.changes = ""
        """What every diff answers."""
        self.cells: list[LiveCell] = []
        self.watched: list[str | None] = []
        self.actor = "ana"
        self.instants: list[int] = []
        """Instants, by seq or time."""
        self.unfoldable = 0
        """Below that event nothing can be folded to."""
        self.chained = Chain(1, 0)
        """What the newest walk came to."""
        self.closed = False
        self.end = ""
        self.refuse = refuse
        self._state = fold(self.past)
        self.now = (self.past[-1].at if self.past else 1_790_000_000_000) + 3000
        """The engine's clock: it is right, whatever the console's says."""
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue()

    @property
    def state(self) -> State:
        return self._state

    async def connect(self) -> "StoryFeed":
        return self

    def push(self, *messages: Message) -> None:
        for message in messages:
            self._queue.put_nowait(message)

    def drop(self) -> None:
        self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[Message]:
        while (message := await self._queue.get()) is not None:
            yield message

    async def command(self, command: Command, key: str = "") -> None:
        if self.refuse:
            raise RefusedError(self.refuse)
        self.commands.append(command)
        self.keys.append(key)
        if self.breaks:
            self.drop()
            raise LinkLost("the engine closed the link")

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
        return page(self.past, QueryRequest(1, run, before, limit, after, kinds, actor))

    async def state_then(self, seq: int | None = None, at: int | None = None) -> State:
        """Refused where the story says that it cannot be folded to."""
        self.instants.append(seq if seq is not None else at or 0)
        if seq is not None and seq < self.unfoldable:
            raise RefusedError(f"event {seq} cannot be folded to: its archive is gone")
        return self._answer(StateThen, StateRequest(1, seq, at)).state

    async def timeline(self, spans: int, begin: int | None = None, end: int | None = None) -> Timeline:
        return self._answer(Timeline, TimelineRequest(1, spans, begin, end))

    async def chain(self, of: int | None = None, *, walk: bool = False) -> Chain:
        if walk:
            self.chained = self._answer(Chain, ChainRequest(1, walk, of))
        return replace(self.chained, newest=len(self.past), hash=f"{of or 0:064x}")

    def _answer(self, kind: type[Told], asked: BackRequest) -> Told:
        return msgspec.json.decode(back(self.past, asked), type=kind)

    async def diff(self, run: str, before: int, after: int) -> tuple[str, bool]:
        if self.refuse:
            raise RefusedError(self.refuse)
        self.diffs.append((run, before, after))
        return self.changes, len(self.changes) > 100_000

    async def watch(self, run: str | None) -> Sequence[LiveCell]:
        self.watched.append(run)
        return [cell for cell in self.cells if run in (None, cell.run)]

    async def close(self) -> None:
        self.closed = True
