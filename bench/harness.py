"""`make bench-harness`: trajectories of the real harness beside bare containers. The last line is one JSON object.

Progress on stderr. It needs a Docker engine and the `docker` command, no network and no key.
"""

import argparse
import asyncio
import json
import time

from bench import trajectories
from bench.engine import about, image
from bench.figures import Figures


async def measure(turns: int) -> Figures:
    """All figures."""
    return await trajectories.measure(await asyncio.to_thread(image), turns)


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5, help="of each side (default: 5)")
    asked = parser.parse_args()
    began = time.monotonic()
    figures = asyncio.run(measure(asked.turns))
    print(json.dumps(figures | about(began)))


if __name__ == "__main__":
    main()
