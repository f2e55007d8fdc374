"""A service in a cell whose other end is the runner: a command that nobody waits for, with a port."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from factory_tui.cells.connection import Connection
    from factory_tui.cells.protocol import Outcome


class RunnerService:
    """A long-running command with a port."""

    def __init__(self, port: int, name: str, connection: Connection, ended: asyncio.Task[Outcome]) -> None:
        self.port = port
        self._name, self._connection, self._ended = name, connection, ended

    async def alive(self) -> bool:
        """Whether the process still runs."""
        await asyncio.sleep(0)
        return not self._ended.done()

    async def stop(self) -> Outcome:
        """Kill it with everything it started; its logs are the outcome's streams."""
        self._connection.kill(self._name)
        return await asyncio.shield(self._ended)
