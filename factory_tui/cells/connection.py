"""The engine's end of a runner's stream: many requests over one wire, and the same requests after the wire broke.

Knows frames and asyncio; neither Docker nor processes. A broken wire says nothing about a command: commands are asked
for again on the next wire, by id, and the runner never runs an id twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from factory_tui.cells.protocol import CellDied, CellError, NoEngine, Outcome
from factory_tui.cells.runner.frames import MAX_IN, VERSION, Frames, pack
from factory_tui.domain.gauges import Lack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from factory_tui.cells.protocol import OnOutput

    Header = dict[str, Any]
    Hear = Callable[[Header, bytes], None]

log = logging.getLogger(__name__)

PIECE = 1 << 19
"""Bytes of payload in one frame to the runner."""
_MAX_OUT = 1 << 30
_HELLO = 15.0
LEAVE = 2.0
"""Seconds that a runner has to end by itself."""
_PATIENCE = 0.1
"""Seconds that an acknowledgement waits for a frame to travel with."""
_AGAIN = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each try to open a wire that broke; then the next request tries."""
_TOLD = 256
"""Acknowledgements and kills that are said again on the next wire: no answer tells whether they arrived."""


class Broken(Exception):  # noqa: N818
    """The wire broke before the answer came; asking again is safe."""


class Wire(Protocol):
    """A two-way byte stream to a runner."""

    async def read(self) -> bytes:
        """The next bytes from the runner, empty at the end of the stream."""
        ...

    def write(self, data: bytes) -> None:
        """Queue bytes for the runner. Raises OSError when the wire is known to be broken."""
        ...

    async def drain(self) -> None:
        """Wait until the queue is short. Raises OSError when the wire is broken."""
        ...

    async def close(self) -> None:
        """Let go of the stream; what was queued is still sent where possible."""
        ...


class _Pending:
    def __init__(self, hear: Hear | None, frames: list[bytes] | None) -> None:
        self.answer: asyncio.Future[tuple[Header, bytes]] = asyncio.get_running_loop().create_future()
        self.hear = hear
        self.frames = frames


