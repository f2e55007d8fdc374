"""What bubblewrap adds to a process cell, from the agent's side; and what is said where it cannot."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import socket
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory_tui.cells.bubblewrap import look
from factory_tui.cells.choose import choose
from factory_tui.cells.group import Scope
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Labels
from tests.cells.conftest import LABELS, LIMITS
from tests.cells.test_process import alive
from tests.waiting import eventually

if TYPE_CHECKING:
    from factory_tui.cells.bubblewrap import Bubble
    from factory_tui.cells.protocol import Cell

ENGINE = """
import asyncio, sys
from pathlib import Path
from factory_tui.cells.bubblewrap import look
from factory_tui.cells.group import Scope
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Labels

async def main():
    cells = ProcessCells("w", Path(sys.argv[1]), bubble=look())
    cell = await cells.start(Labels("w", "r", "agent"))
    await cell.run(f"setsid sleep {sys.argv[2]} > /dev/null 2>&1 &")
    print("up", flush=True)
    await cell.run("sleep 1000")

asyncio.run(main())
"""

PREFIX = Path(sys.base_prefix).resolve().parts[1].encode()
PREFIX = Path(sys.base_prefix).resolve().parts[1].encode()
MANY = """
import os, time
try:
    for n in range({}):
        if not os.fork():
            time.sleep(1000)
        print(n, flush=True)
    print("enough", flush=True)
    time.sleep(1000)
except BlockingIOError:
    print("full", flush=True)
    os.killpg(0, 9)
