"""The tripwire: does a text hold a canary, or words of the vault?

Used on prompts, tool results, diffs and egress of agents. Knows nothing of what follows from a hit.
"""

import re
from collections.abc import Collection, Iterator

from factory_tui.harness.corpus import Corpus
from factory_tui.harness.shapes import Scenario

TELLING = 40
"""Characters a sentence needs to tell where it is from: shorter ones may be anybody's."""


def leaks(text: str, corpus: Corpus, known: Collection[str] = ()) -> tuple[str, ...]:
    """Names of scenarios whose canary, or (vault only) whose words, are in the text.

    `known` holds texts that the agent may have, such as the seed: what stands there is nobody's secret, and nor is what
    a feedback scenario says.
    """
    flat = _flat(text)
    open_text = _flat("\n".join(known)) + " ".join(
        _flat(fragment) for item in corpus.scenarios if item.set == "feedback" for fragment in _words(item)
    )
    return tuple(
        scenario.name
        for scenario in corpus.scenarios
        if corpus.canary(scenario.name) in flat
        or (
            scenario.set == "vault"
            and any(fragment in flat and fragment not in open_text for fragment in map(_flat, _words(scenario)))
        )
    )


def _words(scenario: Scenario) -> Iterator[str]:
    sentences = re.split(r"(?<=[.;:])\s+|\n", scenario.story)
    for fragment in (scenario.story, *sentences, *scenario.let.values()):
        if len(_flat(fragment)) >= TELLING:
            yield fragment


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()
