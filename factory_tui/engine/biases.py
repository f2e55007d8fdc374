"""The bias of a seed's rubrics: their judges over the transcripts that people labelled.

Owns what of the labels is judged and how they are counted; it keeps no journal.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from factory_tui.config.load import load
from factory_tui.domain.events import Flips
from factory_tui.engine.court import Bar, Ear, court
from factory_tui.engine.sources import Files
from factory_tui.harness.judges import Sitting
from factory_tui.harness.labels import Bias, Share, digest, keep, labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory_tui.config.workspace import Workspace
    from factory_tui.domain.money import Burn


async def measure(
    workspace: Workspace, of: str, bar: Bar, say: Callable[[str], None]
) -> tuple[dict[str, Bias], Flips, Burn]:
    """The bias of each rubric that has labels, the noise of its judges, and what they cost; it is kept.

    Raises Mistakes, Refused, ProviderHeld, OSError.
    """
    settings, files = load(workspace.config), Files(workspace)
    seed, corpus = files.seed(of, settings), files.corpus(of)
    folder = workspace.scenarios / seed.name
    given = {one.name: labels(folder, one.name) for one in corpus.scenarios if one.judge}
    flips, ear, found = Flips(), Ear(f"{seed.name}-bias"), dict[str, Bias]()
    async with court(ear.run, seed, corpus, settings, bar) as judges:
        for name, ours in given.items():
            one, seen = corpus[name], Counter[tuple[bool, bool | None]]()
            if judges is None or one.judge is None or not ours:
                continue
            for index, label in enumerate(ours):
                opinion = await judges.judge(ear, Sitting(0, 0, index, one), label.transcript, flips)
                flips += Flips.of(opinion.judgements, opinion.dissent)
                seen[label.satisfied, opinion.satisfied] += 1
                say(f"{name}: {index + 1} of {len(ours)} labels judged")
            found[name] = Bias(
                digest(one.judge),
                Share(seen[False, True], seen[False, True] + seen[False, False]),
                Share(seen[True, False], seen[True, True] + seen[True, False]),
                seen[True, None] + seen[False, None],
            )
    keep(workspace.state, seed.name, found)
    return found, flips, ear.judging
