"""Frames and HTTP, as bytes in any pieces."""

from __future__ import annotations

import asyncio
import itertools
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.cells.connection import Connection
from factory_tui.cells.http import Malformed, Response, request
from factory_tui.cells.runner.command import Kept
from factory_tui.cells.runner.frames import MAX_IN, VERSION, Frames, pack

headers = st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(), max_size=3)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(at)]


@given(st.lists(st.tuples(headers, st.binary(max_size=50)), max_size=5), st.lists(st.integers(0, 10**6), max_size=20))
def test_frames_survive_any_cutting(sent: list[tuple[dict[str, object], bytes]], cuts: list[int]) -> None:
    frames = Frames(MAX_IN)
    data = b"\0".join(pack(header, payload) for header, payload in sent)
    assert [frame for piece in pieces(data, cuts) for frame in frames.feed(piece)] == sent


@given(st.binary(max_size=2000), st.integers(1, 2000))
def test_a_torn_frame_is_dropped_and_what_it_held_is_not_believed(payload: bytes, keep: int) -> None:
    frames = Frames(4000)
    whole = pack({"op": "put"}, pack({"op": "evil"}) + payload + b"\1")
    torn = whole[: min(keep, len(whole) - 1)]
    good = pack({"op": "good"})
    assert list(frames.feed(torn + bytes(4100) + good)) == [({"op": "good"}, b"")]


def test_a_frame_over_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="a frame of"):
        list(Frames(10).feed(pack({}, bytes(100))))


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(2, 400))
def test_what_is_kept_is_head_and_tail(parts: list[bytes], limit: int) -> None:
    kept = Kept(limit)
    for part in parts:
        kept.add(part)
    whole, half = b"".join(parts), limit // 2
    assert kept.total == len(whole)
    assert kept.bytes() == (whole if len(whole) <= 2 * half else whole[:half] + whole[-half:])


def respond(data: bytes, cuts: list[int], method: str = "GET", limit: int = 10**6) -> Response:
    response = Response(method, limit)
    for piece in pieces(data, cuts):
        if response.feed(piece):
            break
    response.end()
    return response


cutting = st.lists(st.integers(0, 10**6), max_size=20)


@given(st.binary(max_size=200), cutting)
def test_a_body_by_length_by_chunks_and_by_end(body: bytes, cuts: list[int]) -> None:
    head = b"HTTP/1.1 200 OK\r\nX-A:  b \r\n"
    half = len(body) // 2
    chunks = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(c), c) for c in (body[:half], body[half:]) if c)
    for data in (
        head + b"Content-Length: %d\r\n\r\n" % len(body) + body + b"more",
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nTrailer: x\r\n\r\n",
        head + b"\r\n" + body,
        b"HTTP/1.1 100 Continue\r\n\r\n" + head + b"\r\n" + body,
    ):
        response = respond(data, cuts)
        assert (response.status, response.headers[0], response.body) == (200, ("X-A", "b"), body)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_some_responses_have_no_body(method: str, status: int) -> None:
    data = b"HTTP/1.1 %d X\r\nContent-Length: 10\r\n\r\n" % status
    assert respond(data, [], method).body == b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX : space\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000,
    ],
)
def test_what_is_not_http_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        respond(data, [])


@given(st.binary(max_size=300), cutting)
def test_no_bytes_break_the_parser(data: bytes, cuts: list[int]) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        try:
            respond(start + data, cuts)
        except Malformed:
            continue


def test_a_request_says_what_http_needs() -> None:
    assert request("POST", "/a?b=%20", [("X-Y", "z")], b"hi", 80) == (
        b"POST /a?b=%20 HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX-Y: z\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
    )
    assert b"Content-Length" not in request("GET", "/", [], b"", 80)


def test_a_chunk_for_every_byte_and_endless_trailers_cost_no_more_than_their_bytes() -> None:
    response = Response("GET", 1 << 20)
    response.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    began = time.process_time()
    response.feed(b"1\r\na\r\n" * 300_000)
    assert not response.feed(b"0\r\n" + b"a:\r\n" * 400_000)
    assert time.process_time() - began < 10  # seconds; a copy of the rest for every line takes minutes
    assert response.feed(b"\r\n")
    assert response.body == b"a" * 300_000


@pytest.mark.parametrize("after", [b"1" * 5000, b"0\r\n" + b"a" * 5000, b"0\r\n" + b"a" * 5000 + b"\r\n"])
def test_a_line_of_a_chunk_has_bounds(after: bytes) -> None:
    response = Response("GET", 1 << 20)
    with pytest.raises(Malformed):
        response.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + after)


class BabblingWire:
    """A runner that says hello, and then what is no frame."""

    def __init__(self, babble: bytes) -> None:
        self._said: asyncio.Queue[bytes] = asyncio.Queue()
        self._heard = Frames(MAX_IN)
        self._babble = babble

    async def read(self) -> bytes:
        return await self._said.get()

    def write(self, data: bytes) -> None:
        for header, _ in self._heard.feed(data):
            greeting = pack({"op": "hello", "id": "hello", "version": VERSION})
            said = bytes.fromhex(header["nonce"]) + greeting if header["op"] == "hello" else self._babble
            self._said.put_nowait(said)

    async def drain(self) -> None:
        await asyncio.sleep(0)

    async def close(self) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("babble", [b"\1" + b"\xff" * 12, pack({}), pack({"op": "end"})])
async def test_a_runner_that_babbles_is_a_dead_cell_and_nobody_waits_for_it(babble: bytes) -> None:
    async def dial() -> BabblingWire:
        await asyncio.sleep(0)
        return BabblingWire(babble)

    async def why() -> tuple[bool, str]:
        await asyncio.sleep(0)
        return True, "it babbles"

    connection = Connection(dial, why)
    await connection.open(torn=False)
    async with asyncio.timeout(10):
        outcome = await connection.command({"id": "one", "keep": True, "timeout": 1, "limit": 10}, b"", None)
    assert outcome.lost
    assert b"it babbles" in outcome.stderr
    await connection.close()


async def test_who_closes_a_connection_may_be_cancelled() -> None:
    async def dial() -> BabblingWire:
        await asyncio.sleep(0)
        return BabblingWire(b"")

    async def why() -> tuple[bool, str]:
        await asyncio.sleep(0)
        return True, "closed"

    connection = Connection(dial, why)
    await connection.open(torn=False)
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await connection.close()


async def test_who_opens_a_connection_is_cancelled_at_whatever_step() -> None:
    async def dial() -> BabblingWire:
        await asyncio.sleep(0)
        return BabblingWire(b"")

    async def why() -> tuple[bool, str]:
        await asyncio.sleep(0)
        return True, "closed"

    connection = Connection(dial, why)
    for steps in itertools.count(1):
        opening = asyncio.create_task(connection.open(torn=False))
        for _ in range(steps):
            await asyncio.sleep(0)
        if not opening.cancel():
            break
        with pytest.raises(asyncio.CancelledError):
            await opening
    assert steps > 2, "it took more than one"
    await connection.close()
