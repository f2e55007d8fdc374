"""Process cells: the runner as a local subprocess in a folder of its own.

In bubblewrap where that works; else UNFENCED: for rehearsals and trusted loops only. Owns the folder and the record by
which a later engine finds what a killed one left. A process cell ends with its engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from factory_tui.cells import bubblewrap, group, runner
from factory_tui.cells.cell import RunnerCell
from factory_tui.cells.connection import Connection
from factory_tui.cells.fence import ANNEX, TMP, WORK, addresses
from factory_tui.cells.holder import lives
from factory_tui.cells.protocol import ANY, Cell, CellLimits, Image, Kind, Labels, Mould, Say
from factory_tui.domain.decoding import prepared

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from factory_tui.cells.bubblewrap import Bubble
    from factory_tui.config.recipe import Recipe

_MARK = "FACTORY_TUI_CELL"
_PYTHON = Path(sys.base_prefix) / "bin"
"""First of all, so that python3 is the interpreter of this engine, not a version manager's shim that looks for one."""


class Record(msgspec.Struct, frozen=True):
    """What a later engine needs to find a process cell."""

    id: str
    folder: str
    labels: Labels
    bubble: bool = False
    """Whether it has namespaces of its own, which its folder on this machine says nothing of."""
    user: int | None = None
    """The uid of its commands, where that is not the engine's."""


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
        """End the runner's input; it then kills its commands and ends. What it had still to say is read: a pipe that is
        full would keep asyncio from seeing that end.
        """
        self._out.close()
        with contextlib.suppress(OSError):
            await self._out.wait_closed()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                while await self.read():
                    continue


