"""A console that attaches to an engine with a long journal: from the command to its first frame, and to its runs."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from bench.figures import Figures, beside, median, say
from bench.history import history
from bench.paint import BARE, HEADER, console, painted
from bench.working import engine, make
from factory_tui.engine.looking import journal_of

EVENTS = 1_000_000
_TURNS = 5


async def attached(folder: Path, events: int = EVENTS) -> Figures:
    """Milliseconds of each, beside a bare Textual app's first frame."""
    workspace = make(folder / "long", kind="process")
    say(f"attach: writing {events} events")
    async with journal_of(workspace) as journal:
        for drafts in history(events):
            await journal.append(drafts)
        state = await journal.state()
    first, runs, bare = [], [], []
    async with engine(workspace):
        for number in range(_TURNS + 1):
            [floor] = await asyncio.to_thread(painted, BARE, b"bare")
            frame, drawn = await asyncio.to_thread(painted, console(workspace), HEADER, b"shipped")
            say(f"  first frame {frame:.0f} ms, runs {drawn:.0f} ms, bare {floor:.0f} ms")
            if number:  # the first of each warms the disk
                bare.append(floor)
                first.append(frame)
                runs.append(drawn)
    return {
        "attach_events": state.seq,
        "attach_runs": len(state.runs),
        **beside("attach_first_paint_ms", median(first), median(bare), 1),
        **beside("attach_runs_painted_ms", median(runs), median(bare), 1),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        print(json.dumps(asyncio.run(attached(Path(name), int(sys.argv[1])))))
