"""The engine's side of the link: a Unix socket that any number of consoles attach to.

Owns who may attach and what each is sent. Publishing never waits for a console. It does not know what a command does.
"""

import asyncio
import errno
import logging
import os
import pwd
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from factory_tui import __version__
from factory_tui.domain.commands import Command, Role
from factory_tui.domain.events import Event
from factory_tui.domain.identifiers import is_ulid
from factory_tui.domain.live import LiveCell, LiveFrame
from factory_tui.domain.scribe import Clock
from factory_tui.domain.state import State
from factory_tui.link.outbox import Outbox
from factory_tui.link.protocol import (
    PROTOCOL,
    REQUEST_LIMIT,
    Accepted,
    BackRequest,
    ChainRequest,
    Changes,
    CommandRequest,
    DiffRequest,
    FullState,
    Hello,
    LinkError,
    Lower,
    PromptRequest,
    QueryRequest,
    Refused,
    RefusedError,
    Watched,
    WatchRequest,
    decode_hello,
    decode_request,
    encode_events,
    line,
    lowered,
    read_line,
    rows,
)

OnCommand = Callable[[str, Role, Command, str], Awaitable[str | None]]
"""(actor, role, command, its key or "") -> None once it is journalled, else the reason why not."""
OnQuery = Callable[[QueryRequest], Awaitable[Sequence[Event]]]
"""What is asked for, at most QUERY_LIMIT of it -> events in order."""
OnDiff = Callable[[DiffRequest], Awaitable[tuple[str, bool]]]
"""Two passes -> what changed, and whether the end of that was cut off. Raises RefusedError with the reason."""
OnBack = Callable[[BackRequest], Awaitable[bytes]]
"""What looks back -> its answer as a line, which may take its time. Raises RefusedError with the reason."""


class Lookout(Protocol):
    """Who knows the cells that are up."""

    def up(self, run: str | None) -> list[LiveCell]:
        """Those of a run, None: of all."""
        ...

    def watch(self, runs: Collection[str] | None) -> None:
        """From now on show what the cells of these runs use, None: of all; of no others."""
        ...


QUERY_LIMIT = 2_000
PARTING = 1.0
"""Seconds that consoles have to read what is left when the server closes."""
GREETING = 10.0
"""Seconds a peer has to say hello."""

log = logging.getLogger(__name__)


