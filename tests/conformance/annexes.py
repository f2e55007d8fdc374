"""What serves beside the agent in a cell that has an annex, the same in every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factory_tui.cells.protocol import CellError, Entry
from tests.conformance.services import answer
from tests.waiting import eventually

if TYPE_CHECKING:
    from factory_tui.cells.protocol import Cell

HOSTS = ("api.one.example", "api.two.example")
SERVER = """
import http.server, os, sys
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        data = (open("secret.txt").read() + f" {os.getpid()} {os.getuid()}").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
http.server.ThreadingHTTPServer((sys.argv[1], int(os.environ["PORT"])), Door).serve_forever()
"""
ENTRIES = [Entry("server.py", "file", data=SERVER.encode()), Entry("secret.txt", "file", data=b"psst")]


class Annexes:
    apart = True
    """Whether what runs in the annex has a user of its own."""

    async def test_what_serves_in_the_annex_is_reached_by_its_name(self, annexed: Cell) -> None:
        await annexed.plant(ENTRIES, annex=True)
        assert await annexed.tree() == []
        host = annexed.hosts.get(HOSTS[1], "127.0.0.1")
        service = await annexed.serve(["python3", "server.py", "0.0.0.0"], annex=True)
        assert (await answer(annexed, service)).body.startswith(b"psst ")
        name = HOSTS[1] if annexed.hosts else "127.0.0.1"
        asked = await annexed.run(["python3", "-c", FETCH, f"http://{name}:{service.port}/"])
        assert asked.stdout.startswith(b"psst "), asked.stderr
        assert annexed.hosts in ({}, {HOSTS[0]: "127.0.1.1", HOSTS[1]: host})
        assert await service.alive()
        assert b"GET / HTTP" in (await service.stop()).stderr

    async def test_the_agent_can_neither_read_nor_end_what_serves_in_the_annex(self, annexed: Cell) -> None:
        await annexed.plant(ENTRIES, annex=True)
        service = await annexed.serve(["python3", "server.py", "127.0.0.1"], annex=True)
        _, pid, user = (await answer(annexed, service)).body.decode().split()
        tries = (f"cat {annexed.annex}/secret.txt", f"cat /proc/{pid}/environ", f"kill -9 {pid}", f"id -u; test {user}")
        ended = [await annexed.run(one) for one in tries]
        assert [one.exit == 0 for one in ended] == ([False, False, False, True] if self.apart else [True] * 4)
        assert (ended[3].stdout.decode().strip() != user) is self.apart
        if self.apart:
            assert await service.alive()
        else:

            async def gone() -> bool:
                return not await service.alive()

            await eventually(gone)
        await service.stop()

    async def test_what_a_cell_is_told_every_command_hears_from_then_on(self, annexed: Cell) -> None:
        await annexed.run("true")  # so that a shell waits with what was known before
        await annexed.tell({"ONE_URL": "http://api.one.example"})
        for _ in range(2):
            assert (await annexed.run('echo "$ONE_URL"')).stdout == b"http://api.one.example\n"
        assert (await annexed.run("echo $ONE_URL", env={"ONE_URL": "x"})).stdout == b"x\n"

    async def test_a_cell_without_hosts_has_no_annex(self, cell: Cell) -> None:
        assert (cell.annex, cell.hosts) == ("", {})
        with pytest.raises(CellError, match="no annex"):
            await cell.plant(ENTRIES, annex=True)
        with pytest.raises(CellError, match="no annex"):
            await cell.serve("true", annex=True)


FETCH = "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())"
