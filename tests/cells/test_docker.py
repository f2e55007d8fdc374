"""What only a Docker cell promises: it outlives its engine's connection, and its fence holds from the agent's side."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from factory_tui.cells import connection, containers, fence
from factory_tui.cells.attach import attach
from factory_tui.cells.client import Engine
from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.protocol import (
    MIB,
    CellDied,
    CellError,
    CellLimits,
    ImageUnfit,
    Labels,
    Mould,
    NoEngine,
    NoImage,
)
from factory_tui.cells.reach import Address
from factory_tui.cells.runner.frames import pack
from tests.cells.conftest import LABELS, LIMITS
from tests.cells.holders import another_process
from tests.waiting import eventually, until

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from factory_tui.cells.protocol import Cell

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="class")]


class TestStanding:
    """Freezing and thawing, each of which may be cut off or asked for twice."""

    @pytest.mark.timeout(30)
    async def test_a_thaw_that_is_cut_off_before_the_engine_hears_of_it_still_happens(
        self, docker_cells: DockerCells
    ) -> None:
        cell = await docker_cells.start(LABELS)
        await cell.pause()
        busy = threading.Event()
        others = [asyncio.create_task(docker_cells.ask(lambda _: busy.wait(10))) for _ in range(8)]
        await asyncio.sleep(0)
        thaw = asyncio.create_task(cell.resume())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        thaw.cancel()
        busy.set()
        await asyncio.gather(*others)
        await cell.pause()
        await cell.resume()
        assert (await cell.run("echo on")).stdout == b"on\n"
        await cell.close()

    @pytest.mark.timeout(30)
    async def test_it_may_be_frozen_twice(self, docker_cells: DockerCells) -> None:
        cell = await docker_cells.start(LABELS)
        await cell.pause()
        await cell.pause()
        await cell.resume()
        assert (await cell.run("echo on")).stdout == b"on\n"
        await cell.close()


class TestEnding:
    """A cell that is closed ends by itself, for which no program of the engine's has to start; then it is removed."""

    @staticmethod
    async def told(cells: DockerCells, since: int, name: str) -> list[str]:
        """What became of a container by the engine's own events, removal last."""
        only = {"container": name, "event": ["kill", "die", "destroy"]}

        def listen(client: Engine) -> list[str]:
            heard: list[str] = []
            for event in client.events(since=since, filters=only, decode=True):
                heard.append(f"{event['Action']} {event['Actor']['Attributes'].get('exitCode', '')}".strip())
                if heard[-1] == "destroy":
                    break
            return heard

        return await cells.ask(listen)

    @pytest.mark.timeout(60)
    async def test_what_runs_in_it_ends_with_it(
        self, docker_cells: DockerCells, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection, "LEAVE", 30.0)
        cell, since = await docker_cells.start(LABELS), int(time.time())
        await cell.run("(trap '' TERM; while :; do sleep 1; done) & echo on")
        await cell.close()
        assert await self.told(docker_cells, since, cell.id) == ["die 0", "destroy"]

    @pytest.mark.timeout(60)
    async def test_one_that_never_heard_its_runner_is_not_taken_over(self, docker_cells: DockerCells) -> None:
        mould = Mould(docker_cells._image)
        name, _ = await docker_cells.ask(
            lambda c: docker_cells._create(c, f"factory-tui-{secrets.token_hex(8)}", mould, LABELS)
        )
        await docker_cells.ask(lambda c: containers.begin(c, name, mould.image))
        assert not await docker_cells.adopt(), "its engine died before it had sent one"
        assert await docker_cells.sweep() == 1

    @pytest.mark.timeout(60)
    async def test_one_that_is_frozen_is_not_waited_for(
        self, docker_cells: DockerCells, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection, "LEAVE", 300.0)
        cell, since = await docker_cells.start(LABELS), int(time.time())
        await cell.pause()
        await cell.close()
        assert (await self.told(docker_cells, since, cell.id))[-1] == "destroy"

    @pytest.mark.timeout(60)
    async def test_an_engine_that_ends_meanwhile_leaves_none_behind(
        self, docker_cells: DockerCells, docker_workspace: str, cell_image: str
    ) -> None:
        own = DockerCells(connect(), docker_workspace, cell_image, LIMITS)
        cell = await own.start(LABELS)
        await own.ask(lambda client: client.api.pause(cell.id))  # so that it does not leave when it is told
        closing = asyncio.create_task(cell.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        await own.close()
        assert await docker_cells.sweep() == 0


class TestLeft:
    """Who starts or removes a cell is cancelled, and no engine answers: what may be there goes with the next start."""

    @staticmethod
    async def cut_off(cells: DockerCells, doing: Coroutine[Any, Any, object], *, done: bool) -> None:
        """Cancel it in its first call of an engine that does not answer; `done`: it did what it was asked for."""
        ask, asked, goes = cells.ask, asyncio.Event(), asyncio.Event()

        async def away(question: Callable[[Engine], object]) -> object:
            asked.set()
            await goes.wait()
            if done:
                await ask(question)
            raise NoEngine("it went away")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cells, "ask", away)
            task = asyncio.create_task(doing)
            await asked.wait()
            task.cancel()
            await asyncio.sleep(0)
            goes.set()
            with pytest.raises((asyncio.CancelledError, NoEngine)):
                await task
            await until(lambda: bool(cells._left), "what may be there is noted")

    @pytest.mark.timeout(30)
    async def test_a_container_whose_removal_was_cut_off(self, docker_cells: DockerCells) -> None:
        cell = await docker_cells.start(LABELS)
        await self.cut_off(docker_cells, docker_cells.remove(cell.id), done=False)
        await (await docker_cells.start(LABELS)).close()
        assert await docker_cells.sweep() == 0

    @pytest.mark.timeout(30)
    async def test_a_container_whose_start_was_cancelled_twice(
        self, docker_cells: DockerCells, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create, asked, goes = docker_cells._create, threading.Event(), threading.Event()
        removed = asyncio.Event()

        def late(*given: Any) -> tuple[str, str]:
            asked.set()
            goes.wait()
            return create(*given)

        async def remove(name: str) -> str:
            said = await DockerCells._remove(docker_cells, name)
            removed.set()
            return said

        monkeypatch.setattr(docker_cells, "_create", late)
        monkeypatch.setattr(docker_cells, "_remove", remove)
        starting = asyncio.create_task(docker_cells.start(LABELS))
        await asyncio.to_thread(asked.wait)
        for _ in range(2):
            starting.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        goes.set()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await removed.wait()
        assert await docker_cells.sweep() == 0

    @pytest.mark.timeout(30)
    async def test_a_container_of_which_nobody_was_told(self, docker_cells: DockerCells) -> None:
        await self.cut_off(docker_cells, docker_cells.start(LABELS), done=True)
        await (await docker_cells.start(LABELS)).close()
        assert await docker_cells.sweep() == 0


class TestReattach:
    """Two engines one after the other: `docker_cells` is the first, `second` the next."""

    async def second(self, workspace: str, image: str) -> tuple[DockerCells, Cell]:
        cells = DockerCells(connect(), workspace, image, LIMITS)
        ((labels, cell),) = await cells.adopt()
        assert (labels.workspace, labels.run, labels.role, labels.number) == (workspace, "run-1", "agent", 1)
        return cells, cell

    async def test_a_command_that_runs_through_a_restart_keeps_its_outcome(
        self, docker_workspace: str, cell_image: str
    ) -> None:
        first = DockerCells(connect(), docker_workspace, cell_image, LIMITS)
        cell: Cell = await first.start(LABELS)
        done = await cell.run("echo before", id="done")
        tasks = [
            asyncio.create_task(
                cell.run("until test -e go; do sleep 0.01; done; echo once | tee -a count", id="running")
            ),
            asyncio.create_task(cell.run("head -c 3000000 /dev/zero; sleep 1000", id="late", timeout=1)),
        ]

        async def started() -> bool:
            return (await cell.run("ps ax -o args | grep -x 'sleep 1000'")).exit == 0

        await eventually(started)
        await first.close()  # a killed engine's connection ends without a word
        for task in tasks:
            with pytest.raises(asyncio.CancelledError):
                await task

        second, cell = await self.second(docker_workspace, cell_image)
        assert await cell.run("echo before", id="done") == done
        waiting = asyncio.create_task(cell.run("echo twice >> count", id="running"))
        late = await cell.outcome("late")
        assert (late.timed_out, len(late.stdout), late.cut) == (True, MIB, 3_000_000 - MIB)
        assert not waiting.done()
        await cell.write("go", b"")
        outcome = await waiting
        assert (outcome.stdout, outcome.exit) == (b"once\n", 0)
        assert await cell.read("count") == b"once\n"
        await cell.close()
        assert await second.adopt() == []
        await second.close()

    async def test_an_outcome_while_nobody_listened_is_kept(self, docker_workspace: str, cell_image: str) -> None:
        first = DockerCells(connect(), docker_workspace, cell_image, LIMITS)
        cell: Cell = await first.start(LABELS)
        task = asyncio.create_task(
            cell.run("until test -e go; do sleep 0.01; done; echo alone; touch gone", id="alone")
        )
        await cell.run("(sleep 0.3; touch go) > /dev/null 2>&1 &")
        await first.close()
        with pytest.raises(asyncio.CancelledError):
            await task
        second, cell = await self.second(docker_workspace, cell_image)

        async def ended() -> bool:
            return (await cell.run("test -e gone")).exit == 0

        await eventually(ended)
        assert (await cell.outcome("alone")).stdout == b"alone\n"
        await cell.close()
        await second.close()

    async def test_a_frame_torn_by_a_killed_engine_does_no_harm(self, docker_workspace: str, cell_image: str) -> None:
        first = DockerCells(connect(), docker_workspace, cell_image, LIMITS)
        cell: Cell = await first.start(LABELS)
        evil = pack({"op": "put", "id": "x", "entries": []}, pack({"op": "kill", "id": "live"}) * 100)
        wire = await attach(first.where, cell.id, first.version)
        wire.write(evil[:-30])
        await wire.drain()
        await wire.close()
        await first.close()
        second, cell = await self.second(docker_workspace, cell_image)
        assert (await cell.run("echo whole")).stdout == b"whole\n"
        await cell.close()
        await second.close()

    async def test_a_stream_that_breaks_is_opened_again(self, docker_cells: DockerCells) -> None:
        cell = await docker_cells.start(LABELS)
        task = asyncio.create_task(cell.run("until test -e go; do sleep 0.01; done; echo through"))
        await cell.run("true")
        wire = cell._connection._wire
        assert wire is not None
        await wire.close()
        await eventually_writes(cell, "go")
        assert (await task).stdout == b"through\n"
        await cell.close()

    async def test_sweep_keeps_what_is_named(self, docker_cells: DockerCells) -> None:
        one, two = await asyncio.gather(docker_cells.start(LABELS), docker_cells.start(Labels("", "run-2", "agent")))
        assert await docker_cells.sweep(keep={one.id}) == 1
        assert (await one.run("echo here")).stdout == b"here\n"
        assert (await two.run("true")).lost
        await one.close()

    async def test_a_cell_of_another_process_is_its_own_while_that_one_lives(self, docker_cells: DockerCells) -> None:
        async with another_process() as (process, holder):
            cell = await docker_cells.start(Labels("", "judged", "trajectory", 1, holder))
            docker_cells._attached.clear()  # as for an engine that is started beside it
            assert await docker_cells.adopt() == []
            assert await docker_cells.sweep() == 0
            assert (await cell.run("echo here")).stdout == b"here\n"
            process.kill()
            await process.wait()
        assert await docker_cells.sweep() == 1
        await cell.close()

    async def test_an_agent_that_ends_its_cell_loses_the_outcome(
        self, docker_cells: DockerCells, docker_engine: Engine
    ) -> None:
        cell = await docker_cells.start(LABELS)
        task = asyncio.create_task(cell.run("sleep 1000"))
        await cell.run("true")
        docker_engine.api.kill(cell.id)
        outcome = await task
        assert outcome.lost
        assert b"container ended with 137" in outcome.stderr
        with pytest.raises(CellDied, match="ended with 137"):
            await cell.read("x")
        await cell.close()


async def eventually_writes(cell: Cell, path: str) -> None:
    async def written() -> bool:
        with contextlib.suppress(CellDied):
            await cell.write(path, b"")
            return True
        return False

    await eventually(written)


class TestFence:
    kind = "docker"

    async def test_the_agent_holds_nothing(self, cell: Cell) -> None:
        status = (await cell.run("cat /proc/self/status")).stdout.decode()
        for row in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert re.search(rf"{row}:\s+0000000000000000\n", status)
        assert re.search(r"NoNewPrivs:\s+1\n", status)
        assert re.search(r"Seccomp:\s+2\n", status)
        user = (await cell.run("stat -c %u /work")).stdout.decode().strip()
        assert int(user) in fence.USERS
        assert re.search(rf"Uid:(\s+{user}){{4}}\n", status)
        assert re.search(rf"Gid:(\s+{user}){{4}}\n", status)
        assert re.search(r"Groups:\s*\n", status)

    async def test_the_root_is_read_only_and_the_network_is_not_there(self, cell: Cell) -> None:
        assert b"Read-only" in (await cell.run("touch /x /etc/x /usr/x")).stderr
        assert (await cell.run("tail -n +2 /proc/net/route; ls /sys/class/net")).stdout == b"lo\n"
        code = "import socket; socket.create_connection(('1.1.1.1', 80), 2)"
        assert b"unreachable" in (await cell.run(["python3", "-c", code])).stderr

    async def test_the_runner_cannot_be_touched(self, cell: Cell) -> None:
        for command in (
            "kill -9 1",
            "kill -STOP 1",
            "cat /proc/1/environ",
            "ls /proc/1/fd",
            "head -c 1 /proc/1/mem",
            "cat /proc/1/maps",
            "echo forged > /proc/1/fd/1",
            "cat /proc/$PPID/environ",
            "echo forged > /proc/$PPID/fd/3",
        ):
            outcome = await cell.run(command)
            assert outcome.exit != 0, command
            assert re.search(b"ermission denied|not permitted", outcome.stderr), (command, outcome)
        assert (await cell.run("echo $PPID")).stdout != b"1\n"

    async def test_a_keeper_can_be_killed_at_the_cost_of_its_own_command_at_most(self, cell: Cell) -> None:
        for _ in range(5):  # it has the agent's uid for as long as a command takes to start
            outcome = await cell.run("kill -9 $PPID")
            assert b"not permitted" in outcome.stderr or outcome.exit == -9
            assert (await cell.run("echo fine")).stdout == b"fine\n"

    async def test_no_descriptor_of_the_runner_leaks(self, cell: Cell) -> None:
        assert (await cell.run("exec ls /proc/self/fd")).stdout.split() == [b"0", b"1", b"2", b"3"]

    async def test_a_flood_on_the_disk_ends_at_the_tmpfs(self, cell: Cell) -> None:
        outcome = await cell.run(
            "head -c 200000000 /dev/zero > flood; rm flood; head -c 200000000 /dev/zero > /tmp/flood; rm /tmp/flood"
        )
        assert outcome.stderr.count(b"No space left") == 2
        outcome = await cell.run("mkdir many; cd many; seq 9000 | xargs touch; cd ..; rm -r many")
        assert b"No space left" in outcome.stderr

    async def test_memory_ends_at_the_limit_and_the_runner_lives(self, cell: Cell) -> None:
        outcome = await cell.run(["python3", "-c", "x = bytearray(400 << 20)"])
        assert outcome.exit == -9
        assert (await cell.run("echo fine")).stdout == b"fine\n"

    async def test_a_fork_bomb_ends_at_its_timeout(self, cell: Cell) -> None:
        outcome = await cell.run("bomb() { bomb | bomb & }; bomb; sleep 1000", timeout=1, limit=1000)
        assert outcome.timed_out

        async def well() -> bool:
            return (await cell.run("echo fine")).stdout == b"fine\n"

        await eventually(well)
        assert int((await cell.run("ls -d /proc/[0-9]* | wc -l")).stdout) < 20

    @pytest.mark.parametrize("signal", ["STOP", "KILL"])
    async def test_an_agent_that_signals_all_it_can_holds_up_no_later_command(self, cell: Cell, signal: str) -> None:
        service = await cell.serve(f"exec 2>/dev/null; while :; do kill -{signal} -1; done")
        for _ in range(5):
            assert (await cell.run("true", timeout=0.2)).exit in (0, -9)
        await service.stop()
        assert (await cell.run("echo fine")).stdout == b"fine\n"

    async def test_agents_cannot_hold_the_runner_up(self, cell: Cell) -> None:
        pids = int(
            (await cell.run("cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; true")).stdout
        )
        assert pids == LIMITS.pids


class TestMistakes:
    async def test_an_image_without_python_is_named(self, docker_engine: Engine, docker_workspace: str) -> None:
        docker_engine.api.import_image_from_data(bytes(10240), repository="factory-tui-test", tag="empty")
        cells = DockerCells(connect(), docker_workspace, "factory-tui-test:empty", LIMITS)
        with pytest.raises(ImageUnfit, match=r"factory-tui-test:empty has no python3.*Remedy"):
            await cells.start(LABELS)
        await cells.close()

    async def test_an_image_that_is_not_there_is_named(self, docker_engine: Engine, docker_workspace: str) -> None:
        cells = DockerCells(connect(), docker_workspace, "factory-tui-test:nowhere", LIMITS)
        with pytest.raises(NoImage, match=r"factory-tui-test:nowhere.*Remedy"):
            await cells.start(LABELS)
        await cells.close()

    async def test_a_mould_names_its_own_image_and_variables(
        self, docker_cells: DockerCells, docker_engine: Engine, cell_image: str
    ) -> None:
        docker_engine.images.get(cell_image).tag("factory-tui-test", "other")
        made = Mould("factory-tui-test:other", env=(("GREETING", "good day"),))
        one, two = await asyncio.gather(docker_cells.start(LABELS, made), docker_cells.start(LABELS))
        assert (one.image.reference, two.image.reference) == ("factory-tui-test:other", cell_image)
        assert one.image.id == docker_engine.images.get(cell_image).id
        assert (await one.run("echo $GREETING")).stdout == b"good day\n"
        assert (await two.run("echo $GREETING")).stdout == b"\n"
        for cell in (one, two):
            await cell.close()
        docker_engine.images.remove("factory-tui-test:other")

    async def test_space_beyond_memory_is_refused(self, docker_engine: Engine) -> None:
        with pytest.raises(CellError, match="must stay below the memory limit"):
            DockerCells(docker_engine, "x", "y", CellLimits(memory=64 * MIB))


async def test_no_engine_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(NoEngine, match="Remedy"):
        connect()


async def test_an_engine_that_went_away_is_trouble_with_cells_not_a_fault_of_ours() -> None:
    gone = Engine(Address("http://127.0.0.1:1"), "1.41", 5)
    cells = DockerCells(gone, "w", "image", LIMITS)
    await cells.remove("name")  # it is, before the next one is started
    assert not await cells.answers()
    for asked in (cells.start(LABELS), cells.adopt(), cells.sweep()):
        with pytest.raises(NoEngine, match="does not answer"):
            await asked
    await cells.close()
