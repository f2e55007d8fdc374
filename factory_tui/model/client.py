"""The SDK's client for one endpoint and key, as the door wants it: no tries of its own, no proxy to this machine.

Owns connections, and no more: what goes over them is the door's.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

CONNECT = 15.0
"""Seconds in which an endpoint has to take the connection."""
LINGER = 1.0
"""Seconds to wait for the end of a body whose answer is whole."""
_REST = 16
"""Pieces of it to read at most."""
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def client(base_url: str, key: str, timeout: float) -> "AsyncAnthropic":
    """A client; an answer may take `timeout` seconds."""
    import anthropic  # noqa: PLC0415 - 1.2 s: not before the first call
    import httpx2  # noqa: PLC0415

    # A proxy of the environment must not stand between the engine and its own machine.
    local = httpx2.URL(base_url).host in _LOOPBACK
    return anthropic.AsyncAnthropic(
        api_key=key,
        base_url=base_url or None,
        max_retries=0,
        timeout=anthropic.Timeout(timeout, connect=CONNECT),
        http_client=anthropic.DefaultAioHttpClient(trust_env=not local),
    )


async def drain(chunks: AsyncIterator[bytes], opened: AsyncExitStack) -> None:
    """Read the end of the body, so that the connection serves the next call; the answer is whole with or without."""
    import httpx2  # noqa: PLC0415 - 1.2 s: not before the first call

    async with opened:
        with suppress(TimeoutError, httpx2.HTTPError):
            async with asyncio.timeout(LINGER):
                for _ in range(_REST):
                    if not await anext(chunks, b""):
                        return


class Body:
    """A request's body, which goes once its reservation is on disk; the head goes before."""

    def __init__(self, request: bytes, reserved: asyncio.Task[None]) -> None:
        self._request = request
        self._reserved = reserved

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b""  # sends the head
        await asyncio.shield(self._reserved)
        yield self._request
