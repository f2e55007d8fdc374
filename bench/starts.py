"""Starts: the first command of a cell that was warm, and 32 cells at once beside a bare docker-py loop."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor

import docker

from bench.figures import Figures, beside, median, milliseconds, percentile, say
from factory_tui.cells import runner
from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.pool import Pool
from factory_tui.cells.protocol import CellLimits, Cells, Labels
from factory_tui.cells.runner.frames import pack

AT_ONCE = 32
_THREADS = 8
_TURNS = 3
_FIRST = 12
_NAME = "bench-starts"
_LABELS = Labels(_NAME, "starts", "agent")
_COMMAND = "echo step >> log.txt"


async def measure(image: str) -> Figures:
    """Milliseconds and seconds; nothing is left."""
    cells = DockerCells(connect(), _NAME, image, CellLimits())
    try:
        figures = await _first(cells)
        return figures | await _up(cells, image)
    finally:
        await cells.sweep()
        await cells.close()


async def _first(cells: DockerCells) -> Figures:
    """From asking for a cell to the outcome of its first command: a warm one, and one that is started now."""
    say(f"first command of {_FIRST} cells, warm and cold")
    warm, cold = [], []
    pool = Pool(cells, _NAME, 1)
    pool.fill()
    for _ in range(_FIRST):
        while not pool.ready:  # noqa: ASYNC110 - nobody else has to know
            await asyncio.sleep(0.01)
        warm.append(await _command(pool))
        cold.append(await _command(cells))
    figures = beside("first_command_ms", median(warm), median(cold), 1)
    return figures | {"first_command_ms_p99": round(percentile(warm, 0.99), 1)}


async def _command(cells: Cells) -> float:
    began = time.perf_counter()
    cell = await cells.start(_LABELS)
    outcome = await cell.run(_COMMAND)
    took = milliseconds(began)
    await cell.close()
    if outcome.exit:
        raise RuntimeError(f"exit {outcome.exit}: {outcome.stderr!r}")
    return took


async def _up(cells: DockerCells, image: str) -> Figures:
    """Seconds until all of them answer."""
    ours, theirs = [], []
    for turn in range(_TURNS):
        say(f"{AT_ONCE} cells at once, turn {turn + 1} of {_TURNS}")
        for side in (0, 1) if turn % 2 else (1, 0):
            if side:
                began = time.perf_counter()
                up = await asyncio.gather(*(cells.start(_LABELS) for _ in range(AT_ONCE)))
                ours.append(time.perf_counter() - began)
                await asyncio.gather(*(cell.close() for cell in up))
            else:
                theirs.append(await asyncio.to_thread(_bare, image))
    figures = beside("cells_up_32_s", median(ours), median(theirs))
    return figures | {"cells_up_32_times_bare": round(median(theirs) / median(ours), 3)}


def _bare(image: str) -> float:
    """The same image and process 1 by docker-py, in threads, until the first byte; without any of the fence."""
    client = docker.from_env()
    with ThreadPoolExecutor(_THREADS) as threads:
        began = time.perf_counter()
        made = list(threads.map(lambda _: _one(client, image), range(AT_ONCE)))
        took = time.perf_counter() - began
        list(threads.map(lambda name: client.api.remove_container(name, force=True), made))
    client.close()
    return took


def _one(client: docker.DockerClient, image: str) -> str:
    config = {"work": "/tmp", "uid": 1000, "gid": 1000, "leave": False, "env": {}}
    made = client.containers.create(
        image, runner.arguments(config), entrypoint=["python3"], network_mode="none", stdin_open=True, detach=True
    )
    name: str = made.id or ""
    client.api.start(name)
    wire = client.api.attach_socket(name, params={"stdin": 1, "stdout": 1, "stream": 1})
    wire._sock.sendall(runner.modules() + pack({"op": "hello", "id": "hello", "nonce": "00" * 24}))
    if not wire._sock.recv(1):
        raise RuntimeError(f"a bare container ended: {json.dumps(client.api.inspect_container(name)['State'])}")
    wire.close()
    return name
