"""Attach, follow, ask: over a real socket."""

import asyncio
import json
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from factory_tui.domain.commands import EmergencyStop, Pause, Resume
from factory_tui.domain.events import Event, Noticed, ToolReturned
from factory_tui.domain.live import LiveText
from factory_tui.domain.reducer import fold
from factory_tui.link.client import Link, Message
from factory_tui.link.protocol import (
    PROTOCOL,
    REQUEST_LIMIT,
    Hello,
    LinkError,
    LinkLost,
    NoAnswer,
    QueryRequest,
    RefusedError,
    Skipped,
    line,
)
from factory_tui.link.server import user_name
from tests.link.conftest import DEADLINE, SmallEngine
from tests.waiting import until

if TYPE_CHECKING:
    from factory_tui.console.feed import Feed


async def take(link: Link, count: int) -> list[Message]:
    async with asyncio.timeout(DEADLINE):
        return [await anext(link) for _ in range(count)]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def notices(*texts: str) -> list[Noticed]:
    return [Noticed("info", text) for text in texts]


async def test_a_console_gets_the_full_state_then_every_event(engine: SmallEngine) -> None:
    engine.record(*notices("before"))
    link = await Link.connect(engine.path)
    assert link.state == engine.state
    assert (link.now, link.actor, link.role) == (engine.clock, user_name(os.geteuid()), "admin")
    engine.record(*notices("after", "and after"))
    messages = await take(link, 2)
    assert messages == engine.events[1:]
    assert fold([event for event in messages if isinstance(event, Event)], link.state) == engine.state
    await link.close()


async def test_events_are_the_same_for_every_console_and_outlive_one_that_leaves(engine: SmallEngine) -> None:
    stays, leaves = await Link.connect(engine.path), await Link.connect(engine.path)
    engine.record(*notices("one"))
    assert await take(stays, 1) == await take(leaves, 1)
    await leaves.close()
    engine.record(*notices("two"))
    assert await take(stays, 1) == [engine.events[1]]
    await stays.close()


async def test_live_frames_come_in_their_place_and_pieces_of_one_text_are_joined(engine: SmallEngine) -> None:
    link = await Link.connect(engine.path)
    for text in ("a", "b", "c"):
        engine.show(LiveText("a-1", 1, text))
    engine.show(LiveText("b-1", 1, "other"))
    engine.record(*notices("done"))
    engine.show(LiveText("a-1", 2, "next"))
    assert await take(link, 4) == [
        LiveText("a-1", 1, "abc"),
        LiveText("b-1", 1, "other"),
        engine.events[0],
        LiveText("a-1", 2, "next"),
    ]
    await link.close()


async def test_a_command_is_accepted_or_refused_and_carries_who_asked(engine: SmallEngine) -> None:
    link = await Link.connect(engine.path)
    await link.command(Pause("a-1", now=True))
    assert engine.commands == [(user_name(os.geteuid()), "admin", Pause("a-1", now=True))]
    with pytest.raises(RefusedError, match="no run nobody-1"):
        await link.command(Pause("nobody-1"))
    with pytest.raises(RefusedError, match="a fault of the engine: RuntimeError"):
        await link.command(Pause("bug-1"))
    await asyncio.gather(link.command(EmergencyStop()), link.command(Resume("a-1")))
    assert len(engine.commands) == 3
    await link.close()


async def test_a_trace_is_paged_both_ways(engine: SmallEngine) -> None:
    engine.record(*notices(*map(str, range(10))), run="a-1")
    engine.record(*notices("floor"))
    link = await Link.connect(engine.path)
    newest = await link.events("a-1", None, 4)
    assert [event.seq for event in newest] == [7, 8, 9, 10]
    assert [event.seq for event in await link.events("a-1", newest[0].seq, 4)] == [3, 4, 5, 6]
    assert [event.seq for event in await link.events("", None, 4)] == [11]
    assert len(await link.events(None, None, 100)) == 11
    assert await link.events("a-1", 1, 4) == []
    assert [event.seq for event in await link.events("a-1", None, 2, after=3)] == [4, 5]
    assert [event.seq for event in await link.events(None, None, 9, after=9)] == [10, 11]
    assert await link.events(None, None, 9, after=11) == []
    assert await link.events(None, None, 9, kinds=("seed-revised",)) == []
    await link.close()


