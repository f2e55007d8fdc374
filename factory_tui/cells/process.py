"""Process cells: the runner as a local subprocess in a folder of its own.

UNFENCED: for rehearsals and trusted loops only. Owns the folder and the record by which a later engine finds what a
killed one left. A process cell ends with its engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from factory_tui.cells import runner
from factory_tui.cells.cell import RunnerCell
from factory_tui.cells.connection import Connection
from factory_tui.cells.protocol import ANY, Cell, CellLimits, Image, Kind, Labels, Mould

if TYPE_CHECKING:
    from collections.abc import Collection

_MARK = "FACTORY_TUI_CELL"
_PATH = "/usr/local/bin:/usr/bin:/bin"
_PYTHON = Path(sys.base_prefix) / "bin"
"""First of all, so that python3 is the interpreter of this engine, not a version manager's shim that looks for one."""


class Record(msgspec.Struct, frozen=True):
    """What a later engine needs to find a process cell."""

    id: str
    folder: str
    labels: Labels


class PipeWire:
    """The runner's own stdin and stdout."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("a process without pipes")
        self._in, self._out = process.stdout, process.stdin

    async def read(self) -> bytes:
        """The next bytes from the runner."""
        return await self._in.read(1 << 18)

    def write(self, data: bytes) -> None:
        """Queue bytes for the runner."""
        self._out.write(data)

    async def drain(self) -> None:
        """Wait until the queue is short."""
        await self._out.drain()

    async def close(self) -> None:
        """End the runner's input; it then kills its commands and ends."""
        self._out.close()
        with contextlib.suppress(OSError):
            await self._out.wait_closed()


class ProcessGround:
    """A folder and a runner process."""

    kind: Kind = "process"
    fenced = False
    image = Image()
    gauged = False

    def __init__(
        self, name: str, folder: Path, limits: CellLimits, record: Path, env: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.id = name
        self.folder = folder
        self.work = str(folder / "work")
        self.work_bytes = limits.work_bytes
        self._limits, self._record, self._env = limits, record, env
        self._process: asyncio.subprocess.Process | None = None

    async def dial(self) -> PipeWire:
        """Start the runner."""
        config = {
            "work": self.work,
            "uid": None,
            "gid": None,
            "leave": True,
            "nofile": self._limits.nofile,
            "env": {**dict(self._env), _MARK: self.id},
        }
        env = {
            "PATH": f"{_PYTHON}:{os.environ.get('PATH', _PATH)}",
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
        }
        with (self.folder / "runner.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, *runner.arguments(config)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=self.work,
                env=env,
                start_new_session=True,
            )
        return PipeWire(self._process)

    async def why(self) -> tuple[bool, str]:
        """How the runner ended."""
        if self._process is None:
            return True, "the cell's runner could not be started"
        log = self.folder / "runner.log"
        text = log.read_text("utf-8", "replace").strip() if log.exists() else ""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 1)
        return True, f"the cell's runner ended with {self._process.returncode}: {text[-500:] or 'it said nothing'}"

    def port(self) -> int:
        """A port that is free now."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
            return port

    async def freeze(self) -> None:
        """Nothing: the runner stops its commands itself."""

    async def thaw(self) -> None:
        """Nothing: the runner continues its commands itself."""

    async def remove(self) -> None:
        """Wait for the runner to kill its commands, then remove the folder."""
        if self._process is not None:
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        await asyncio.to_thread(erase, Record(self.id, str(self.folder), Labels("", "", "")), self._record)


class ProcessCells:
    """Process cells of one workspace. ``state`` is the folder for the records."""

    kind: Kind = "process"
    fenced = False

    def __init__(self, workspace: str, state: Path, limits: CellLimits | None = None) -> None:
        self._workspace = workspace
        self._state = state
        self._limits = limits or CellLimits()

    async def start(self, labels: Labels, mould: Mould = ANY) -> RunnerCell:
        """A started cell with an empty work tree; of the mould it has the variables only."""
        name = f"process-{secrets.token_hex(6)}"
        folder = Path(tempfile.mkdtemp(prefix="factory-tui-cell-"))
        self._state.mkdir(parents=True, exist_ok=True)
        record = self._state / f"{name}.json"
        record.write_bytes(msgspec.json.encode(Record(name, str(folder), labels)))
        for part in ("work", "home", "tmp"):
            (folder / part).mkdir()
        ground = ProcessGround(name, folder, self._limits, record, mould.env)
        connection = Connection(ground.dial, ground.why)
        try:
            await connection.open(torn=False)
        except BaseException:
            await connection.close()
            await ground.remove()
            raise
        return RunnerCell(ground, connection)

    async def adopt(self) -> list[tuple[Labels, Cell]]:
        """None: a process cell ends with its engine."""
        return []

    async def sweep(self, keep: Collection[str] = ()) -> int:
        """Kill and remove what the records name and nobody keeps."""
        return await asyncio.to_thread(self._sweep, frozenset(keep))

    def _sweep(self, keep: frozenset[str]) -> int:
        swept = 0
        for path in sorted(self._state.glob("process-*.json")):
            try:
                record = msgspec.json.decode(path.read_bytes(), type=Record)
            except (msgspec.DecodeError, FileNotFoundError):
                path.unlink(missing_ok=True)  # torn by a crash before its cell was started
                continue
            if record.id not in keep and record.labels.workspace == self._workspace:
                erase(record, path)
                swept += 1
        return swept

    async def close(self) -> None:
        """Nothing is held."""


def erase(record: Record, path: Path) -> None:
    """Kill what carries the cell's mark, remove its folder, then its record."""
    mark = f"{_MARK}={record.id}".encode()
    folder = record.folder.encode()
    for _ in range(50):
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and int(process.name) != os.getpid():
                with contextlib.suppress(OSError):
                    environment = (process / "environ").read_bytes().split(b"\0")
                    if mark in environment or b"HOME=" + folder + b"/home" in environment:
                        found.append(int(process.name))
        if not found:
            break
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    if Path(record.folder).name.startswith("factory-tui-cell-"):
        shutil.rmtree(record.folder, ignore_errors=True)
    path.unlink(missing_ok=True)
