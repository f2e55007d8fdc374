"""`make bench-journal`: appends, a start on a long journal, memory. The last line of stdout is one JSON object."""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import appends, resume
from bench.engine import about
from bench.figures import Figures, say
from bench.playing import resident_mb
from bench.working import Runs, engine, make

PARTS = ("appends", "resume", "memory")
RUNS = 64


async def measure(parts: Sequence[str], folder: Path, events: int) -> Figures:
    """All figures of these parts; `folder` is short enough for a socket's path."""
    figures: Figures = {}
    if "appends" in parts:
        figures |= await appends.measure(folder)
    if "resume" in parts:
        figures |= await resume.measure(folder, events)
    if "memory" in parts:
        figures |= await memory(folder)
    return figures


async def memory(folder: Path) -> Figures:
    """Resident memory of an engine with so many runs, each with its process cell up, which is a process of its own."""
    say(f"memory: {RUNS} runs")
    workspace = make(folder / "memory", kind="process")
    workspace.config.write_text(workspace.config.read_text().replace("slots = 32", f"slots = {RUNS}"))
    async with engine(workspace) as (pid, console):
        idle = resident_mb(pid)
        await Runs.open(console, RUNS)
        return {"rss_mb": round(idle, 1), f"rss_mb_{RUNS}": round(resident_mb(pid), 1)}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="what to measure (default: everything)")
    parser.add_argument("--events", type=int, default=resume.EVENTS, help="in the long journal")
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        (folder / "state").mkdir()
        figures = asyncio.run(measure(asked.part or PARTS, folder, asked.events))
    print(json.dumps(figures | about(began)))


if __name__ == "__main__":
    main()