async def test_the_past_is_asked_for_by_event_or_by_time(engine: SmallEngine) -> None:
    engine.record(*notices("one", "two"))
    engine.clock += 60_000
    engine.record(*notices("three"))
    link = await Link.connect(engine.path)
    assert await link.state_then(2) == fold(engine.events[:2])
    assert await link.state_then(at=engine.clock - 1) == fold(engine.events[:2])
    assert await link.state_then(at=engine.clock) == engine.state
    with pytest.raises(RefusedError, match="there is no event 9; the newest is 3"):
        await link.state_then(9)
    lay = await link.timeline(2)
    assert (lay.end - lay.begin, lay.seqs) == (60_000, (0, 2, 3))
    chain = await link.chain(walk=True)
    assert (chain.newest, chain.seq, chain.why) == (3, 3, "")
    await link.close()


async def test_looking_back_keeps_nobody_waiting_and_the_newest_of_a_kind_counts(engine: SmallEngine) -> None:
    engine.record(*notices("one", "two"))
    engine.may_look_back.clear()
    link = await Link.connect(engine.path)
    first, walk = asyncio.create_task(link.chain(1)), asyncio.create_task(link.chain(walk=True))
    await link.command(EmergencyStop())
    assert not first.done()
    second = asyncio.create_task(link.chain(2))
    with pytest.raises(RefusedError, match="another was asked for meanwhile"):
        await first
    await link.command(Resume("a-1"))
    engine.may_look_back.set()
    assert (await second).newest == 2
    assert (await walk).seq == 2, "a walk goes on while rows are looked at"
    await link.close()


async def test_who_asks_one_link_for_two_instants_is_told_of_both_unless_the_first_was_given_up(
    engine: SmallEngine,
) -> None:
    engine.record(*notices("one", "two"))
    engine.may_look_back.clear()
    link = await Link.connect(engine.path)
    given_up = asyncio.create_task(link.state_then(0))
    first, second = asyncio.create_task(link.state_then(1)), asyncio.create_task(link.state_then(2))
    await link.command(EmergencyStop())
    given_up.cancel()
    engine.may_look_back.set()
    assert [(await first).seq, (await second).seq] == [1, 2]
    await link.close()


async def test_what_somebody_did_is_paged_exactly(engine: SmallEngine) -> None:
    for number in range(9):
        engine.record(*notices(str(number)), actor="ana" if number % 3 else "engine")
    link = await Link.connect(engine.path)
    assert [event.seq for event in await link.events(None, None, 3, actor="ana")] == [6, 8, 9]
    assert [event.seq for event in await link.events(None, 8, 3, actor="!engine")] == [3, 5, 6]
    assert [event.seq for event in await link.events(None, None, 9, after=4, actor="engine")] == [7]
    assert await link.events(None, None, 9, actor="ben") == []
    await link.close()


async def test_a_page_too_long_for_a_line_brings_what_fits_from_the_end_that_was_asked_for(engine: SmallEngine) -> None:
    engine.record(*(ToolReturned(1, "c", "x" * 3_000_000) for _ in range(6)), run="a-1")
    link = await Link.connect(engine.path)
    newest, oldest = await link.events("a-1", None, 6), await link.events("a-1", None, 6, after=0)
    assert 0 < len(newest) < 6
    assert newest == engine.events[-len(newest) :]
    assert oldest == engine.events[: len(newest)]
    await link.close()


async def test_the_engines_clock_is_told(socket_path: Path) -> None:
    engine = SmallEngine(socket_path, tick=0.01)
    await engine.server.start()
    link = await Link.connect(socket_path)
    engine.clock += 5_000
    await until(lambda: link.now == engine.clock)
    await link.close()
    await engine.server.close()