"""


class Fence:
    """Both shapes are held to this. `cell` is shared by the class."""

    async def test_the_agent_holds_nothing(self, cell: Cell) -> None:
        status = (await cell.run("cat /proc/self/status")).stdout.decode()
        for row in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert re.search(rf"{row}:\s+0000000000000000\n", status)
        assert re.search(r"NoNewPrivs:\s+1\n", status)
        assert re.search(r"Seccomp:\s+2\n", status)
        assert (await cell.run("id -un; id -u")).stdout.split()[0] == b"agent"

    async def test_only_the_work_tree_and_temporary_folders_can_be_written(self, cell: Cell) -> None:
        outcome = await cell.run("touch /x /etc/x /usr/x /dev/x /work/x /tmp/x /dev/shm/x")
        assert outcome.stderr.count(b"Read-only") == 4
        assert outcome.stderr.count(b"\n") == 4

    async def test_nothing_of_this_machine_is_there_but_its_programs(self, cell: Cell, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("a key")
        there = (await cell.run("ls /")).stdout.split()
        allowed = {b"bin", b"sbin", b"lib", b"lib32", b"lib64", b"libx32", b"usr", b"etc", b"dev", b"proc", PREFIX}
        assert set(there) <= allowed | {b"work", b"tmp"}
        for path in (
            tmp_path / "secret",
            "/etc/shadow",
            "/etc/hostname",
            "/etc/machine-id",
            "/run",
            "/var/run/docker.sock",
        ):
            assert (await cell.run(["cat", str(path)])).stderr.count(b"No such file") == 1, path
        assert (await cell.run("hostname 2>/dev/null || cat /proc/sys/kernel/hostname")).stdout == b"cell\n"

    async def test_no_network_and_no_socket_of_this_machine_is_reached(self, cell: Cell) -> None:
        name = f"\0factory-tui-{os.getpid()}"
        with socket.create_server(("127.0.0.1", 0)) as server, closing(socket.socket(socket.AF_UNIX)) as abstract:
            abstract.bind(name)
            abstract.listen()
            port = server.getsockname()[1]
            code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
            assert b"refused" in (await cell.run(["python3", "-c", code])).stderr
            code = f"import socket; socket.socket(socket.AF_UNIX).connect({name!r})"
            assert b"refused" in (await cell.run(["python3", "-c", code])).stderr
        code = "import socket; socket.create_connection(('1.1.1.1', 80), 2)"
        assert b"unreachable" in (await cell.run(["python3", "-c", code])).stderr
        assert (await cell.run("tail -n +3 /proc/net/dev | cut -d : -f 1")).stdout.split() == [b"lo"]

    async def test_the_runner_cannot_be_read_ended_or_spoken_for(self, cell: Cell) -> None:
        for command in (
            "cat /proc/1/environ",
            "cat /proc/1/fd/0",
            "head -c 1 /proc/1/mem",
            "cat /proc/1/maps",
            "echo forged > /proc/1/fd/1",
            "cat /proc/$PPID/environ",
            "echo forged > /proc/$PPID/fd/3",
        ):
            outcome = await cell.run(command)
            assert outcome.exit != 0, command
            assert re.search(b"ermission denied|not permitted", outcome.stderr), (command, outcome)
        await cell.run("kill -9 1; kill -STOP 1")
        assert (await cell.run("echo fine")).stdout == b"fine\n"
        assert (await cell.run("exec ls /proc/self/fd")).stdout.split() == [b"0", b"1", b"2", b"3"]

    async def test_no_process_of_this_machine_is_seen(self, cell: Cell) -> None:
        seen = {int(name) for name in (await cell.run("cd /proc; ls -d [0-9]*")).stdout.split()}
        assert len(seen) < 12

    async def test_new_namespaces_io_uring_and_tracing_are_shut(self, cell: Cell) -> None:
        assert b"not permitted" in (await cell.run("unshare --user true")).stderr
        code = (
            "import ctypes; c = ctypes.CDLL(None, use_errno=True); print(c.syscall(425, 1, None), ctypes.get_errno())"
        )
        assert (await cell.run(["python3", "-c", code])).stdout == b"-1 38\n"
        code = "import ctypes; c = ctypes.CDLL(None, use_errno=True); print(c.ptrace(16, 1, 0, 0), ctypes.get_errno())"
        assert (await cell.run(["python3", "-c", code])).stdout == b"-1 1\n"

    async def test_a_flood_on_the_disk_ends_at_the_space_it_has(self, cell: Cell) -> None:
        outcome = await cell.run(
            "for d in /work /tmp /dev/shm; do"
            " for n in 1 2 3; do head -c 60000000 /dev/zero > $d/flood$n; done; rm $d/flood*; done"
        )
        assert outcome.stderr.count(b"No space left") >= 3
        assert (await cell.run("echo fine > f; cat f")).stdout == b"fine\n"

    async def test_memory_of_a_process_ends_at_the_limit(self, cell: Cell) -> None:
        outcome = await cell.run(["python3", "-c", "x = bytearray(400 << 20)"])
        assert outcome.exit == -9 or b"MemoryError" in outcome.stderr

    async def test_memory_ends_at_the_limit_of_the_cell_and_the_runner_lives(self, cell: Cell, bubble: Bubble) -> None:
        if bubble.group is None:
            pytest.skip("this user can make no control group")
        hog = "python3 -c 'x = b\"x\" * (150 << 20); import time; time.sleep(1000)'"
        assert (await cell.run(f"{hog} & {hog} & {hog} & wait -n; echo $?; kill -9 $(jobs -p)")).stdout == b"137\n"
        assert (await cell.run("echo fine")).stdout == b"fine\n"


@pytest.mark.asyncio(loop_scope="class")
class TestBubble(Fence):
    kind = "bubble"

    async def test_a_fork_bomb_ends_at_the_limit_and_its_timeout(self, cell: Cell) -> None:
        outcome = await cell.run("bomb() { bomb | bomb & }; bomb; sleep 1000", timeout=1, limit=1000)
        assert outcome.timed_out

        async def well() -> bool:
            return (await cell.run("echo fine")).stdout == b"fine\n"

        await eventually(well)
        outcome = await cell.run(["python3", "-c", MANY.format(999)], timeout=20)
        assert (outcome.exit, outcome.stdout[-5:]) == (-9, b"full\n")
        assert LIMITS.pids - 12 < len(outcome.stdout.split()) <= LIMITS.pids


@pytest.mark.asyncio(loop_scope="class")
class TestBubbleOfAPlainUser(Fence):
    kind = "namespace"


async def test_cells_do_not_count_each_others_processes(bubble: Bubble, tmp_path: Path) -> None:
    cells = ProcessCells("w", tmp_path, LIMITS, bubble)
    one, other = await asyncio.gather(cells.start(LABELS), cells.start(LABELS))
    half = LIMITS.pids * 2 // 3
    one_said, other_said = bytearray(), bytearray()
    many = ["python3", "-c", MANY.format(half)]
    tasks = [
        asyncio.create_task(one.run(many, on_output=lambda _, data: one_said.extend(data))),
        asyncio.create_task(other.run(many, on_output=lambda _, data: other_said.extend(data))),
    ]

    async def both() -> bool:
        return all(said.split()[-1:] == [b"enough"] for said in (one_said, other_said))

    await eventually(both)
    await asyncio.gather(one.close(), other.close())
    for outcome in await asyncio.gather(*tasks):
        assert outcome.lost


async def test_a_killed_engines_cell_ends_and_its_folder_is_swept(bubble: Bubble, tmp_path: Path) -> None:
    seconds = str(1_000_000 + secrets.randbelow(1_000_000))
    engine = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ENGINE, str(tmp_path), seconds),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert engine.stdout
    assert await engine.stdout.readline() == b"up\n"
    below: set[int] = set()

    async def sleeping() -> bool:
        below.update(sleepers(seconds))
        return bool(below)

    await eventually(sleeping)
    engine.kill()
    await engine.wait()

    async def ended() -> bool:
        return not any(alive(pid) for pid in below)

    await eventually(ended)
    (name,) = recorded(tmp_path)
    assert await ProcessCells("w", tmp_path).sweep() == 1
    assert await ProcessCells("w", tmp_path).sweep() == 0
    assert not groups(name)


def recorded(state: Path) -> list[str]:
    return [path.stem for path in state.glob("process-*.json")]


def groups(name: str) -> list[Path]:
    """The kernel's folders of the cell's control group, where root made one."""
    return list(Path("/sys/fs/cgroup").glob(f"**/factory-tui/{name}"))


def sleepers(seconds: str) -> set[int]:
    """The daemons of the cell above, as this machine numbers them."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes() == f"sleep\0{seconds}\0".encode():
                found.add(int(process.name))
        except OSError:
            continue
    return found


