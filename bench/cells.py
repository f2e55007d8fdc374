"""`make bench-cells`: starts, steps, snapshots and timeouts of Docker cells beside floors, `docker exec` and peers.

Progress on stderr; the last line of stdout is one JSON object.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import peers, snapshots, starts, steps, timeouts
from bench.engine import about, image
from bench.figures import Figures
from bench.playing import twin
from bench.working import engine, make

PARTS = ("starts", "snapshots", "timeouts", "steps", "peers")


async def measure(parts: Sequence[str], counts: Sequence[int], folder: Path, where: Path | None) -> Figures:
    """All figures of these parts, steps at these counts of runs; `folder` is short enough for a socket's path, `where`
    the virtual environment of the peers.
    """
    figures: Figures = {}
    tag = await asyncio.to_thread(image)
    if "starts" in parts:
        figures |= await starts.measure(tag)
    if "snapshots" in parts:
        figures |= await snapshots.measure(tag, folder)
    if "timeouts" in parts:
        figures |= await timeouts.measure(tag)
    if {"steps", "peers"} & set(parts):
        async with twin(folder) as url:
            if "steps" in parts:
                workspace = make(folder / "steps", kind="docker", image=tag, url=url)
                async with engine(workspace) as (pid, console), steps.floor() as base:
                    figures |= await steps.measure(console, pid, base, tag, url, counts=counts)
                    figures |= await steps.by_exec(base, tag, url, figures)
            if "peers" in parts:
                figures |= await peers.measure(tag, url, figures, where, counts=counts)
    return figures


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="what to measure (default: everything)")
    parser.add_argument(
        "--runs", nargs="+", type=int, choices=steps.ROUNDS, default=[*steps.ROUNDS], help="at once (default: all)"
    )
    parser.add_argument(
        "--peers",
        metavar="VENV",
        type=lambda name: Path(name).absolute(),
        default=os.environ.get(peers.WHERE),
        help=f"virtual environment with the peers' commands (default: ${peers.WHERE}, else the PATH)",
    )
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        (folder / "state").mkdir()
        figures = asyncio.run(measure(asked.part or PARTS, asked.runs, folder, asked.peers))
    print(json.dumps(figures | about(began)))


if __name__ == "__main__":
    main()
