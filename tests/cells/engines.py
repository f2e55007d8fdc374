"""What answers in a Docker engine's place, as a test tells it to."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@asynccontextmanager
async def engine_that(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Its DOCKER_HOST."""
    with tempfile.TemporaryDirectory() as folder:  # a socket's path has to be short
        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        await web.UnixSite(runner, f"{folder}/d.sock").start()
        try:
            yield f"unix://{folder}/d.sock"
        finally:
            await runner.cleanup()
