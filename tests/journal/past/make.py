"""`python -m tests.journal.past.make`: store a journal of this version, for those that come after it.

One of every kind of fact, short and long payloads, a cached state, and its events as they are read.
"""

import asyncio
import itertools
from pathlib import Path

import msgspec
from hypothesis import find, settings

from factory_tui.domain.events import SCHEMA, Draft, ToolReturned
from factory_tui.journal import Journal
from factory_tui.journal.schema import MIGRATIONS
from tests.domain.facts import KINDS, records

HERE = Path(__file__).parent
NEWEST = HERE / f"{len(MIGRATIONS)}-{SCHEMA}"


async def make(folder: Path) -> None:
    """A journal with its keys and, beside it, what it holds."""
    tick = itertools.count(1_700_000_000_000)
    journal = await Journal.open(
        folder / "journal", folder / "keys", workspace="w1", clock=lambda: next(tick), entropy=lambda: next(tick)
    )
    for kind in KINDS:
        fact = find(records(kind), lambda _: True, settings=settings(database=None))
        await journal.append([Draft(fact, "a-1", "ada")])
    await journal.append([Draft(ToolReturned(1, "call", "long " * 2_000), "a-1")])
    journal.keep(await journal.state())
    events = await journal.events()
    await journal.close()
    (folder / "events.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, events)) + b"\n")
    (folder / "journal" / "ballast").unlink()


if __name__ == "__main__":
    asyncio.run(make(NEWEST))