async def test_closing_the_engine_delivers_what_is_left_and_ends_the_iteration(engine: SmallEngine) -> None:
    link = await Link.connect(engine.path)
    engine.record(*notices("last words"))
    await engine.server.close()
    async with asyncio.timeout(DEADLINE):
        assert [message async for message in link] == engine.events
    assert not engine.path.exists()
    with pytest.raises(LinkLost):
        await link.command(EmergencyStop())
    await link.close()


async def test_a_console_that_stops_reading_hurts_nobody_and_is_told_what_it_missed(engine: SmallEngine) -> None:
    sleeper = socket.socket(socket.AF_UNIX)
    sleeper.connect(str(engine.path))
    sleeper.sendall(line(Hello(PROTOCOL)))
    link = await Link.connect(engine.path)
    got: list[Message] = []

    async def follow() -> None:
        async for message in link:
            if not isinstance(message, LiveText):
                got.append(message)  # noqa: PERF401 - seen while it grows

    following = asyncio.create_task(follow())
    slowest = 0.0
    for number in range(300):
        begun = time.perf_counter()
        engine.record(*notices(*(f"{number} " + "x" * 4_000 for _ in range(10))))
        for _ in range(20):
            engine.show(LiveText("a-1", number, "y" * 4_000))
        slowest = max(slowest, time.perf_counter() - begun)
        await until(lambda: len(got) == len(engine.events))
    assert got == engine.events, "the other console has every event"
    assert slowest < 0.5
    (box,) = [console.outbox for console in engine.server._consoles if console.outbox._skipped]
    assert box.pending <= 5 << 20, "what waits for the sleeper is bounded"
    # The sleeper wakes: what it had, then how much it missed, with the state as it is now.
    sleeper.settimeout(DEADLINE)
    woken = await asyncio.to_thread(read_until_skipped, sleeper)
    assert woken.state == engine.state
    assert woken.from_seq + woken.count == len(engine.events) + 1
    sleeper.close()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await link.close()


def read_until_skipped(sleeper: socket.socket) -> Skipped:
    with sleeper.makefile("rb") as lines:
        for data in lines:
            if data.startswith(b'{"type":"skipped"'):
                return msgspec.json.decode(data, type=Skipped)
    raise AssertionError("the link ended before")


@pytest.mark.parametrize(
    ("sent", "identity"),
    [
        (b"garbage\n", 0),
        (b"\xff\xfe\n", 0),
        (b"[]\n", 0),
        (b'{"type":"command","id":7}\n', 7),
        (b'{"type":"command","id":8,"command":{"type":"rm -rf"}}\n', 8),
        (b'{"type":"query","id":9,"run":"a-1","before":"x","limit":1}\n', 9),
        (b'{"type":"dance","id":10}\n', 10),
        (b"\n", 0),
        (b"[" * 200_000 + b"\n", 0),
    ],
)
async def test_a_malformed_line_is_refused_and_the_link_lives(engine: SmallEngine, sent: bytes, identity: int) -> None:
    reader, writer = await asyncio.open_unix_connection(str(engine.path))
    writer.write(line(Hello(PROTOCOL)))
    writer.write(sent + b'{"type":"query","id":99,"run":"","before":null,"limit":0}\n')
    async with asyncio.timeout(DEADLINE):
        _hello, _state, refused, rows = [json.loads(await reader.readline()) for _ in range(4)]
    assert (refused["type"], refused["id"]) == ("refused", identity)
    assert rows == {"type": "rows", "id": 99, "events": []}
    writer.close()
    await writer.wait_closed()


async def test_a_line_without_end_is_refused_and_closed(engine: SmallEngine) -> None:
    reader, writer = await asyncio.open_unix_connection(str(engine.path))
    writer.write(line(Hello(PROTOCOL)))
    writer.write(b"x" * (REQUEST_LIMIT + 1))
    async with asyncio.timeout(DEADLINE):
        lines = (await reader.read()).splitlines()
    assert b"too long" in lines[-1]
    writer.close()
    other = await Link.connect(engine.path)
    await other.close()


