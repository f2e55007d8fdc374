"""Waiting for what is true, where nothing tells of it, instead of for time to pass."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 30.0
"""Seconds that anything may take before a test fails."""


async def until(true: Callable[[], bool], what: str = "what was waited for", seconds: float = PATIENCE) -> None:
    """Until a condition holds; fails with its name when it does not come."""

    async def check() -> bool:
        return true()

    await eventually(check, what, seconds)


async def eventually(
    check: Callable[[], Awaitable[bool]], what: str = "what was waited for", seconds: float = PATIENCE
) -> None:
    """The same, for what has to be asked."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while not await check():
        assert loop.time() < ends, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.01)