async def test_a_plain_users_systemd_is_asked_for_the_limits_of_the_cell(bubble: Bubble, tmp_path: Path) -> None:
    """A script stands in for systemd-run, which no test machine without logins has."""
    (asked := tmp_path / "systemd-run").write_text(
        f'#!/bin/sh\nwhile [ "$1" != -- ]; do echo "$1" >> {tmp_path}/asked; shift; done; shift; exec "$@"\n'
    )
    asked.chmod(0o755)
    cells = ProcessCells("w", tmp_path, LIMITS, replace(bubble, group=Scope(str(asked))))
    cell = await cells.start(LABELS)
    assert (await cell.run("id -un")).stdout == b"agent\n"
    await cell.close()
    words = (tmp_path / "asked").read_text().split()
    assert words[:5] == ["--user", "--scope", "--quiet", "--collect", f"--unit=factory-tui-{cell.id}"]
    assert words[6::2] == [f"MemoryMax={LIMITS.memory}", "MemorySwapMax=0", f"TasksMax={LIMITS.pids}", "CPUQuota=100%"]


class TestWithout:
    async def test_it_is_not_installed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        cells, why = await choose("w", tmp_path, kind="process")
        assert not cells.fenced
        assert why == (
            "process cells were asked for; they are UNFENCED: bubblewrap is not installed. Remedy: install it "
            "(apt-get install bubblewrap)"
        )

    async def test_it_is_installed_and_does_not_work(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (program := tmp_path / "bwrap").write_text(
            "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2; exit 1"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        cells, why = await choose("w", tmp_path, kind="process")
        assert not cells.fenced
        assert "does not work: bwrap: setting up uid map: Permission denied. Remedy: let users make" in why

    async def test_a_fence_with_a_hole_is_said_to_be_none(
        self, bubble: Bubble, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (program := tmp_path / "bwrap").write_text(
            f"#!{sys.executable}\nimport os, sys\n"
            f"os.execv({bubble.program!r}, [w for w in sys.argv if w != '--unshare-net'])\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        found = look()
        assert not isinstance(found, str)
        assert "a network is there" in found.lacks
        cells, why = await choose("w", tmp_path, kind="process")
        assert not cells.fenced
        assert re.search("; in bubblewrap, UNFENCED: .*a network is there", why)

    async def test_it_is_not_wanted(self, tmp_path: Path) -> None:
        cells, why = await choose("w", tmp_path, kind="process", bubblewrap=False)
        assert not cells.fenced
        assert why.endswith("they are UNFENCED, as [cells] bubblewrap wants it")

    async def test_where_it_works_it_fences(self, bubble: Bubble, tmp_path: Path) -> None:
        cells, why = await choose("w", tmp_path, kind="process")
        assert cells.fenced == (not bubble.lacks)
        assert ("bubblewrap fences process cells" in why) == cells.fenced


async def test_a_plain_process_cell_has_the_limits_that_a_process_can_have(tmp_path: Path) -> None:
    cells = ProcessCells("w", tmp_path, LIMITS)
    cell = await cells.start(Labels("w", "r", "agent"))
    assert (await cell.run("ulimit -c; ulimit -n")).stdout.split() == [b"0", str(LIMITS.nofile).encode()]
    assert b"MemoryError" in (await cell.run(["python3", "-c", "x = bytearray(400 << 20)"])).stderr
    assert (await cell.run("head -c 100000000 /dev/zero > flood")).exit != 0
    assert int((await cell.run("stat -c %s flood")).stdout) == LIMITS.work_bytes
    await cell.close()