class Connection:
    """Requests to one runner.

    ``dial`` opens a wire; ``why`` says whether the cell is gone for good, and what became of it, or raises NoEngine.
    The wire is opened again when it breaks, unless the cell is gone. Where nobody answers who could say that, requests
    end with NoEngine, and the next one tries again: a cell may live on without the engine that made it.
    """

    def __init__(self, dial: Callable[[], Awaitable[Wire]], why: Callable[[], Awaitable[tuple[bool, str]]]) -> None:
        self._dial, self._why = dial, why
        self._wire: Wire | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pending: dict[str, _Pending] = {}
        self._kept: set[str] = set()
        self._left: set[str] = set()
        self._count = 0
        self._name = secrets.token_hex(4)
        self._dead = ""
        self._ended = False
        self._away: NoEngine | None = None
        self._told: deque[bytes] = deque(maxlen=_TOLD)
        self._acks = b""
        self._later: asyncio.TimerHandle | None = None
        self._up = asyncio.Event()

    def name(self) -> str:
        """A fresh request id, unlike any of another engine's."""
        self._count += 1
        return f"{self._name}.{self._count}"

    async def open(self, *, torn: bool, first: bytes = b"") -> None:
        """Open the wire and greet the runner; ``torn`` when an earlier wire may have broken inside a frame.

        ``first``: what it hears before that, where it is no runner yet.
        Raises CellDied when there is no runner at the other end.
        """
        wire: Wire | None = None
        try:
            wire = await self._dial()
            async with asyncio.timeout(_HELLO):
                frames, got = await self._greet(wire, first, torn=torn)
        except BaseException as error:
            if wire is not None:
                await wire.close()
            if isinstance(error, CellError) or not isinstance(error, Exception):
                raise
            raise CellDied(f"{(await self._why())[1]} ({str(error) or 'timeout'})") from error
        self._wire = wire
        self._up.set()
        self._reader = asyncio.create_task(self._read(wire, frames, got))

    async def _greet(self, wire: Wire, first: bytes, *, torn: bool) -> tuple[Frames, list[tuple[Header, bytes]]]:
        nonce = secrets.token_bytes(24)
        wire.write(bytes(MAX_IN + 64) if torn else first)
        wire.write(pack({"op": "hello", "id": "hello", "nonce": nonce.hex()}))
        await wire.drain()
        seen = b""
        while nonce not in seen:
            data = await wire.read()
            if not data:
                raise Broken("the stream ended")
            seen = seen[-len(nonce) :] + data
        frames = Frames(_MAX_OUT)
        got = list(frames.feed(seen[seen.index(nonce) + len(nonce) :]))
        while not got:
            data = await wire.read()
            if not data:
                raise Broken("the stream ended")
            got = list(frames.feed(data))
        if got[0][0]["version"] != VERSION:
            raise Broken(f"its runner has version {got[0][0]['version']}, this engine {VERSION}")
        return frames, got[1:]

    async def _read(self, wire: Wire, frames: Frames, got: list[tuple[Header, bytes]]) -> None:
        try:
            for header, payload in got:
                self._take(header, payload)
            while data := await wire.read():
                for header, payload in frames.feed(data):
                    self._take(header, payload)
        except Exception as error:  # a wire that carries what is no frame is broken too: nobody may wait on it for ever
            log.warning("a runner's stream broke: %r", error)
        self._up.clear()
        self._wire = None
        await wire.close()
        for pending in list(self._pending.values()):
            if pending.frames is None and not pending.answer.done():
                pending.answer.set_exception(Broken("the wire broke"))
        await self._reopen()

    async def _reopen(self) -> None:
        for delay in _AGAIN:
            await asyncio.sleep(delay)
            try:
                self._away = None
                self._ended, self._dead = await self._why()
                if self._ended:
                    break
                await self.open(torn=True)
            except NoEngine as silent:
                self._away = silent
                continue
            except CellError as error:
                self._dead = str(error)
                continue
            self._write(b"".join(self._told))
            for pending in list(self._pending.values()):
                for frame in pending.frames or ():
                    self._write(frame)
            return
        self._up.set()
        for pending in list(self._pending.values()):
            if not pending.answer.done():
                pending.answer.set_exception(self._away or CellDied(self._dead))

    def _take(self, header: Header, payload: bytes) -> None:
        op, name = header["op"], header["id"]
        pending = self._pending.get(name)
        if op == "end":
            ack = pack({"op": "ack", "id": name})
            self._told.append(ack)
            self._acks += ack
            if self._later is None:
                self._later = asyncio.get_running_loop().call_later(_PATIENCE, self._write, b"")
        if pending is None or pending.answer.done():
            return
        if op in ("out", "part", "data"):
            if pending.hear:
                try:
                    pending.hear(header, payload)
                except Exception as error:
                    pending.answer.set_exception(error)
            return
        pending.answer.set_result((header, payload))

    def _write(self, data: bytes) -> None:
        """Send, with what waits to be acknowledged: each message of its own wakes three processes on its way."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        data, self._acks = self._acks + data, b""
        if self._wire is not None and data:
            with contextlib.suppress(OSError):  # the reader sees the end of the stream and opens it again
                self._wire.write(data)

    async def _ask(self, frames: list[bytes], name: str, hear: Hear | None, *, lasting: bool) -> tuple[Header, bytes]:
        await self._up.wait()
        if self._wire is None and not self._ended:
            self._up.clear()
            self._reader = asyncio.create_task(self._reopen())
            await self._up.wait()
        if self._wire is None:
            raise self._away or CellDied(self._dead or "the cell is closed")
        pending = _Pending(hear, frames if lasting else None)
        self._pending[name] = pending
        try:
            for frame in frames:
                self._write(frame)
                if len(frames) > 1 and self._wire is not None:
                    with contextlib.suppress(OSError):
                        await self._wire.drain()
            return await pending.answer
        finally:
            self._pending.pop(name, None)

    async def command(self, header: Header, stdin: bytes, hear: OnOutput | None) -> Outcome:
        """Start a command, or come back to it, and wait for its outcome; cancelling kills it."""
        name = header["id"]
        frames = [pack({**header, "op": "start", "live": hear is not None, "more": len(stdin) > PIECE}, stdin[:PIECE])]
        for offset in range(PIECE, len(stdin), PIECE):
            last = offset + PIECE >= len(stdin)
            frames.append(
                pack({"op": "stdin", "id": name, "offset": offset, "last": last}, stdin[offset : offset + PIECE])
            )
        if len(frames[0]) > MAX_IN:
            raise CellError(
                f"the command is {len(frames[0])} bytes long; {MAX_IN} is the most. Remedy: write a file, and run that"
            )

        def on_part(part: Header, payload: bytes) -> None:
            if hear is not None:
                hear("stderr" if part["stream"] else "stdout", payload)

        return await self._outcome(frames, name, on_part, keep=header["keep"])

    async def outcome(self, name: str) -> Outcome:
        """Wait for a command that was started earlier."""
        return await self._outcome([pack({"op": "ask", "id": name})], name, None, keep=True)

    def leave(self) -> None:
        """Cancel who waits for a command with a name of its own, and let the command be: it can be asked for again."""
        for name in self._kept & self._pending.keys():
            self._left.add(name)
            self._pending[name].answer.cancel()

    async def _outcome(self, frames: list[bytes], name: str, hear: Hear | None, *, keep: bool) -> Outcome:
        if name in self._pending:
            raise CellError(f"command {name} is being waited for already")
        if keep:
            self._kept.add(name)
        try:
            header, payload = await self._ask(frames, name, hear, lasting=True)
        except CellDied as error:
            return Outcome(exit=-9, stderr=f"{error}\n".encode(), lost=True)
        except NoEngine:
            raise  # the command may well go on: it is asked for again
        except BaseException:
            if name not in self._left:
                self.kill(name, forget=not keep)
            raise
        finally:
            self._kept.discard(name)
            self._left.discard(name)
        if header["op"] == "unknown":
            return Outcome(exit=-9, lost=True)
        out = header["out"]
        lacked = tuple(Lack(*one) for one in header["lacked"])
        return Outcome(
            header["exit"],
            payload[:out],
            payload[out:],
            header["cut"],
            header["timed_out"],
            header["seconds"],
            False,
            lacked,
        )

    def kill(self, name: str, *, forget: bool = False) -> None:
        """Kill a command with all that it started; its outcome follows, unless that is to be forgotten."""
        frame = pack({"op": "kill", "id": name, "forget": forget})
        self._told.append(frame)
        self._write(frame)

    async def call(self, header: Header, payload: bytes = b"", hear: Hear | None = None) -> Header:
        """One request that may be repeated; its parts go to ``hear``. Raises CellError with the runner's reason."""
        for _ in range(3):
            name = self.name()
            try:
                answer, _ = await self._ask([pack({**header, "id": name}, payload)], name, hear, lasting=False)
            except Broken:
                continue
            if answer["op"] == "err":
                raise CellError(answer["error"])
            return answer
        raise CellDied("the connection to the cell broke three times in a row")

    async def watch(self, every: float, hear: Hear) -> None:
        """Hear what the runner's gauge tells, on every wire that comes, until cancelled. Raises CellDied."""
        name = self.name()
        try:
            await self._ask([pack({"op": "watch", "id": name, "every": every})], name, hear, lasting=True)
        finally:
            self._write(pack({"op": "unwatch", "id": name}))

    async def gather(self, header: Header, payload: bytes = b"") -> list[tuple[Header, bytes]]:
        """One request whose answer comes in parts."""
        parts: list[tuple[Header, bytes]] = []
        answer = await self.call(header, payload, lambda part, data: parts.append((part, data)))
        return [part for part in parts if part[0]["id"] == answer["id"]]  # others came before the wire broke

    async def exchange(self, port: int, data: bytes, hear: Callable[[bytes], bool], limit: int) -> str:
        """Send bytes to a port on the cell's loopback and hear what comes back until ``hear`` says that it is enough.

        Returns why the connection ended early, or nothing. Raises Broken and CellDied.
        """
        name = self.name()

        def on_data(_: Header, part: bytes) -> None:
            if hear(part):
                self._pending[name].answer.set_result(({"op": "closed", "error": ""}, b""))

        header = {"op": "dial", "id": name, "port": port, "limit": limit}
        try:
            answer, _ = await self._ask([pack(header, data)], name, on_data, lasting=False)
        finally:
            self._write(pack({"op": "hang", "id": name}))
        error: str = answer["error"]
        return error

    async def close(self, *, quietly: bool = False, leave: bool = False) -> None:
        """Let go of the wire; the runner goes on where it can, unless it is to leave. Who waits for an answer hears
        that the cell died, or quietly: is cancelled, since nothing is known of what it waits for.
        """
        self._dead, self._ended, self._away = "the cell is closed", True, None
        self._write(b"")
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])  # which, cancelled, says so to whoever closes
            if not self._reader.cancelled():
                self._reader.result()
        wire, self._wire = self._wire, None  # taken at once: an engine that stops may close what a run closes too
        self._up.set()
        for pending in list(self._pending.values()):
            if quietly:
                pending.answer.cancel()
            elif not pending.answer.done():
                pending.answer.set_exception(CellDied(self._dead))
        if wire is not None:
            try:
                if leave:
                    await _leave(wire)
            finally:
                await wire.close()


async def _leave(wire: Wire) -> None:
    """Have the runner end, with all that is in its cell. One that does not is for whoever removes the cell to kill."""
    with contextlib.suppress(OSError):  # TimeoutError is one
        async with asyncio.timeout(LEAVE):
            wire.write(pack({"op": "leave"}))
            while await wire.read():
                continue
