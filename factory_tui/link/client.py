"""A console's side of the link: attach, follow, ask.

Reads only as fast as its messages are taken, so that the engine sees a slow console as what it is.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from factory_tui import __version__
from factory_tui.domain.commands import Command
from factory_tui.domain.events import Event
from factory_tui.domain.live import LiveCell, LiveFrame
from factory_tui.domain.state import State
from factory_tui.link.protocol import (
    LINE_LIMIT,
    PROTOCOL,
    Answer,
    Chain,
    ChainRequest,
    Changes,
    CommandRequest,
    DiffRequest,
    EventBatch,
    FullState,
    Hello,
    LinkError,
    LinkLost,
    Live,
    Lower,
    NoAnswer,
    Now,
    QueryRequest,
    Refused,
    RefusedError,
    Request,
    Rows,
    Silent,
    Skipped,
    StateRequest,
    StateThen,
    Timeline,
    TimelineRequest,
    Watched,
    WatchRequest,
    decode_from_engine,
    decode_hello,
    line,
    read_line,
)

Message = Event | LiveFrame | Skipped
"""What happened, in order. A fold of `state` over the events is the state; a Skipped brings a new one."""
INBOX = 4_096
"""Messages not taken yet, above which nothing more is read (unless an answer is awaited)."""
GREETING = 10.0
"""Seconds an engine has to send its full state."""


class Link:
    """An attached link. Iterate it for messages; the iteration ends when the engine or the link goes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begin: FullState) -> None:
        self._reader = reader
        self._writer = writer
        self.state = begin.state
        """The full state at the moment of attaching."""
        self.now = begin.now
        """The engine's clock, UTC ms, as last heard: every second."""
        self.actor = begin.actor
        self.role = begin.role
        self.end = ""
        """Why the link ended; empty while it lives, and when the engine simply closed it."""
        self._inbox: deque[Message] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._ids = itertools.count(1)
        self._turn = asyncio.Lock()
        """States of then are asked for one by one: the engine drops an earlier one for a later."""
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._over = False
        self._pump = asyncio.create_task(self._read(), name="link")

    @classmethod
    async def connect(cls, path: Path, lower: Lower | None = None) -> Self:
        """Attach, with fewer rights if asked. Raises NoAnswer when no engine does, LinkError when it refuses."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(path), limit=LINE_LIMIT)
        except OSError as fault:
            why = fault.strerror or fault
            raise NoAnswer(f"{path}: no engine answers ({why}). Remedy: factory-tui starts one") from fault
        return cls(reader, writer, await greet(reader, writer, str(path), GREETING, lower))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        while not self._inbox:
            if self._over:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        message = self._inbox.popleft()
        self._room.set()
        return message

    async def command(self, command: Command, key: str = "") -> None:
        """Return once the engine accepted. Raises RefusedError with its reason, LinkLost when it is gone.

        Then it may have been taken or not; one with a `key`, a ULID, may be sent again and is done once.
        """
        await self._ask(CommandRequest(next(self._ids), command, key))

    async def events(
        self,
        run: str | None,
        before: int | None,
        limit: int,
        after: int | None = None,
        *,
        kinds: tuple[str, ...] | None = None,
        actor: str | None = None,
    ) -> list[Event]:
        """The newest events of a run below seq `before` (None: the newest), oldest first; fewer than asked may come.

        With `after`, instead: the oldest above that seq. Run "" is the floor's trace, None all; `kinds`: tags of the
        facts that are wanted, None all; `actor`: by whom, `!name`: by all others. Raises as `command`.
        """
        answer = await self._ask(QueryRequest(next(self._ids), run, before, limit, after, kinds, actor))
        return list(answer.events) if isinstance(answer, Rows) else []

    async def diff(self, run: str, before: int, after: int) -> tuple[str, bool]:
        """What changed from a pass (0: nothing) to another, and whether its end is left out. Raises as `command`."""
        answer = await self._ask(DiffRequest(next(self._ids), run, before, after))
        return (answer.text, answer.cut) if isinstance(answer, Changes) else ("", False)

    async def watch(self, run: str | None) -> Sequence[LiveCell]:
        """Be told what the cells of a run use (None: all, "": none); those that are up. Raises as `command`."""
        answer = await self._ask(WatchRequest(next(self._ids), run))
        return answer.cells if isinstance(answer, Watched) else ()

    async def state_then(self, seq: int | None = None, at: int | None = None) -> State:
        """The full state as of an event, or of a time, UTC ms. Raises as `command`."""
        async with self._turn:
            answer = await self._ask(StateRequest(next(self._ids), seq, at))
        return answer.state if isinstance(answer, StateThen) else State()

    async def timeline(self, spans: int, begin: int | None = None, end: int | None = None) -> Timeline:
        """How many events came when: in so many spans of a time (None: of the first, the last). Raises as `command`."""
        answer = await self._ask(TimelineRequest(next(self._ids), spans, begin, end))
        return answer if isinstance(answer, Timeline) else Timeline(0, 0, 0, ())

    async def chain(self, of: int | None = None, *, walk: bool = False) -> Chain:
        """What the newest walk of the chain came to, and the hash of an event's row; `walk`: of one made for this.

        Raises as `command`.
        """
        answer = await self._ask(ChainRequest(next(self._ids), walk, of))
        return answer if isinstance(answer, Chain) else Chain(0, 0)

    async def close(self) -> None:
        """Detach. A second call does nothing."""
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return  # the engine closed it first

    async def _ask(self, request: Request) -> Answer:
        if self._over:
            raise LinkLost(self.end or "the engine closed the link")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[request.id] = answer
        self._room.set()
        try:
            self._writer.write(line(request))
            await self._writer.drain()
            answered = await answer
        except ConnectionError as fault:
            raise LinkLost(f"the link broke: {fault}") from fault
        finally:
            self._asked.pop(request.id, None)
        if isinstance(answered, Refused):
            raise RefusedError(answered.reason)
        return answered

    async def _read(self) -> None:
        """Sort what comes into the inbox and to those who asked."""
        try:
            while data := await read_line(self._reader, "engine"):
                self._take(data)
                while len(self._inbox) > INBOX and not self._asked:
                    self._room.clear()
                    await self._room.wait()
            self.end = await self._parting()
        except OSError as fault:
            self.end = str(fault)
        finally:
            self._over = True
            self._news.set()
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(LinkLost(self.end or "the engine closed the link"))

    async def _parting(self) -> str:
        """What is known of an end that the engine gave no reason for."""
        return ""

    def _take(self, data: bytes) -> None:
        message = decode_from_engine(data)
        if isinstance(message, Answer):
            answer = self._asked.get(message.id)
            if answer is not None and not answer.done():
                answer.set_result(message)
            elif isinstance(message, Refused) and not message.id:
                raise LinkError(message.reason)
            return
        if isinstance(message, EventBatch):
            self._inbox.extend(message.events)
        elif isinstance(message, Live):
            self._inbox.append(message.frame)
        elif isinstance(message, Skipped):
            self._inbox.append(message)
        elif isinstance(message, Now):
            self.now = message.now
        self._news.set()


async def greet(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str, seconds: float, lower: Lower | None = None
) -> FullState:
    """Say hello to the engine at the other end, and hear its full state. Raises NoAnswer, LinkError; closes then."""
    try:
        writer.write((line(lower) if lower else b"") + line(Hello(PROTOCOL, f"factory-tui {__version__}")))
        async with asyncio.timeout(seconds):
            return await _greeting(reader)
    except TimeoutError:
        writer.close()
        raise Silent(f"{where}: the engine did not say hello within {seconds:.0f} s") from None
    except LinkError:
        writer.close()
        raise
    except OSError as fault:
        writer.close()
        raise NoAnswer(f"{where}: the engine went instead of saying hello ({fault.strerror or fault})") from fault


async def _greeting(reader: asyncio.StreamReader) -> FullState:
    if hello := await read_line(reader, "engine"):
        decode_hello(hello, "engine")
    begin = await read_line(reader, "engine")
    if not begin:
        raise NoAnswer("the engine closed the link instead of saying hello")
    message = decode_from_engine(begin)
    if isinstance(message, Refused):
        raise LinkError(message.reason)
    if not isinstance(message, FullState):
        raise LinkError("the engine began with something else than the full state")
    return message
