"""What consoles ask of the journal: pages of events, the state as of an instant, how events lie in time, the chain.

Nothing of it runs on the engine's loop. What folds or walks is a process of its own, which gives way to the runs.
"""

import asyncio
import sys
from pathlib import Path

from factory_tui.domain.events import Event
from factory_tui.domain.scribe import Clock
from factory_tui.journal import JournalError, Keys, Looked, Wanted, page, row_hash, seq_at, timeline
from factory_tui.link.protocol import (
    BackRequest,
    Chain,
    ChainRequest,
    QueryRequest,
    RefusedError,
    StateRequest,
    Timeline,
    TimelineRequest,
    line,
    state_then,
)

SPANS = 1_000
"""Of a timeline, at most."""


class History:
    """The journal in `folder`, whose key and heads are in `keys`, named by `workspace`."""

    def __init__(self, folder: Path, keys: Path, workspace: str, now: Clock) -> None:
        self._folder, self._workspace = folder, workspace
        self._keys = Keys(keys, workspace)
        self._now = now
        self._turns = {StateRequest: asyncio.Semaphore(1), ChainRequest: asyncio.Semaphore(1)}

    async def page(self, asked: QueryRequest) -> list[Event]:
        """The events that a query is about. Raises JournalError."""
        wanted = Wanted(asked.run, asked.kinds, asked.actor)
        return await asyncio.to_thread(
            page, self._folder, wanted, after=asked.after, before=asked.before, limit=asked.limit
        )

    async def back(self, asked: BackRequest) -> bytes:
        """The answer, as a line. Raises RefusedError with the reason."""
        try:
            if isinstance(asked, StateRequest):
                return await self._state(asked)
            if isinstance(asked, TimelineRequest):
                return await self._timeline(asked)
            return await self._chain(asked)
        except (JournalError, OSError) as trouble:
            raise RefusedError(str(trouble)) from trouble

    async def _state(self, asked: StateRequest) -> bytes:
        seq = asked.seq
        if seq is None:
            if asked.at is None:
                raise RefusedError("name an event by its seq, or a time by at")
            seq = await asyncio.to_thread(seq_at, self._folder, asked.at)
        return state_then(asked, await self._aside(asked, "state", seq))

    async def _timeline(self, asked: TimelineRequest) -> bytes:
        if not 0 < asked.spans <= SPANS:
            raise RefusedError(f"a timeline has 1 to {SPANS} spans")
        found = await asyncio.to_thread(timeline, self._folder, asked.spans, asked.begin, asked.end)
        return line(Timeline(asked.id, *found))

    async def _chain(self, asked: ChainRequest) -> bytes:
        if asked.walk:
            await self._aside(asked, "verify", self._now())
        looked = await asyncio.to_thread(self._keys.looked) or Looked(0, 0, "")
        newest, digest = await asyncio.to_thread(row_hash, self._folder, asked.of)
        return line(Chain(asked.id, newest, looked.seq, looked.at or None, looked.why, digest))

    async def _aside(self, asked: StateRequest | ChainRequest, what: str, number: int) -> bytes:
        """What `journal.aside` prints; one of a kind at a time, and none for whom nobody waits any more."""
        command = "-m", "factory_tui.journal.aside", str(self._folder), str(self._keys.folder), self._workspace
        async with self._turns[type(asked)]:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *command,
                what,
                str(number),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            try:
                told, why = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode:
            said = why.decode("utf-8", "replace").strip().splitlines() or ["it ended without a word"]
            raise RefusedError(said[-1])
        return told
