"""Services in a cell and HTTP exchanges with them, the same in every kind."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from factory_tui.cells.protocol import CellError, Exchange
from tests.waiting import eventually

if TYPE_CHECKING:
    from factory_tui.cells.protocol import Cell, Service


async def answer(cell: Cell, service: Service, path: str = "/", **more: float) -> Exchange:
    """The first answer of a service that may still be starting."""
    ends = time.monotonic() + 10
    while True:
        exchange = await cell.http(service.port, "GET", path, **more)  # type: ignore[arg-type]
        if "refused" not in exchange.error or time.monotonic() > ends:
            return exchange
        await asyncio.sleep(0.02)


def raw_server(reply: bytes, then: str = "") -> str:
    """A command that answers one connection after another with these bytes."""
    return (
        "exec python3 -c 'import os, socket, time\n"
        's = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))\n'
        "while True:\n"
        f"    c = s.accept()[0]; c.recv(65536); c.sendall({reply!r}); {then or 'c.close()'}'"
    ).replace(repr(reply), '"' + repr(reply)[2:-1].replace('"', '\\"') + '".encode("latin-1")')


class Services:
    async def test_a_service_answers_and_stops_with_its_logs(self, cell: Cell) -> None:
        await cell.write("site/page.txt", b"hello")
        service = await cell.serve("exec python3 -m http.server $PORT --bind 127.0.0.1", cwd="site")
        exchange = await answer(cell, service, "/page.txt")
        assert (exchange.status, exchange.body, exchange.error) == (200, b"hello", "")
        assert ("Content-Length", "5") in exchange.headers
        assert await service.alive()
        outcome = await service.stop()
        assert b"GET /page.txt" in outcome.stderr
        assert not await service.alive()
        assert "refused" in (await cell.http(service.port, "GET", "/")).error

    async def test_a_service_that_ends_is_not_alive(self, cell: Cell) -> None:
        service = await cell.serve("echo no >&2; exit 3")

        async def ended() -> bool:
            return not await service.alive()

        await eventually(ended)
        outcome = await service.stop()
        assert (outcome.exit, outcome.stderr) == (3, b"no\n")

    async def test_redirects_are_not_followed(self, cell: Cell) -> None:
        reply = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
        service = await cell.serve(raw_server(reply))
        exchange = await answer(cell, service)
        assert (exchange.status, dict(exchange.headers)["Location"]) == (302, "/other")
        await service.stop()

    async def test_a_kept_open_connection_does_not_hang(self, cell: Cell) -> None:
        reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        service = await cell.serve(raw_server(reply, "time.sleep(100)"))
        exchange = await answer(cell, service)
        assert (exchange.status, exchange.body, exchange.seconds < 5) == (200, b"abc", True)
        await service.stop()

    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (b"nonsense\r\n\r\n", "malformed: status line 'nonsense'"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "malformed: the connection closed inside the body"),
            (b"", "malformed: the connection closed before a response came"),
        ],
    )
    async def test_malformed_http_is_said(self, cell: Cell, reply: bytes, error: str) -> None:
        service = await cell.serve(raw_server(reply))
        exchange = await answer(cell, service)
        assert (exchange.status, exchange.error) == (0, error)
        await service.stop()

    async def test_a_slow_answer_times_out(self, cell: Cell) -> None:
        service = await cell.serve(raw_server(b"HTTP/1.1 200 OK\r\n", "time.sleep(100)"))
        exchange = await answer(cell, service, timeout=0.5)
        assert (exchange.status, exchange.error) == (0, "no complete response within 0.5 s")
        await service.stop()

    async def test_a_body_beyond_the_limit_is_cut(self, cell: Cell) -> None:
        service = await cell.serve(raw_server(b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 5000))
        exchange = await answer(cell, service, limit=1000)
        assert (exchange.status, exchange.body, exchange.cut) == (200, b"y" * 1000, 4000)
        await service.stop()

    async def test_no_header_can_be_smuggled(self, cell: Cell) -> None:
        with pytest.raises(CellError, match="header"):
            await cell.http(1, "GET", "/", headers=[("X", "a\r\nY: b")])
        with pytest.raises(CellError, match="path"):
            await cell.http(1, "GET", "/ HTTP/1.1\r\nX: y")
