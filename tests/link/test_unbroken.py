"""A link that comes back: whatever breaks when, every event comes once, in order."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from factory_tui.domain.events import AnyFact, EngineStarted, EngineStopped, Event, Noticed
from factory_tui.link import outbox, unbroken
from factory_tui.link.bridge import bridge
from factory_tui.link.client import Link
from factory_tui.link.protocol import PROTOCOL, Hello, LinkError, Lower, NoAnswer, line
from factory_tui.link.unbroken import Unbroken
from tests.link.conftest import DEADLINE, SmallEngine
from tests.waiting import until

STARTED = EngineStarted("0.1.0", 1, "test", "process", True, "")


@asynccontextmanager
async def logged(engine: SmallEngine, told: list[str]) -> AsyncIterator[tuple[Unbroken, list[Event]]]:
    """An unbroken link from the engine's seq of now, and the events that it brings."""
    got: list[Event] = []
    feed = Unbroken(await Link.connect(engine.path), lambda: Link.connect(engine.path), told.append)

    async def follow() -> None:
        async for message in feed:
            if isinstance(message, Event):
                got.append(message)  # noqa: PERF401 - seen while it grows

    following = asyncio.create_task(follow())
    try:
        yield feed, got
        async with asyncio.timeout(DEADLINE):
            await following
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await feed.close()


def notices(first: int, count: int) -> list[Noticed]:
    return [Noticed("info", f"{number}") for number in range(first, first + count)]


def cut(engine: SmallEngine) -> None:
    """Break every link at once, as a line that drops does."""
    for console in engine.server._consoles:
        console.writer.transport.abort()


async def test_what_happens_while_the_line_is_down_is_asked_for(
    engine: SmallEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unbroken, "BACKOFF", (0.0,))
    monkeypatch.setattr(unbroken, "PAGE", 3)
    engine.record(STARTED, *notices(0, 3))
    told: list[str] = []
    async with logged(engine, told) as (feed, got):
        for turn in range(6):
            engine.record(*notices(turn * 20, 5))
            await until(lambda: feed.state.seq + len(got) == len(engine.events))
            cut(engine)
            engine.record(*notices(turn * 20 + 5, 11))  # nobody is there to be told
            await until(lambda: bool(told))
            told.clear()
        engine.record(EngineStopped("all is told"))
    assert got == engine.events[feed.state.seq :]


async def test_what_a_slow_reader_was_spared_is_asked_for(engine: SmallEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "EVENTS_BOUND", 2_000)
    skip, spared = outbox.Outbox._skip, list[int]()

    def counted(self: outbox.Outbox, first: int, count: int) -> None:
        spared.append(count)
        skip(self, first, count)

    monkeypatch.setattr(outbox.Outbox, "_skip", counted)
    told: list[str] = []
    async with logged(engine, told) as (_feed, got):
        engine.record(STARTED)
        for turn in range(20):
            engine.record(*(Noticed("info", "x" * 50_000) for _ in range(20)))
            engine.record(*notices(turn * 10, 10))
            if turn % 5 == 0:
                await asyncio.sleep(0)
        await until(lambda: len(got) == len(engine.events))
        engine.record(EngineStopped("all is told"))
    assert got == engine.events
    assert (told, bool(spared)) == ([], True)


async def test_an_engine_that_is_away_is_waited_for(engine: SmallEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbroken, "BACKOFF", (0.0, 0.01))
    told: list[str] = []
    async with logged(engine, told) as (_feed, got):
        engine.record(STARTED, *notices(0, 4))
        await until(lambda: len(got) == 5)
        await engine.server.close()
        await until(lambda: any("no engine answers" in said for said in told))
        again = SmallEngine(engine.path)
        again.record(*facts(engine.events), *notices(4, 4), EngineStopped("all is told"))
        await again.server.start()
        await until(lambda: len(got) == 10)
        await again.server.close()
    assert [event.seq for event in got] == list(range(1, 11))


async def test_another_journal_is_no_continuation(engine: SmallEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbroken, "BACKOFF", (0.0,))
    told: list[str] = []
    with pytest.raises(LinkError, match="the journal there ends at seq 1, this log is at 5"):  # noqa: PT012 - it ends with that
        async with logged(engine, told) as (_feed, got):
            engine.record(STARTED, *notices(0, 4))
            await until(lambda: len(got) == 5)
            engine.events, engine.state = [], type(engine.state)()
            engine.record(STARTED)
            cut(engine)


def facts(events: list[Event]) -> list[AnyFact]:
    return [event.fact for event in events]


class Pipes:
    """A bridge to the engine in a thread, with a pipe at either end of it."""

    def __init__(self, engine: SmallEngine, lower: Lower | None = None) -> None:
        source, self.up = os.pipe()
        self.down, sink = os.pipe()
        self.work = asyncio.create_task(self._run(engine, lower, source, sink))

    async def _run(self, engine: SmallEngine, lower: Lower | None, source: int, sink: int) -> None:
        await asyncio.to_thread(bridge, engine.path, lower, source=source, sink=sink)
        os.close(sink)
        os.close(source)

    async def line(self) -> bytes:
        """The next line that comes out of it; empty at its end."""

        def read() -> bytes:
            found = b""
            while not found.endswith(b"\n") and (data := os.read(self.down, 1)):
                found += data
            return found

        async with asyncio.timeout(DEADLINE):
            return await asyncio.to_thread(read)


async def test_a_bridge_carries_both_ways_and_ends_with_the_far_end(engine: SmallEngine) -> None:
    pipes = Pipes(engine, Lower("ana", "viewer"))
    os.write(pipes.up, line(Hello(PROTOCOL)))
    assert b'"hello"' in await pipes.line()
    assert (await pipes.line()).endswith(b'"actor":"ana","role":"viewer"}\n')
    engine.record(*notices(0, 1))
    assert b'"noticed"' in await pipes.line()
    os.close(pipes.up)
    assert await pipes.line() == b""
    await pipes.work
    await until(lambda: not engine.server.consoles)
    os.close(pipes.down)


async def test_a_bridge_ends_with_the_engine_and_when_nobody_reads(engine: SmallEngine) -> None:
    first, second = Pipes(engine), Pipes(engine)
    for pipes in (first, second):
        os.write(pipes.up, line(Hello(PROTOCOL)))
        await pipes.line()
    os.close(second.down)
    engine.record(*notices(0, 1))
    await second.work
    await engine.server.close()
    while await first.line():
        continue
    await first.work
    for descriptor in (first.up, first.down, second.up):
        os.close(descriptor)


async def test_a_bridge_without_an_engine_says_so(engine: SmallEngine) -> None:
    await engine.server.close()
    with pytest.raises(NoAnswer, match="no engine answers"):
        bridge(engine.path)