class _Console:
    """One attached console."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, outbox: Outbox) -> None:
        self.reader = reader
        self.writer = writer
        self.outbox = outbox
        self.wake = asyncio.Event()
        self.sent = asyncio.Event()
        self.watches: str | None = ""
        """Of which run it wants to see the cells; None: of all."""
        self.back: dict[tuple[type, bool], tuple[int, asyncio.Task[None]]] = {}
        """By kind of request, and whether it walks the chain: the id of the newest, and who sees to it."""
        self.gone = False
        """Whether nothing can be sent to it any more."""

    async def send(self) -> None:
        """Hand over what waits, as fast as this console reads, until it is gone."""
        try:
            while True:
                await self.wake.wait()
                self.wake.clear()
                while data := self.outbox.take():
                    self.writer.write(data)
                    await self.writer.drain()
                    self.sent.set()
        finally:
            self.gone = True
            self.sent.set()

    async def room(self) -> bool:
        """Wait until answers that wait are fewer than the bound; False when the console is gone."""
        while self.outbox.full and not self.gone:
            self.sent.clear()
            await self.sent.wait()
        return not self.gone

    async def emptied(self) -> None:
        """Until nothing waits, or nobody is there to read it."""
        while self.outbox and not self.gone:
            self.sent.clear()
            await self.sent.wait()


class LinkServer:
    """Listens from `start` to `close`."""

    def __init__(
        self,
        path: Path,
        *,
        state: Callable[[], State],
        now: Clock,
        on_command: OnCommand,
        on_query: OnQuery,
        on_diff: OnDiff,
        on_back: OnBack,
        tick: float = 1.0,
    ) -> None:
        self._path = path
        self._state = state
        self._now = now
        self._on_command = on_command
        self._on_query = on_query
        self._on_diff = on_diff
        self._on_back = on_back
        self._tick = tick
        self._consoles: set[_Console] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lookout: Lookout | None = None
        self._server: asyncio.Server | None = None
        self._clock: asyncio.Task[None] | None = None
        self.on_leave: Callable[[], None] = lambda: None
        """Told after a console went."""

    @property
    def consoles(self) -> int:
        """How many are attached."""
        return len(self._consoles)

    async def start(self) -> None:
        """Listen. Raises LinkError when another engine answers there, or the path cannot be a socket."""
        await asyncio.to_thread(clear_stale, self._path)
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(str(self._path))
            # Before listen(): nobody could have connected while the mode was still the umask's.
            self._path.chmod(0o600)
        except OSError as fault:
            listener.close()
            raise LinkError(
                f"{self._path}: no socket can be made there: {fault}. Remedy: check the folder, and that the path has "
                "at most 107 bytes"
            ) from fault
        self._server = await asyncio.start_unix_server(self._attend, sock=listener, limit=REQUEST_LIMIT)
        self._clock = asyncio.create_task(self._tell_time(), name="link clock")

    def publish(self, events: Sequence[Event]) -> None:
        """Send events, already part of `state()`, to every console. Encodes each once; never waits."""
        if not self._consoles:
            return
        for first, count, data in encode_events(events):
            for console in self._consoles:
                console.outbox.events(data, first, count)
                console.wake.set()

    def show(self, frame: LiveFrame) -> None:
        """Send a live frame to every console that keeps up. Never waits."""
        for console in self._consoles:
            if not isinstance(frame, LiveCell) or console.watches in (None, frame.run):
                console.outbox.live(frame)
                console.wake.set()

    def look_out(self, lookout: Lookout) -> None:
        """From now on cells can be watched; for those who asked already too."""
        self._lookout = lookout
        self._rewatch()

    def _rewatch(self) -> None:
        if self._lookout is None:
            return
        wanted = {console.watches for console in self._consoles}
        self._lookout.watch(None if None in wanted else {run for run in wanted if run})

    async def close(self) -> None:
        """Let the consoles read what is left, for a moment, then let them go and remove the socket."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        self._path.unlink(missing_ok=True)
        partings = [asyncio.create_task(console.emptied()) for console in self._consoles]
        if partings:
            await asyncio.wait(partings, timeout=PARTING)
        tasks = [*self._tasks, *partings, *([self._clock] if self._clock else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()

    async def _tell_time(self) -> None:
        while True:
            await asyncio.sleep(self._tick)
            now = self._now()
            for console in self._consoles:
                console.outbox.tick(now)
                console.wake.set()

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from hello to goodbye. Whatever a peer does ends its own connection only."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio calls this in a task
        self._tasks.add(task)
        try:
            await self._converse(reader, writer)
        except LinkError as refusal:
            writer.write(line(Refused(0, str(refusal))))
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError) as gone:
            log.debug("a console went: %r", gone)
        except asyncio.CancelledError:
            # Only close() cancels. Swallowed here, since asyncio reports a connection that ends cancelled as an error.
            log.debug("a console was let go")
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        actor, role = identify(writer.get_extra_info("socket"))
        writer.write(line(Hello(PROTOCOL, f"factory-tui {__version__}")))
        async with asyncio.timeout(GREETING):
            actor, role = await _introduced(reader, actor, role)
        outbox = Outbox(lambda: FullState(self._state(), self._now(), actor, role))
        console = _Console(reader, writer, outbox)
        # The state and the place in the audience are taken in one breath: no event falls between them.
        outbox.attach()
        self._consoles.add(console)
        console.wake.set()
        sending = asyncio.create_task(console.send(), name=f"link to {actor}")
        try:
            while data := await read_line(reader, "console"):
                request = decode_request(data)
                if isinstance(request, BackRequest):
                    self._look_back(console, actor, request)
                else:
                    outbox.answer(await self._answer(console, actor, role, request))
                    console.wake.set()
                if not await console.room():
                    break
        finally:
            self._consoles.discard(console)
            self._rewatch()
            self.on_leave()
            tasks = [sending, *(task for _, task in console.back.values())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _look_back(self, console: _Console, actor: str, request: BackRequest) -> None:
        """Have it answered beside what else is asked, in place of one of its kind that still waits."""
        kind = type(request), isinstance(request, ChainRequest) and request.walk
        earlier = console.back.get(kind)
        if earlier is not None and not earlier[1].done():
            earlier[1].cancel()
            console.outbox.answer(line(Refused(earlier[0], "another was asked for meanwhile")))

        async def see_to_it() -> None:
            console.outbox.answer(await self._guarded(actor, request.id, self._on_back(request)))
            console.wake.set()

        task = asyncio.create_task(see_to_it(), name=f"looks back for {actor}")
        console.back[kind] = request.id, task
        console.wake.set()

    async def _guarded(self, actor: str, request: int, answering: Awaitable[bytes]) -> bytes:
        """The answer, or a refusal: one request's fault must not cost the console its link."""
        try:
            return await answering
        except RefusedError as refusal:
            return line(Refused(request, str(refusal)))
        except Exception as bug:
            log.exception("a request of %s broke", actor)
            return line(Refused(request, f"a fault of the engine: {type(bug).__name__}: {bug}"))

    async def _answer(self, console: _Console, actor: str, role: Role, request: PromptRequest | Refused) -> bytes:
        if isinstance(request, Refused):
            return line(request)
        return await self._guarded(actor, request.id, self._do(console, actor, role, request))

    async def _do(self, console: _Console, actor: str, role: Role, request: PromptRequest) -> bytes:
        if isinstance(request, QueryRequest):
            asked = replace(request, limit=max(0, min(request.limit, QUERY_LIMIT)))
            return rows(request, await self._on_query(asked))
        if isinstance(request, DiffRequest):
            return line(Changes(request.id, *await self._on_diff(request)))
        if isinstance(request, WatchRequest):
            console.watches = request.run
            self._rewatch()
            return line(Watched(request.id, tuple(self._lookout.up(request.run) if self._lookout else ())))
        return line(await self._command(actor, role, request))

    async def _command(self, actor: str, role: Role, request: CommandRequest) -> Accepted | Refused:
        if request.key and not is_ulid(request.key):
            return Refused(request.id, "a command's key is a ULID: 26 digits and capital letters")
        reason = await self._on_command(actor, role, request.command, request.key)
        return Accepted(request.id) if reason is None else Refused(request.id, reason)


async def _introduced(reader: asyncio.StreamReader, actor: str, role: Role) -> tuple[str, Role]:
    """Who a peer is once it said hello: who it was, or who it lowered itself to. Raises LinkError."""
    was_lowered = False
    while isinstance(asked := decode_hello(await read_line(reader, "console"), "console"), Lower):
        if was_lowered:
            raise LinkError(f"{actor} was lowered already: once is all")
        actor, role = lowered(role, asked)
        was_lowered = True
    return actor, role


def identify(peer: socket.socket) -> tuple[str, Role]:
    """Who is at the other end, as the kernel says (SO_PEERCRED, unix(7)). Raises LinkError for another user."""
    _pid, uid, _gid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    if uid != os.geteuid():
        raise LinkError(f"this engine belongs to another user; {user_name(uid)} may not attach")
    return user_name(uid), "admin"


def user_name(uid: int) -> str:
    """What the system calls a user; a container's may have no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def clear_stale(path: Path) -> None:
    """Remove a socket that nobody listens on. Raises LinkError when somebody does, or it is something else."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise LinkError(f"{path}: in the way of the engine's socket, and not a socket. Remedy: move it away")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError as fault:
            if fault.errno == errno.ECONNREFUSED:
                path.unlink(missing_ok=True)
                return
            raise LinkError(f"{path}: whether an engine answers there cannot be told: {fault}") from fault
    raise LinkError(f"{path}: an engine answers there already. Remedy: attach to it with factory-tui")
