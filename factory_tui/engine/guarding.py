"""What stands between the vault and the agent: a run whose agent is about to be told of it is held.

Built from the corpus and from what people wrote for the agent to read. It looks at texts only; who hands them over,
and when, is not its business.
"""

import asyncio
from collections.abc import Collection, Iterable
from typing import Any

from msgspec.structs import replace

from factory_tui.agents.protocol import Watch
from factory_tui.cells.protocol import Entry
from factory_tui.config.recipe import of_cell
from factory_tui.config.seed import Seed
from factory_tui.domain.events import LeakFound
from factory_tui.domain.hostile import one_line
from factory_tui.engine.parking import Parked
from factory_tui.harness.corpus import Corpus
from factory_tui.harness.tripwire import Tripwire

REMEDY = (
    "Nothing of it was passed on. Remedy: find how it came there, for example by the seed's attachments or an unfenced "
    "cell; mend that, stop this run, and start a new one; or, where it is harmless, have an admin release it."
)


async def watch_over(
    corpus: Corpus, seeds: Collection[Seed], said: Collection[str], released: Collection[str]
) -> Watch:
    """The watch over what an agent is told. `seeds`: every revision that it was told, or is about to be.

    `said`: what else people wrote for it, such as the standards.
    """
    attached = [
        one.data.decode("utf-8", "replace") for seed in seeds for one in seed.attachments if not of_cell(one.path)
    ]
    known = [*said, *(seed.prose for seed in seeds), *attached]
    wire = await asyncio.to_thread(Tripwire, corpus, known, released)

    def watch(what: str, text: str) -> None:
        if caught := wire.caught(text):
            what = "a name, which is not repeated here," if wire.caught(what) else what
            held = tuple(dict.fromkeys(one.what for one in caught))
            found = LeakFound(one_line(what), held, tuple(one.digest for one in caught))
            raise Parked("held", f"{what} holds {', '.join(held)}. {REMEDY}", reason="fence", facts=[found])

    return watch


def in_prose(corpus: Corpus) -> Corpus:
    """The corpus without what is written alike for the same product: whoever drafts scenarios for it writes that, too.

    What is left are stories and rubrics: who read a scenario of the vault has read those.
    """
    alike: dict[str, Any] = {"acts": (), "services": (), "twins": (), "draw": {}, "let": {}}
    return replace(corpus, scenarios=tuple(replace(one, **alike) for one in corpus.scenarios))


async def look_through(watch: Watch, entries: Iterable[Entry]) -> None:
    """Look at names and contents of what is new in a work tree, off the loop. Raises what the watch raises."""

    def look() -> None:
        for entry in entries:
            text = (entry.data or b"").decode("utf-8", "replace")
            watch(f"{entry.path!r:.200} in the work tree", f"{entry.path}\n{entry.target}\n{text}")

    await asyncio.to_thread(look)


async def look_at_seed(watch: Watch, seed: Seed) -> None:
    """Look at what a seed brings into its cells, off the loop: variables, names, files. Raises what the watch raises.

    Its words are known to be the agent's; a canary, and what only builds the image, is not.
    """

    def look() -> None:
        for name, value in seed.recipe.env:
            watch(f"the variable {name} of the seed's cells", f"{name}={value}")
        for one in seed.attachments:
            watch(f"{one.path!r:.200} of the seed", f"{one.path}\n{one.data.decode('utf-8', 'replace')}")

    await asyncio.to_thread(look)
