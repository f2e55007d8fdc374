"""The tripwire: does a text hold a canary, or words of the vault?

For everything that leaves towards an agent. Knows nothing of what follows from a hit.
"""

import re
from collections.abc import Iterable, Iterator

from factory_tui.harness.corpus import Corpus
from factory_tui.harness.shapes import Scenario

TELLING = 40
"""Characters a sentence needs to tell where it is from: shorter ones may be anybody's."""
WINDOW = 1 << 18
"""Characters looked at in one go, so that a large file never keeps other threads waiting."""
OVERLAP = 1 << 14
"""Characters of the next window that this one sees too: more than any sentence, with its line breaks, has."""


class Tripwire:
    """What of one corpus no agent may be told.

    `known` holds texts that the agent may have, such as the seed: what stands there is nobody's secret, and nor is what
    a feedback scenario says.
    """

    def __init__(self, corpus: Corpus, known: Iterable[str] = ()) -> None:
        told = (fragment for item in corpus.scenarios if item.set == "feedback" for fragment in _words(item))
        anybodys = _flat("\n".join((*known, *told)))
        self._canaries = tuple((corpus.canary(item.name), item.name) for item in corpus.scenarios)
        self._words = tuple(
            (fragment, item.name)
            for item in corpus.scenarios
            if item.set == "vault"
            for fragment in map(_flat, _words(item))
            if fragment not in anybodys
        )

    def caught(self, text: str) -> tuple[str, ...]:
        """What the text holds: `the canary of NAME`, `words of NAME`; never the words themselves."""
        found: dict[str, None] = {}
        for start in range(0, len(text), WINDOW):
            flat = _flat(text[start : start + WINDOW + OVERLAP])
            if "canary-" in flat:
                found |= {f"the canary of {name}": None for canary, name in self._canaries if canary in flat}
            found |= {f"words of {name}": None for fragment, name in self._words if fragment in flat}
        return tuple(found)


def _words(scenario: Scenario) -> Iterator[str]:
    sentences = re.split(r"(?<=[.;:])\s+|\n", scenario.story)
    for fragment in (scenario.story, *sentences, *scenario.let.values()):
        if len(_flat(fragment)) >= TELLING:
            yield fragment


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()
