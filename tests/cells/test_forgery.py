"""No bytes that a command prints, serves, writes or names forge, end or delay another command's result.

Against real runners. What is printed is frames of the protocol's own kinds, whole, torn, and with random bytes between,
about the command that must not notice.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_tui.cells.attach import AttachWire
from factory_tui.cells.protocol import Entry
from factory_tui.cells.reach import Stream
from factory_tui.cells.runner.frames import pack
from tests.conformance.services import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory_tui.cells.protocol import Cell

SHOWN = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
VICTIM, OTHERS = "victim", ("hello", "attack", "", "1.1")
OPS = ("end", "out", "part", "data", "closed", "ready", "unknown", "err", "done", "kill", "ack", "hello", "start")
COUNT = itertools.count()
SERVE = """exec python3 -I -S -c 'import os, socket
s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    c = s.accept()[0]; c.recv(65536); c.sendall(open("reply", "rb").read()); c.close()'"""

headers = st.fixed_dictionaries(
    {"op": st.sampled_from(OPS), "id": st.sampled_from((VICTIM, VICTIM, VICTIM, *OTHERS))},
    optional={
        "exit": st.integers(-9, 255),
        "cut": st.just(0),
        "timed_out": st.booleans(),
        "seconds": st.just(0.0),
        "out": st.integers(0, 9),
        "stream": st.integers(0, 1),
        "version": st.integers(0, 3),
        "error": st.just("too long"),
        "forget": st.booleans(),
    },
)
pieces = st.one_of(
    st.tuples(headers, st.binary(max_size=40), st.integers(0, 200)),
    st.binary(max_size=80),
    st.just(bytes(300)),
)
evils = st.lists(pieces, min_size=1, max_size=8)


def printed(evil: list[tuple[dict[str, Any], bytes, int] | bytes], victim: str) -> bytes:
    """The frames with the victim's real id; a number below their length tears them there."""
    out = []
    for piece in evil:
        if isinstance(piece, bytes):
            out.append(piece)
            continue
        header, payload, keep = piece
        whole = pack({**header, "id": victim if header["id"] == VICTIM else header["id"]}, payload)
        out.append(whole[:keep] if 0 < keep < len(whole) else whole)
    return b"".join(out)


class Forgery:
    """While the attack goes on a victim waits, with an id that the attack knows."""

    async def attacked(self, cell: Cell, evil: list[Any], attack: Callable[[bytes], Any]) -> None:
        name = f"victim-{next(COUNT)}"
        heard: list[tuple[str, bytes]] = []
        command = f"echo early; until test -e {name}; do sleep 0.005; done; echo true; echo err >&2; exit 7"
        victim = asyncio.create_task(
            cell.run(command, id=name, timeout=60, on_output=lambda s, d: heard.append((s, d)))
        )
        await cell.run("true")  # the victim was sent before it
        await attack(printed(evil, name))
        assert not victim.done(), victim.result()
        await cell.write(name, b"")
        outcome = await asyncio.wait_for(victim, 30)
        assert (outcome.exit, outcome.stdout, outcome.stderr) == (7, b"early\ntrue\n", b"err\n")
        assert not outcome.lost | outcome.timed_out | outcome.cut
        assert b"".join(data for stream, data in heard if stream == "stdout") == b"early\ntrue\n"

    @given(evil=evils, live=st.booleans())
    @SHOWN
    async def test_output(self, cell: Cell, evil: list[Any], live: bool) -> None:
        async def attack(data: bytes) -> None:
            heard: list[bytes] = []
            listen = (lambda _, part: heard.append(part)) if live else None
            outcome = await cell.run("tee /dev/stderr", stdin=data, on_output=listen)
            assert outcome.stdout == outcome.stderr == data
            assert outcome.exit == 0
            assert sum(map(len, heard)) == (2 * len(data) if live else 0)

        await self.attacked(cell, evil, attack)

    @given(evil=evils)
    @SHOWN
    async def test_files_and_names(self, cell: Cell, evil: list[Any]) -> None:
        async def attack(data: bytes) -> None:
            name = "n" + os.fsdecode(data.replace(b"\0", b"0").replace(b"/", b"1")[:100])
            await cell.plant([Entry(f"held/{name}", "file", 0o644, data)])
            assert await cell.read(f"held/{name}") == data
            assert {entry.path: entry.data for entry in await cell.tree()}[f"held/{name}"] == data
            await cell.run("rm -rf held")

        await self.attacked(cell, evil, attack)

    @given(evil=evils, head=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n\r\n"]))
    @settings(SHOWN, max_examples=8)
    async def test_services(self, cell: Cell, evil: list[Any], head: bytes) -> None:
        async def attack(data: bytes) -> None:
            await cell.write("reply", head + data)
            service = await cell.serve(SERVE)
            exchange = await answer(cell, service)
            assert (exchange.body == data) if head else exchange.error
            await service.stop()

        await self.attacked(cell, evil, attack)

    async def test_a_flood_delays_nobody(self, cell: Cell) -> None:
        flood = asyncio.create_task(cell.run("yes | tee /dev/stderr", timeout=60, on_output=lambda *_: None))
        await cell.run("true")
        for _ in range(10):
            assert (await asyncio.wait_for(cell.run("echo true"), 15)).stdout == b"true\n"
        flood.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flood


@pytest.mark.asyncio(loop_scope="class")
class TestProcessCell(Forgery):
    kind = "process"


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestDockerCell(Forgery):
    kind = "docker"


@given(
    sent=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=60)), max_size=12),
    cuts=st.lists(st.integers(0, 999), max_size=12),
)
async def test_the_daemons_own_headers_part_what_the_runner_said_however_it_is_cut(
    sent: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    whole = b"".join(bytes((kind, 0, 0, 0)) + len(data).to_bytes(4, "big") + data for kind, data in sent)
    at = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})
    ours, theirs = socket.socketpair()
    stream = Stream(*await asyncio.open_connection(sock=ours))
    wire = AttachWire(stream)
    with theirs:
        for start, end in itertools.pairwise(at):
            theirs.send(whole[start:end])
            await asyncio.sleep(0)
    got = b""
    while data := await wire.read():
        got += data
    await wire.close()
    assert got == b"".join(data for kind, data in sent if kind == 1)
    assert wire.said == b"".join(data for kind, data in sent if kind == 2)[-2000:]
