"""Where escapes are tried: a cell, its neighbour, and canaries on the host that must sing on."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from factory_tui.cells import probe
from factory_tui.cells.protocol import Labels
from tests.waiting import eventually

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from factory_tui.cells.protocol import Cell, Cells, Service

LABELS = Labels("", "run-1", "agent", 1)
SONG = b"tweet\n"
WATCHED = (
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/domainname",
    "/proc/swaps",
    "/proc/modules",
)
"""Of the host: what an agent that is out could have changed."""
INSIDE = """
import time

def child():
    pid = os.fork()
    if not pid:
        time.sleep(1000)
    return pid

def dial(host, port):
    return socket.create_connection((host, port), 3)

def unix(path):
    socket.socket(socket.AF_UNIX).connect(path)

def touch(path):
    open(path, "w").close()

def agents():
    held = os.walk("/sys/fs/cgroup")
    return [os.path.join(folder, name) for folder, _, names in held for name in names if name == "release_agent"]

CAPABLE = bytes.fromhex("0000000202000000000000000000000000000000")
PIDS_MAX = next((p for p in ("/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/pids.max") if os.path.exists(p)), "/none")
"""


PROBE = Path(probe.__file__).read_text("utf-8")


class Ground:
    """A cell to attack from, and all that must not notice."""

    def __init__(self, cells: Cells, folder: Path) -> None:
        self._cells, self.folder = cells, folder
        self.cell: Cell
        self.neighbour: Cell
        self._service: Service
        self._canary: Process
        self._visits = 0
        self._server: asyncio.Server
        self._abstract: asyncio.Server
        self._name = f"canary-{secrets.token_hex(6)}"
        self._host: dict[str, str] = {}

    async def open(self) -> None:
        """Start the cells and the canaries."""
        self.cell, self.neighbour = await asyncio.gather(self._cells.start(LABELS), self._cells.start(LABELS))
        await self.neighbour.write("canary", SONG)
        self._service = await self.neighbour.serve("exec sleep 1000")
        (self.folder / "canary").write_bytes(SONG)
        sing = "import time\nwhile True: time.sleep(60)"
        self._canary = await asyncio.create_subprocess_exec(sys.executable, "-c", sing)
        self._server = await asyncio.start_server(self._visited, "0.0.0.0", 0)
        self._abstract = await asyncio.start_unix_server(self._visited, f"\0{self._name}")
        self._host = _host()

    def _visited(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._visits += 1
        writer.close()

    async def close(self) -> None:
        """Remove them."""
        self._canary.kill()
        await self._canary.wait()
        self._server.close()
        self._abstract.close()
        await asyncio.gather(self.cell.close(), self.neighbour.close())

    async def alone(self, cells: Cells) -> Cell:
        """A cell that may be lost."""
        return await cells.start(LABELS)

    async def answer(self, tried: str) -> str:
        """How the cell answers an expression."""
        port = self._server.sockets[0].getsockname()[1]
        given = {
            "HOST_PORT": port,
            "HOST_ADDRESS": _address(),
            "HOST_RESOLVER": _resolver(),
            "HOST_SOCKET": self._name,
        }
        lines = [PROBE, INSIDE, *(f"{k} = {v!r}" for k, v in given.items())]
        lines.append(f"os.write(1, answer(lambda: {tried}).encode())")
        lines.append("os.killpg(0, 9)")  # with children of its own
        outcome = await self.cell.run(["python3", "-I", "-S", "-c", "\n".join(lines)], timeout=30)
        return outcome.stdout.decode() or outcome.stderr.decode()

    async def unharmed(self, *, alone: bool) -> None:
        """The neighbour, the host and the connection are as they were."""
        began = time.monotonic()
        assert (await self.neighbour.run("cat canary", timeout=10)).stdout == SONG
        assert await self._service.alive()
        assert time.monotonic() - began < 10
        if not alone:
            await eventually(self._serves, "the cell's connection")
        assert self._canary.returncode is None
        os.kill(self._canary.pid, 0)
        assert (self.folder / "canary").read_bytes() == SONG
        assert self._visits == 0, "something called from inside"
        assert _host() == self._host

    async def _serves(self) -> bool:
        return (await self.cell.run("echo fine", timeout=10)).stdout == b"fine\n"


def _host() -> dict[str, str]:
    facts = {path: Path(path).read_text() for path in WATCHED if Path(path).exists()}
    hour = 3600
    return facts | {"clock": str(abs(time.time() - time.monotonic() - _BOOTED) < hour), "limit": CORES}


_BOOTED = time.time() - time.monotonic()
CORES = str(os.cpu_count())


def _address() -> str:
    """This host's address on its way out, or a documentation address where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe_socket:
        try:
            probe_socket.connect(("192.0.2.1", 9))
        except OSError:
            return "192.0.2.1"
        return str(probe_socket.getsockname()[0])


def _resolver() -> str:
    words = [line.split() for line in Path("/etc/resolv.conf").read_text().splitlines()]
    return next((one[1] for one in words if one[:1] == ["nameserver"] and "." in one[1]), "192.0.2.53")
