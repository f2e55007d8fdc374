"""`make bench-engine`: the engine beside its floors. Progress on stderr; the last line of stdout is one JSON object."""

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import appends, commands, paint, steps
from bench.figures import Figures, say
from bench.playing import twin
from bench.working import Runs, engine, make
from factory_tui.cells.docker import connect
from factory_tui.cells.images import ensure
from factory_tui.config.settings import CellsTable

PARTS = ("journal", "cells", "steps", "paint")


async def measure(parts: Sequence[str], folder: Path) -> Figures:
    """All figures of these parts; `folder` is short enough for a socket's path."""
    figures: Figures = {}
    tag = await asyncio.to_thread(image) if {"cells", "steps"} & set(parts) else ""
    if "journal" in parts:
        figures |= await appends.measure(folder)
    if "cells" in parts:
        figures |= await commands.measure(tag)
    if "steps" in parts:
        async with twin(folder) as url:
            workspace = make(folder / "steps", kind="docker", image=tag, url=url)
            async with engine(workspace) as (pid, console), steps.floor() as base:
                figures |= await steps.measure(console, pid, base, tag, url)
    if "paint" in parts:
        workspace = make(folder / "paint", kind="process")
        async with engine(workspace) as (_, console):
            await Runs.open(console, paint.RUNS)
            figures |= await paint.warm(workspace)
        figures |= await paint.cold(workspace)
    return figures


def image() -> str:
    """The image of the cells, made where there is none."""
    client = connect()
    try:
        return ensure(client, CellsTable().image, progress=say)
    finally:
        client.close()


def about(began: float) -> dict[str, str | float]:
    """What a result was measured on, and for how long: since a reading of `time.monotonic`."""
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "load1": round(os.getloadavg()[0], 2),
        "seconds": round(time.monotonic() - began, 1),
    }


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="what to measure (default: everything)")
    parts = parser.parse_args().part or PARTS
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        (folder / "state").mkdir()
        figures = asyncio.run(measure(parts, folder))
    print(json.dumps(figures | about(began)))


if __name__ == "__main__":
    main()
