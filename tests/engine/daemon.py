"""A Docker engine of a test's own, which can be killed: the machine's own one is left alone."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from factory_tui.cells.docker import connect
from factory_tui.cells.images import ensure
from factory_tui.cells.protocol import CellError
from tests.aside import Bridge
from tests.waiting import until


class Daemon:
    """dockerd with everything it has in one folder, whose path must be short: a socket is in it."""

    def __init__(self, folder: Path, *, live_restore: bool) -> None:
        self.folder, self.live_restore = folder, live_restore
        self.host = f"unix://{folder}/d.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._bridge: Bridge | None = None

    async def start(self) -> None:
        """Run, and answer."""
        bridge = self._bridge = self._bridge or Bridge([])
        self._run(bridge.words())
        await until(self._answers, "dockerd answers", 60)
        bridge.check()

    def _run(self, network: list[str]) -> None:
        told = ["--data-root", "data", "--exec-root", "exec", "--pidfile", "pid"]
        paths = [word if word.startswith("--") else str(self.folder / word) for word in told]
        lives = ["--live-restore"] if self.live_restore else []
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["dockerd", *paths, "-H", self.host, *network, *lives],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            connect().close()
        except CellError:
            return False
        return True

    def image(self) -> str:
        """An image for cells."""
        client = connect()
        try:
            return ensure(client, "")
        finally:
            client.close()

    def containers(self) -> list[str]:
        """The ids of all that there are."""
        client = connect()
        try:
            return [str(one["Id"]) for one in client.api.containers(all=True)]
        finally:
            client.close()

    async def kill(self) -> None:
        """SIGKILL, as out of memory would. Its containerd ends with it, the containers go on."""
        assert self._process is not None
        containerd = self._containerd
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        await until(lambda: not containerd or not Path(f"/proc/{containerd}").exists(), "containerd ends")
        (self.folder / "pid").unlink(missing_ok=True)
        for left in ("containerd.pid", "containerd.sock", "containerd-debug.sock"):
            (self.folder / "exec" / "containerd" / left).unlink(missing_ok=True)

    @property
    def _containerd(self) -> int:
        """The process, 0: none."""
        pid = self.folder / "exec" / "containerd" / "containerd.pid"
        return int(pid.read_text()) if pid.exists() else 0

    async def close(self) -> None:
        """End it with every container, and containerd with it."""
        if self._process is None:
            return
        if self._process.poll() is None:
            client = connect()
            for one in client.api.containers(all=True):
                client.api.remove_container(one["Id"], force=True)
            client.close()
            self._process.terminate()
            await asyncio.to_thread(self._process.wait, 30)
        if self._containerd:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._containerd, signal.SIGTERM)
        self._sweep()
        if self._bridge:
            self._bridge.remove()

    def _sweep(self) -> None:
        """What is left where it would not start again."""
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if process.name.isdigit() and str(self.folder) in (process / "cmdline").read_text():
                    for child in (process / "task" / process.name / "children").read_text().split():
                        os.kill(int(child), signal.SIGKILL)
                    os.kill(int(process.name), signal.SIGKILL)
        for mount in sorted(self._mounts(), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _mounts(self) -> list[str]:
        rows = Path("/proc/self/mounts").read_text().splitlines()
        return [row.split()[1] for row in rows if row.split()[1].startswith(str(self.folder))]
