"""A cell whose other end is the runner: everything of the cell protocol that is the same for every kind.

Knows the runner's requests. What differs between kinds (the wire, freezing, removal, ports) is a Ground.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from factory_tui.cells.connection import PIECE, Broken, Connection
from factory_tui.cells.http import HEAD_LIMIT, Malformed, Response, request
from factory_tui.cells.protocol import (
    MIB,
    CellDied,
    CellError,
    Entry,
    Exchange,
    Image,
    Kind,
    NoEngine,
    OnGauge,
    OnOutput,
    Outcome,
    Stamp,
    TreeUnfit,
)
from factory_tui.cells.service import RunnerService
from factory_tui.domain.gauges import Gauge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_EMPTY: dict[str, str] = {}
BROKE = "the connection to the cell broke"
"""Of an exchange: nothing is known of the service."""


class Ground(Protocol):
    """What a kind of cell adds to the runner."""

    id: str
    kind: Kind
    fenced: bool
    image: Image
    work: str
    work_bytes: int
    annex: str
    hosts: Mapping[str, str]
    gauged: bool
    """Whether it has a control group of its own, from which the runner can tell what it uses."""

    def port(self) -> int:
        """A port for the next service."""
        ...

    async def freeze(self) -> None:
        """Stop the cell's processes from outside, where the kind can."""
        ...

    async def thaw(self) -> None:
        """Undo freeze."""
        ...

    async def remove(self) -> None:
        """Remove the cell; removing again does nothing."""
        ...


