"""What stands between the vault and the agent: a run whose agent is about to be told of it is held.

Built from the corpus and from what people wrote for the agent to read. It looks at texts only; who hands them over,
and when, is not its business.
"""

import asyncio
from collections.abc import Collection, Iterable

from factory_tui.agents.protocol import Watch
from factory_tui.cells.protocol import Entry
from factory_tui.config.seed import Seed
from factory_tui.engine.parking import Parked
from factory_tui.harness.corpus import Corpus
from factory_tui.harness.tripwire import Tripwire

REMEDY = (
    "Nothing of it was passed on. Remedy: find how it came there, for example by the seed's attachments or an unfenced "
    "cell; mend that, stop this run, and start a new one."
)


async def watch_over(corpus: Corpus, seeds: Collection[Seed], standards: str) -> Watch:
    """The watch over what an agent is told. `seeds`: every revision that it was told, or is about to be."""
    attached = [one.data.decode("utf-8", "replace") for seed in seeds for one in seed.attachments]
    wire = await asyncio.to_thread(Tripwire, corpus, [standards, *(seed.prose for seed in seeds), *attached])

    def watch(what: str, text: str) -> None:
        if caught := wire.caught(text):
            raise Parked("held", f"{what} holds {', '.join(caught)}. {REMEDY}", reason="fence")

    return watch


async def look_through(watch: Watch, entries: Iterable[Entry]) -> None:
    """Look at names and contents of what is new in a work tree, off the loop. Raises what the watch raises."""

    def look() -> None:
        for entry in entries:
            text = (entry.data or b"").decode("utf-8", "replace")
            watch(f"{entry.path!r:.200} in the work tree", f"{entry.path}\n{entry.target}\n{text}")

    await asyncio.to_thread(look)
