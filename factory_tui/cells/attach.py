"""A container's attach stream as a wire: the Engine API's connection upgrade, and its 8-byte stream headers.

Speaks the API itself because a client library that buffers the response's head swallows the first bytes of the stream.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path
from typing import Final

from docker.utils import parse_host

from factory_tui.cells.protocol import NoEngine

_HEADER: Final = 8
_READ: Final = 1 << 18


class AttachWire:
    """The runner's stdin and stdout through the daemon; its stderr is kept for the message when it dies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._buffer = bytearray()
        self.said = b""

    async def read(self) -> bytes:
        """The next bytes from the runner."""
        while True:
            data = self._demultiplex()
            if data:
                return data
            more = await self._reader.read(_READ)
            if not more:
                return b""
            self._buffer += more

    def _demultiplex(self) -> bytes:
        out = []
        at = 0
        while len(self._buffer) - at >= _HEADER:
            size = int.from_bytes(self._buffer[at + 4 : at + _HEADER], "big")
            end = at + _HEADER + size
            if len(self._buffer) < end:
                break
            piece = bytes(self._buffer[at + _HEADER : end])
            if self._buffer[at] == 1:
                out.append(piece)
            else:
                self.said = (self.said + piece)[-2000:]
            at = end
        del self._buffer[:at]
        return b"".join(out)

    def write(self, data: bytes) -> None:
        """Queue bytes for the runner."""
        if self._writer.is_closing():
            raise OSError("the attach stream is closed")
        self._writer.write(data)

    async def drain(self) -> None:
        """Wait until the queue is short."""
        await self._writer.drain()

    async def close(self) -> None:
        """Detach; the container goes on."""
        await close_writer(self._writer)


async def close_writer(writer: asyncio.StreamWriter) -> None:
    """Close a stream, sending what is queued unless the other side has stopped reading."""
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), 2)
    except TimeoutError:
        writer.transport.abort()
    except OSError:
        return  # it was broken: nothing is left to close


async def attach(container: str, version: str) -> AttachWire:
    """Attach to a container of the engine that the environment names (DOCKER_HOST and its TLS variables).

    Raises OSError when the engine refuses, NoEngine for a kind of address that cannot carry a stream.
    """
    reader, writer = await _connect()
    try:
        writer.write(
            f"POST /v{version}/containers/{container}/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n"
            "Host: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        await close_writer(writer)
        raise ConnectionError("the Docker engine closed the attach request") from error
    if head.split(b" ", 2)[1] not in (b"101", b"200"):
        await close_writer(writer)
        raise ConnectionError(f"the Docker engine refused to attach: {head.splitlines()[0].decode('latin-1')}")
    return AttachWire(reader, writer)


async def _connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    tls = bool(os.environ.get("DOCKER_TLS_VERIFY"))
    host = str(parse_host(os.environ.get("DOCKER_HOST"), tls=tls))
    scheme, _, rest = host.partition("://")
    if scheme in ("unix", "http+unix"):
        return await asyncio.open_unix_connection("/" + rest.lstrip("/"), limit=_READ)
    name, _, port = rest.partition("/")[0].rpartition(":")
    if scheme in ("http", "tcp"):
        return await asyncio.open_connection(name.strip("[]"), int(port), limit=_READ)
    if scheme == "https":
        folder = Path(os.environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        return await asyncio.open_connection(name.strip("[]"), int(port), limit=_READ, ssl=context)
    raise NoEngine(f"cells need a Docker engine at a unix:// or tcp:// address; DOCKER_HOST is {host}")