class RunnerCell:
    """A cell, by its ground and a connection to its runner."""

    def __init__(self, ground: Ground, connection: Connection) -> None:
        self._ground, self._connection = ground, connection
        self._services: set[asyncio.Task[Outcome]] = set()
        self._closing: asyncio.Task[None] | None = None
        self._still = False
        self._turn = asyncio.Lock()

    @property
    def id(self) -> str:
        """Unique for the engine."""
        return self._ground.id

    @property
    def kind(self) -> Kind:
        """Which kind of cell it is."""
        return self._ground.kind

    @property
    def fenced(self) -> bool:
        """Whether the kind keeps commands from the host."""
        return self._ground.fenced

    @property
    def image(self) -> Image:
        """What it was made from."""
        return self._ground.image

    @property
    def work(self) -> str:
        """The absolute path of the work tree, as commands in the cell see it."""
        return self._ground.work

    @property
    def annex(self) -> str:
        """The absolute path of the annex; empty where there is none."""
        return self._ground.annex

    @property
    def hosts(self) -> Mapping[str, str]:
        """The addresses of the loopback by the names that resolve to them."""
        return self._ground.hosts

    @property
    def closed(self) -> bool:
        """Whether it was removed."""
        return self._closing is not None

    async def run(
        self,
        command: str | Sequence[str],
        *,
        id: str = "",  # noqa: A002
        stdin: bytes = b"",
        env: Mapping[str, str] = _EMPTY,
        cwd: str = "",
        timeout: float = 120.0,
        limit: int = MIB,
        on_output: OnOutput | None = None,
    ) -> Outcome:
        """Run a command to its end; see Cell.run."""
        header = self._start(command, id, env, cwd) | {"timeout": timeout, "limit": limit}
        return await self._connection.command(header, stdin, on_output)

    def _start(
        self,
        command: str | Sequence[str],
        name: str,
        env: Mapping[str, str],
        cwd: str,
    ) -> dict[str, Any]:
        shell = command if isinstance(command, str) else ""
        argv = [] if isinstance(command, str) else list(command)
        if not isinstance(command, str) and not argv:
            raise CellError("an empty command")
        return {
            "id": name or self._connection.name(),
            "keep": bool(name),
            "shell": shell,
            "argv": argv,
            "env": dict(env),
            "cwd": cwd,
            "timeout": 0,
            "limit": MIB,
        }

    async def outcome(self, id: str) -> Outcome:  # noqa: A002
        """Wait for a command that was started earlier; see Cell.outcome."""
        return await self._connection.outcome(id)

    def leave(self) -> None:
        """Stop waiting for commands that have an id, and let them go on; see Cell.leave."""
        self._connection.leave()

    async def serve(
        self, command: str | Sequence[str], *, env: Mapping[str, str] = _EMPTY, cwd: str = "", annex: bool = False
    ) -> RunnerService:
        """Start a long-running process with PORT in its environment; see Cell.serve."""
        port = self._ground.port()
        homes = dict.fromkeys(("HOME", "TMPDIR"), self._in_annex()) if annex else {}
        given = {"PYTHONUNBUFFERED": "1", **homes, **env, "PORT": str(port)}
        header = self._start(command, "", given, cwd) | {"annex": annex}
        ended = asyncio.create_task(self._connection.command(header, b"", None))
        self._services.add(ended)
        ended.add_done_callback(self._services.discard)
        return RunnerService(port, header["id"], self._connection, ended)

    async def http(
        self,
        port: int,
        method: str,
        path: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        timeout: float = 10.0,
        limit: int = MIB,
    ) -> Exchange:
        """Do one HTTP exchange; see Cell.http."""
        started = time.monotonic()
        response = Response(method, limit)
        error = ""
        try:
            data = request(method, path, headers, body, port)
        except ValueError as mistake:
            raise CellError(f"no HTTP request can be made of this: {mistake}") from mistake
        try:
            async with asyncio.timeout(timeout):
                ceiling = 2 * limit + HEAD_LIMIT
                error = await self._connection.exchange(port, data, response.feed, ceiling)
            if error != "too long":
                error = "" if response.done else error
            if not error:
                response.end()
        except TimeoutError:
            error = f"no complete response within {timeout:g} s"
        except Malformed as what:
            error = f"malformed: {what}"
        except Broken:
            error = BROKE
        seconds = time.monotonic() - started
        if error and not (error == "too long" and response.status):
            return Exchange(0, seconds=seconds, error=error.lower() if error[0].isupper() else error)
        return Exchange(response.status, response.headers, response.body, seconds, "", response.cut)

    async def read(self, path: str, limit: int = 16 * MIB) -> bytes:
        """The file's first bytes; see Cell.read."""
        try:
            parts = await self._connection.gather({"op": "get", "path": path, "limit": limit})
        except (CellDied, NoEngine):
            raise
        except CellError as error:
            raise CellError(f"{path}: {error}" if path not in str(error) else str(error)) from error
        return b"".join(data for _, data in parts)

    async def write(self, path: str, data: bytes, mode: int | None = None) -> None:
        """Write a file; see Cell.write."""
        await self._put([Entry(path, "file", 0o644, data)], mode)

    async def tree(self, known: Mapping[str, Stamp] | None = None) -> list[Entry]:
        """The whole work tree; see Cell.tree."""
        known = known or {}
        try:
            parts = await self._connection.gather({"op": "list", "room": self._ground.work_bytes if known else 0})
        except (CellDied, NoEngine):
            raise
        except CellError as refused:
            raise TreeUnfit(str(refused)) from refused
        entries = {entry.path: entry for part, _ in parts for entry in _listed(part["folders"])}
        files = [entry for entry in entries.values() if entry.kind == "file"]
        if (size := sum(entry.stamp.size for entry in files)) > self._ground.work_bytes:
            largest = max(files, key=lambda entry: entry.stamp.size)
            raise TreeUnfit(
                f"the work tree is too large: its files are {size / MIB:.1f} MiB long, the limit is "
                f"{self._ground.work_bytes / MIB:g} MiB. The longest is {largest.path!r:.200} with "
                f"{largest.stamp.size / MIB:.1f} MiB (what is sparse counts in full)."
            )
        wanted = [entry.path for entry in files if known.get(entry.path) != entry.stamp]
        fetched = await self._fetch(wanted)
        for path in wanted:
            if path not in fetched:
                del entries[path]  # it went between listing and fetching
        return sorted((entries | fetched).values(), key=lambda entry: entry.path)

    async def _fetch(self, paths: list[str]) -> dict[str, Entry]:
        heads: dict[str, dict[str, Any]] = {}
        data: dict[str, list[bytes]] = {}
        for first in range(0, len(paths), 1000):
            names = json.dumps(paths[first : first + 1000]).encode()
            for head, piece in await self._connection.gather({"op": "fetch"}, names):
                heads[head["path"]] = head  # the last one has the digest of all of it
                data.setdefault(head["path"], []).append(piece)
        return {
            path: Entry(
                path, "file", head["mode"], whole := b"".join(data.pop(path)), "", Stamp(len(whole), head["digest"])
            )
            for path, head in heads.items()
        }

    def _in_annex(self) -> str:
        if not self.annex:
            raise CellError("this cell has no annex: it was made without hosts")
        return self.annex

    async def plant(self, entries: Iterable[Entry], *, annex: bool = False) -> None:
        """Put entries into the work tree, or into the annex; see Cell.plant."""
        if annex:
            self._in_annex()
        every = sorted(entries, key=lambda entry: (entry.kind != "dir", entry.path))
        open_first = [Entry(e.path, "dir", e.mode | 0o700) for e in every if e.kind == "dir"]
        rest = [entry for entry in every if entry.kind != "dir"]
        closed = [entry for entry in reversed(every) if entry.kind == "dir" and entry.mode & 0o700 != 0o700]
        await self._put([*open_first, *rest, *closed], -1, annex=annex)

    async def _put(self, entries: list[Entry], mode: int | None, *, annex: bool = False) -> None:
        heads: list[dict[str, Any]] = []
        payload = bytearray()

        async def send() -> None:
            if heads:
                await self._connection.call({"op": "put", "entries": heads, "annex": annex}, bytes(payload))
            heads.clear()
            payload.clear()

        for entry in entries:
            content = entry.data or b""
            for offset in range(0, max(1, len(content)), PIECE):
                piece = content[offset : offset + PIECE]
                heads.append(
                    {
                        "path": entry.path,
                        "kind": entry.kind,
                        "target": entry.target,
                        "mode": entry.mode if mode == -1 else mode,
                        "offset": offset,
                        "size": len(piece),
                        "last": offset + PIECE >= len(content),
                    }
                )
                payload += piece
                if len(payload) >= PIECE or len(heads) >= 1000:
                    await send()
        await send()

    async def gauge(self, hear: OnGauge, every: float) -> None:
        """Tell what the cell uses, until cancelled; see Cell.gauge."""
        if self._ground.gauged:
            await self._connection.watch(every, lambda part, _: hear(msgspec.convert(part["gauge"], Gauge)))

    async def tell(self, env: Mapping[str, str]) -> None:
        """Give variables to every command from now on; see Cell.tell."""
        await self._connection.call({"op": "tell", "env": dict(env)})

    async def pause(self) -> None:
        """Freeze every process of the cell, and its commands' clocks. Pausing again does nothing."""
        await self._stand(still=True)

    async def resume(self) -> None:
        """Undo pause."""
        await self._stand(still=False)

    async def _stand(self, *, still: bool) -> None:
        """Wait for one freeze or thaw, whole: after half of one the next would ask a frozen runner, which is mute."""

        async def turn() -> None:
            async with self._turn:
                if still and not self._still:
                    await self._connection.call({"op": "hold", "stop": self.kind == "process"})
                    self._still = True
                    try:
                        await self._ground.freeze()
                    except CellError:
                        self._still = False
                        raise
                elif not still:
                    await self._ground.thaw()
                    self._still = False
                    await self._connection.call({"op": "release", "stop": self.kind == "process"})

        turning = asyncio.create_task(turn())
        try:
            await asyncio.shield(turning)
        except asyncio.CancelledError:
            turning.add_done_callback(
                lambda ended: ended.cancelled() or ended.exception()
            )  # whoever asks next hears it
            raise

    async def detach(self) -> None:
        """Let go of the cell and leave it running, where its kind can run alone; who waits for it is cancelled.

        One that is being closed is closed first.
        """
        if self._closing is not None:
            await asyncio.shield(self._closing)
        else:
            await self._connection.close(quietly=True)

    async def close(self) -> None:
        """Remove the cell with all that is in it, also when who asked is cancelled. Closing again waits for that."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name=f"close {self.id[:12]}")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        for ended in list(self._services):
            ended.cancel()
        try:
            await self._connection.close(leave=not self._still)  # what ends by itself need not be killed from outside
        finally:
            await self._ground.remove()


def _listed(folders: dict[str, Any]) -> Iterator[Entry]:
    for folder, told in folders.items():
        above = f"{folder}/" if folder else ""
        for name, mode, size, digest in told["files"]:
            yield Entry(above + name, "file", mode, None, "", Stamp(size, digest))
        for name, mode in told["dirs"]:
            yield Entry(above + name, "dir", mode)
        for name, target in told["links"]:
            yield Entry(above + name, "link", 0o777, None, target)
