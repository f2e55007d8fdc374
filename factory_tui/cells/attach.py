"""A container's attach stream as a wire: the Engine API's connection upgrade, and its 8-byte stream headers.

Speaks the API itself because a client library that buffers the response's head swallows the first bytes of the stream.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from factory_tui.cells.reach import stream

if TYPE_CHECKING:
    from factory_tui.cells.reach import Address, Stream

_HEADER: Final = 8
_READ: Final = 1 << 18
_PATIENCE: Final = 30.0


class AttachWire:
    """The runner's stdin and stdout through the daemon; its stderr is kept for the message when it dies."""

    def __init__(self, to: Stream) -> None:
        self._to = to
        self._buffer = bytearray()
        self.said = b""

    async def read(self) -> bytes:
        """The next bytes from the runner."""
        while True:
            data = self._demultiplex()
            if data:
                return data
            more = await self._to.reader.read(_READ)
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
        if self._to.writer.is_closing():
            raise OSError("the attach stream is closed")
        self._to.writer.write(data)

    async def drain(self) -> None:
        """Wait until the queue is short."""
        await self._to.writer.drain()

    async def close(self) -> None:
        """Detach; the container goes on."""
        await self._to.close()


async def attach(where: Address, container: str, version: str) -> AttachWire:
    """Attach to a container of the engine there. Raises OSError when it is not to be reached, or refuses."""
    async with asyncio.timeout(_PATIENCE):
        to = await stream(where)
        try:
            to.writer.write(
                f"POST /v{version}/containers/{container}/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n"
                "Host: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n".encode()
            )
            head = await to.reader.readuntil(b"\r\n\r\n")
            if head.split(b" ", 2)[1] not in (b"101", b"200"):
                raise ConnectionError(f"the Docker engine refused to attach: {head.splitlines()[0].decode('latin-1')}")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            said = await to.close(1)
            raise ConnectionError(f"the Docker engine closed the attach request. {said}".strip()) from error
        except BaseException:
            await to.close()
            raise
    return AttachWire(to)
