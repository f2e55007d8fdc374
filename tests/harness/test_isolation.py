"""A trajectory's cell in Docker: nothing comes to it from the agent's, and what it runs out of is a verdict."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from factory_tui.cells.cell import RunnerCell
from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.protocol import ANY, MIB, CellLimits, Entry, Labels, Mould
from factory_tui.harness.draws import inputs
from factory_tui.harness.feedback import evidence
from factory_tui.harness.trajectory import Trajectory, run_trajectory
from tests.harness.product import scenario

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]
LEAVES = """
import os, pathlib, socket, time
doors = [socket.create_server(("127.0.0.1", 8000)), socket.socket(socket.AF_UNIX)]
doors[1].bind("\\0left-by-the-agent")
doors[1].listen()
for place in (".", os.environ["HOME"], "/dev/shm", "/tmp"):
    pathlib.Path(place, "left-by-the-agent").write_text("a note for whoever is judged")
time.sleep(600)
"""
"""An agent that leaves word in every place of its cell, and waits to be asked."""
LOOKS = """
import os, pathlib, socket
found = [place for place in (".", os.environ["HOME"], "/tmp", "/dev/shm") if "left-by-the-agent" in os.listdir(place)]
for family, door in ((socket.AF_INET, ("127.0.0.1", 8000)), (socket.AF_UNIX, "\\0left-by-the-agent")):
    with socket.socket(family) as asked:
        if asked.connect_ex(door) == 0:
            found.append(str(door))
for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    try:
        found += ["a process"] if b"leaves.py" in path.read_bytes() else []
    except OSError:
        continue
print(*found, "and nothing else")
"""
ALONE = """
kind = "main"
set = "vault"
story = "given a product, when it looks around, then it is alone"
[[act]]
run = { command = "python3 looks.py" }
[act.expect]
stdout = "and nothing else\\n"
"""
SHARES = ("Binds", "VolumesFrom", "Links", "Devices", "ExtraHosts", "PidMode", "UTSMode")
"""Options of a container that give it something of another one, or of the host."""


EATS = "kept = [bytearray(1 << 20) for _ in range(1 << 12)]"


class Seen(DockerCells):
    """Docker cells of which each container is looked at as it starts."""

    def __init__(self, workspace: str, image: str, limits: CellLimits) -> None:
        super().__init__(connect(), workspace, image, limits)
        self.seen: list[dict[str, Any]] = []

    async def start(self, labels: Labels, mould: Mould = ANY) -> RunnerCell:
        cell = await super().start(labels, mould)
        self.seen.append(await self.ask(lambda client: client.api.inspect_container(cell.id)))
        return cell


@pytest.fixture
async def fenced(docker_workspace: str, cell_image: str) -> AsyncIterator[Seen]:
    limits = CellLimits(memory=128 * MIB, work_bytes=32 * MIB, tmp_bytes=16 * MIB)
    cells = Seen(docker_workspace, cell_image, limits)
    yield cells
    await cells.sweep()
    await cells.close()


async def judged(cells: Seen, looks: str) -> Trajectory:
    alone, entries = scenario(ALONE), [Entry("looks.py", "file", data=looks.encode())]
    labels = Labels("w", "tiny-1", "trajectory", 1)
    return await run_trajectory(cells, labels, entries, alone, inputs(alone, "tiny-1", 1, 0), timeout=60)


async def test_a_trajectory_finds_nothing_of_the_agents_cell_and_shares_no_part_of_it(fenced: Seen) -> None:
    agent = await fenced.start(Labels("w", "tiny-1", "agent"))
    await agent.write("leaves.py", LEAVES.encode())
    await agent.write("looks.py", LOOKS.encode())
    leaving = await agent.serve("python3 leaves.py")
    await agent.run("until [ -e /tmp/left-by-the-agent ]; do sleep 0.01; done", timeout=30)
    assert await leaving.alive()
    known = (await agent.run("python3 looks.py")).stdout.decode()
    assert known.split() == [
        ".",
        "/tmp",
        "/tmp",
        "/dev/shm",
        "('127.0.0.1',",
        "8000)",
        "\0left-by-the-agent",
        "a",
        "process",
        "and",
        "nothing",
        "else",
    ]
    found = await judged(fenced, LOOKS)
    assert found.satisfied, evidence(found)
    agents, trajectorys = fenced.seen
    assert agents["Id"] != trajectorys["Id"]
    for container in fenced.seen:
        host = container["HostConfig"]
        assert container["Mounts"] == []
        assert not [name for name in SHARES if host[name]]
        assert (host["NetworkMode"], host["IpcMode"]) == ("none", "private")


async def test_one_that_runs_out_of_memory_is_a_verdict_that_says_so(fenced: Seen) -> None:
    found = await judged(fenced, EATS)
    assert found.satisfied is False
    assert "memory ran out" in evidence(found)