class ProcessGround:
    """A folder and a runner process, in a bubble or without one."""

    kind: Kind = "process"
    image = Image()
    gauged = False

    def __init__(
        self,
        record: Record,
        path: Path,
        limits: CellLimits,
        bubble: Bubble | None = None,
        mould: Mould = ANY,
    ) -> None:
        self.id = record.id
        self.folder = Path(record.folder)
        self.fenced = bubble is not None and not bubble.lacks
        self.work = WORK if bubble else str(self.folder / "work")
        self.work_bytes = limits.work_bytes
        self._record, self._path = record, path
        self._limits, self._bubble, self._mould = limits, bubble, mould
        self.annex = (ANNEX if bubble else str(self.folder / "annex")) if mould.hosts else ""
        self.hosts: Mapping[str, str] = addresses(mould.hosts) if bubble else {}
        self._ports = itertools.count(8000)
        self._process: asyncio.subprocess.Process | None = None

    async def dial(self) -> PipeWire:
        """Start the runner."""
        limits = {"NOFILE": self._limits.nofile}
        if self._bubble is None or self._bubble.group is None:  # else the cell as a whole is bounded
            limits["DATA"] = self._limits.memory
            limits["FSIZE"] = max(self._limits.work_bytes, self._limits.tmp_bytes)
        config: dict[str, Any] = {"work": self.work, "uid": None, "gid": None, "leave": True, "limits": limits}
        config["env"] = {**dict(self._mould.env), _MARK: self.id}
        if self.annex:
            config["annex"] = {"work": self.annex, "uid": None, "gid": None}
        with ExitStack() as stack:
            words, seccomp = [sys.executable], -1
            if self._bubble:
                seccomp = stack.enter_context(self._bubble.descriptor())
                user, hosts = self._record.user, self._mould.hosts
                words = self._bubble.words(self.id, self.folder, user, self._limits, seccomp, hosts=hosts)
                config |= self._bubble.config(user, hosts)
                limits["NPROC"] = self._limits.pids
            log = stack.enter_context((self.folder / "runner.log").open("wb"))
            self._process = await asyncio.create_subprocess_exec(
                *(*words, *runner.arguments(config)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=self.folder,
                env=self._environment(),
                start_new_session=True,
                pass_fds=[seccomp] if seccomp >= 0 else [],
            )
        return PipeWire(self._process)

    def _environment(self) -> dict[str, str]:
        env = {"LANG": "C.UTF-8", "TERM": "dumb"}
        if self._bubble:  # the mark is for whoever looks for what keeps the bubble up
            return {**env, "PATH": bubblewrap.path(), "HOME": TMP, "TMPDIR": TMP, _MARK: self.id}
        places = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp")}
        return {**env, **places, "PATH": _path()}

    async def why(self) -> tuple[bool, str]:
        """How the runner ended."""
        if self._process is None:
            return True, "the cell's runner could not be started"
        log = self.folder / "runner.log"
        text = log.read_text("utf-8", "replace").strip() if log.exists() else ""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._process.wait()
        return True, f"the cell's runner ended with {self._process.returncode}: {text[-500:] or 'it said nothing'}"

    def port(self) -> int:
        """A port that is free now; any where the loopback is the cell's own."""
        if self._bubble:
            return next(self._ports)
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
                async with asyncio.timeout(5):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        await asyncio.to_thread(erase, self._record, self._path)


class ProcessCells:
    """Process cells of one workspace. ``state`` is the folder for the records.

    Without a ``bubble`` they are UNFENCED.
    """

    kind: Kind = "process"

    def __init__(
        self, workspace: str, state: Path, limits: CellLimits | None = None, bubble: Bubble | None = None
    ) -> None:
        self.fenced = bubble is not None and not bubble.lacks
        self._workspace, self._state, self._bubble = workspace, state, bubble
        self._limits = limits or CellLimits()

    async def start(self, labels: Labels, mould: Mould = ANY) -> RunnerCell:
        """A started cell with an empty work tree; of the mould it has no image."""
        name = f"process-{secrets.token_hex(6)}"
        folder = Path(tempfile.mkdtemp(prefix="factory-tui-cell-"))
        self._state.mkdir(parents=True, exist_ok=True)
        record = Record(name, str(folder), labels, bool(self._bubble), self._bubble.user() if self._bubble else None)
        path = self._state / f"{name}.json"
        path.write_bytes(msgspec.json.encode(record))
        for part in ("work", "home", "tmp", "annex"):
            (folder / part).mkdir()
        ground = ProcessGround(record, path, self._limits, self._bubble, mould)
        connection = Connection(ground.dial, ground.why)
        try:
            await connection.open(torn=False, first=runner.modules())
        except BaseException:
            await connection.close()
            await ground.remove()
            raise
        return RunnerCell(ground, connection)

    async def prepare(self, recipe: Recipe, say: Say) -> Mould:  # noqa: ARG002
        """A mould with the recipe's variables: a process has no image, and nothing is to be said."""
        path = bubblewrap.path() if self._bubble else _path()
        return Mould(env=recipe.variables({"PATH": path}, WORK))

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
                record = msgspec.json.decode(path.read_bytes(), type=prepared(Record))
            except (msgspec.DecodeError, FileNotFoundError):
                path.unlink(missing_ok=True)  # torn by a crash before its cell was started
                continue
            held = record.id in keep or lives(record.labels.holder)
            if not held and record.labels.workspace == self._workspace:
                erase(record, path)
                swept += 1
        return swept

    async def answers(self) -> bool:
        """Always: there is no engine to be gone."""
        return True

    async def close(self) -> None:
        """Nothing is held."""


def carriers(record: Record) -> list[int]:
    """The processes of this machine that carry the cell's mark, or live in its folder."""
    marks = {f"{_MARK}={record.id}".encode(), b"HOME=" + record.folder.encode() + b"/home"}
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with contextlib.suppress(OSError):
                if marks.intersection((process / "environ").read_bytes().split(b"\0")):
                    found.append(int(process.name))
    return found


def _path() -> str:
    return f"{_PYTHON}:{os.environ.get('PATH', bubblewrap.PATH)}"


def erase(record: Record, path: Path) -> None:
    """Kill what carries the cell's mark, remove its folder, then its record."""
    for _ in range(50):
        found = carriers(record)
        if not found:
            break
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    if record.bubble:
        group.remove(record.id)
    if Path(record.folder).name.startswith("factory-tui-cell-"):
        shutil.rmtree(record.folder, ignore_errors=True)
    path.unlink(missing_ok=True)