async def test_another_protocol_is_refused_by_both_sides(engine: SmallEngine, socket_path: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(engine.path))
    writer.write(line(Hello(999, "tomorrow's")))
    async with asyncio.timeout(DEADLINE):
        _hello, refused = [json.loads(await reader.readline()) for _ in range(2)]
    assert "tomorrow's) speaks protocol 999" in refused["reason"]
    writer.close()

    async def newer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(line(Hello(999, "tomorrow's")))
        await reader.read()
        writer.close()

    future = socket_path.with_name("future.sock")
    server = await asyncio.start_unix_server(newer, future)
    with pytest.raises(LinkError, match=r"engine \(tomorrow's\) speaks protocol 999.*Remedy"):
        await Link.connect(future)
    server.close()
    await server.wait_closed()


async def test_no_engine_is_a_plain_answer(socket_path: Path) -> None:
    with pytest.raises(NoAnswer, match=r"engine\.sock: no engine answers"):
        await Link.connect(socket_path)


async def test_an_engine_that_goes_while_it_is_greeted_is_no_answer(socket_path: Path) -> None:
    """What lies unread in its socket makes the kernel reset the connection."""
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(socket_path))
        engine.listen()
        engine.setblocking(False)
        connecting = asyncio.create_task(Link.connect(socket_path))
        loop = asyncio.get_running_loop()
        heard, _ = await loop.sock_accept(engine)
        readable = asyncio.Event()
        loop.add_reader(heard, readable.set)
        async with asyncio.timeout(DEADLINE):
            await readable.wait()
        loop.remove_reader(heard)
        heard.close()
        with pytest.raises(NoAnswer, match="went instead of saying hello"):
            await connecting


async def test_a_stale_socket_is_replaced_and_one_that_answers_is_not(socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path))
    engine = SmallEngine(socket_path)
    await engine.server.start()
    assert mode(socket_path) == 0o600
    with pytest.raises(LinkError, match="an engine answers there already"):
        await SmallEngine(socket_path).server.start()
    link = await Link.connect(socket_path)
    await link.close()
    await engine.server.close()
    await asyncio.to_thread(socket_path.write_text, "precious")
    with pytest.raises(LinkError, match="not a socket"):
        await engine.server.start()
    assert await asyncio.to_thread(socket_path.read_text) == "precious"


async def test_a_path_that_cannot_be_bound_is_named(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 120)
    with pytest.raises(LinkError, match=r"xxx: no socket can be made there.*107 bytes"):
        await SmallEngine(path).server.start()


async def test_another_user_is_refused_by_what_the_kernel_says(
    engine: SmallEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)  # only root could become another user at the other end
    with pytest.raises(LinkError, match=f"belongs to another user; {user_name(ours)} may not attach"):
        await Link.connect(engine.path)
    assert engine.server.consoles == 0


async def test_the_console_can_be_fed_by_it(engine: SmallEngine) -> None:
    link = await Link.connect(engine.path)
    feed: Feed = link
    engine.record(*notices("seen"))
    async with asyncio.timeout(DEADLINE):
        async for message in feed:
            assert message == engine.events[0]
            break
    await feed.close()


async def test_a_console_that_asks_much_and_dies_without_reading_is_let_go(engine: SmallEngine) -> None:
    engine.record(*notices(*["x" * 50_000] * 100))
    reader, writer = await asyncio.open_unix_connection(str(engine.path))
    writer.write(line(Hello(PROTOCOL)))
    for number in range(1, 6):
        writer.write(line(QueryRequest(number, None, None, 100)))
    await writer.drain()
    await until(lambda: any(console.outbox.full for console in engine.server._consoles))
    writer.transport.abort()
    await until(lambda: engine.server.consoles == 0)
    del reader


def test_a_user_without_a_name_is_called_by_number() -> None:
    assert user_name(3_999_999_999) == "uid 3999999999"
