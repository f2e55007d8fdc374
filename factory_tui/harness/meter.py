"""The leak meter: how much of its scenarios the messages to a generator have told so far.

Reads messages as `feedback` writes them. What it gives are shares and bits, never a word.
"""

import math
import re
from collections.abc import Sequence

import msgspec

from factory_tui.harness import shapes
from factory_tui.harness.corpus import Corpus
from factory_tui.harness.scenario import TEMPLATE
from factory_tui.harness.shapes import Scenario
from factory_tui.harness.words import in_words, parts, plainly, texts

BEGINS = "feedback satisfaction "
"""How a message begins that tells symptoms, and the vault's one number."""
BITS = math.log2(101)
"""What that number tells at most: it is one of 0.00 to 1.00."""
_INPUTS = ("draw", "let", "services")
"""Fields of a scenario of which a message tells what came of them, if anything."""
_FORM = frozenset(
    word
    for kind in vars(shapes).values()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    for field in msgspec.structs.fields(kind)
    for word in in_words(field.encode_name)
)
"""Words of the form of a scenario's file, which are anybody's."""
_STORY = re.compile(r"^unsatisfied: (\S+) \(\w+\), near miss \d\.\d\d\nstory: ", re.MULTILINE)


def revealed(corpus: Corpus, messages: Sequence[str]) -> dict[str, float]:
    """By scenario of the feedback set, how much of its story, acts and expectations was told: a share of its words.

    A word that a message tells twice counts once; one that it tells of another scenario does not count.
    """
    told: dict[str, set[str]] = {item.name: set() for item in corpus.scenarios if item.set == "feedback"}
    for message in messages:
        for name, text in _stories(message):
            if name in told:
                told[name].update(in_words(plainly(text)))
    return {name: _share(corpus[name], seen) for name, seen in told.items()}


def bits(messages: Sequence[str]) -> float:
    """What the vault's number can have told in so many messages, at most."""
    return round(len(messages) * BITS, 1)


def _stories(message: str) -> list[tuple[str, str]]:
    """Each unsatisfied story and all that is said of it. They come by name: a line that a product prints is none."""
    found: list[tuple[str, str]] = []
    heads = list(_STORY.finditer(message))
    ends = [*(head.start() for head in heads[1:]), len(message)]
    for head, end in zip(heads, ends, strict=False):
        text = message[head.end() : end]
        if found and head[1] <= found[-1][0]:
            found[-1] = (found[-1][0], found[-1][1] + text)
        else:
            found.append((head[1], text))
    return found


def _share(scenario: Scenario, seen: set[str]) -> float:
    words = {word for where, part in parts(scenario).items() if where.split()[0] not in _INPUTS for word in part}
    words -= _FORM | {found[1].casefold() for text in texts(scenario) for found in TEMPLATE.finditer(text) if found[1]}
    return len(words & seen) / len(words) if words else 0.0
