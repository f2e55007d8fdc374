"""Command latency in a Docker cell: the runner against `docker exec` and a persistent bash, interleaved in one run.

`python -m tests.cells.latency [rounds]`; the last line is one JSON object. Needs a Docker engine.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.images import ensure
from factory_tui.cells.protocol import Labels

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

APPEND = "echo x >> /work/f"


async def measure(rounds: int) -> dict[str, list[float]]:
    """Milliseconds per command, by way of running it; the ways take turns, so that a busy machine hits all alike."""
    client = connect()
    cells = DockerCells(client, "bench-cells", ensure(client, ""))
    cell = await cells.start(Labels("bench-cells", "bench", "agent"))
    pipe = asyncio.subprocess.PIPE
    enter = ("docker", "exec", "-i", "-u", "1000", cell.id, "bash")
    shell = await asyncio.create_subprocess_exec(*enter, stdin=pipe, stdout=pipe)

    async def typed(command: str) -> None:
        assert shell.stdin
        assert shell.stdout
        shell.stdin.write(f"{command}; echo done\n".encode())
        await shell.stdout.readline()

    async def by_exec() -> None:
        process = await asyncio.create_subprocess_exec(*enter, "-c", APPEND, stdin=asyncio.subprocess.DEVNULL)
        await process.wait()

    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "runner": lambda: cell.run(APPEND),
        "persistent_builtin": lambda: typed(APPEND),
        "persistent_fresh_bash": lambda: typed(f"bash -c '{APPEND}'"),
    }
    took: dict[str, list[float]] = defaultdict(list)
    try:
        for turn in range(rounds):
            for name, way in (ways | ({"docker_exec": by_exec} if turn % 5 == 0 else {})).items():
                started = time.perf_counter()
                await way()
                took[name].append((time.perf_counter() - started) * 1000)
    finally:
        if shell.stdin:
            shell.stdin.close()
        await shell.wait()
        await cell.close()
        await cells.close()
    return took


def main() -> None:
    """Print the table and the ratios."""
    took = asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
    figures: dict[str, float] = {}
    for name, times in took.items():
        times.sort()
        for label, share in (("p10", 0.1), ("p50", 0.5), ("p99", 0.99)):
            figures[f"{name}_{label}_ms"] = round(times[int(len(times) * share)], 2)
        sys.stdout.write(f"{name:24}{figures[f'{name}_p50_ms']:10.2f}{figures[f'{name}_p99_ms']:10.2f}  ms p50, p99\n")
    for floor in ("docker_exec", "persistent_fresh_bash"):
        figures[f"{floor}_to_runner_ratio"] = round(figures[f"{floor}_p50_ms"] / figures["runner_p50_ms"], 2)
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
