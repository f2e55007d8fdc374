"""The tripwire: does a text hold a canary, the name of a vault scenario, or a run of its words?

For everything that leaves towards an agent. Words are compared as people read them: letters and digits alone, in any
case, whatever stands between them. Knows nothing of what follows from a hit.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from factory_tui.harness.corpus import Corpus
from factory_tui.harness.shapes import Scenario
from factory_tui.harness.words import Words, in_words, parts, plainly, texts, unescaped

RUN = 8
"""Words in a row that tell where they are from."""
DIFFERENT = 4
"""Of them, words with two letters or more that differ: `0 0 1 0 2 0 0 3` is anybody's."""
COMPOUND = 2
"""Words of a name that anybody may join by a hyphen: `empty-input`."""
WINDOW = 1 << 16
"""Characters looked at in one go, so that a large file never keeps other threads waiting."""
OVERLAP = 1 << 12
"""Characters of the next window that this one sees too: more than any eight words in a row should take."""

DEPTH = 2
"""How often something may be encoded."""

_CODED = re.compile(r"[A-Za-z0-9+/]{48,}(?:\r?\n[A-Za-z0-9+/]+)*")
_HEX = re.compile(r"[0-9A-Fa-f\r\n]+")
_IN_A_ROW = re.compile(rb"\x01{%d,}" % RUN)
_MARK = "canary-"


class Finding(NamedTuple):
    """What a text holds: `the canary of NAME`, `the name of NAME`, `words of NAME`; never the words themselves."""

    what: str
    digest: str
    """Of the part of the scenario that it was found by: one story, one act, one line of its [let]."""


class Tripwire:
    """What of one corpus no agent may be told.

    `known` holds texts that the agent may have, such as the seed: what stands there is nobody's secret, and nor is what
    a feedback scenario says. `released` holds digests of findings that somebody let through.
    """

    def __init__(self, corpus: Corpus, known: Iterable[str] = (), released: Iterable[str] = ()) -> None:
        known, through = tuple(known), frozenset(released)
        vault = [item for item in corpus.scenarios if item.set == "vault"]
        told = [words for item in corpus.scenarios if item.set == "feedback" for words in parts(item).values()]
        self._canaries = [
            (forms, found)
            for item in corpus.scenarios
            if (found := _finding("the canary", item, corpus.canary(item.name))).digest not in through
            for forms in [_forms(corpus.canary(item.name))]
        ]
        self._runs: dict[Words, set[Finding]] = {}
        for item in vault:
            for part, words in parts(item).items():
                found = _finding("words", item, f"{part} {' '.join(words)}")
                for run in () if found.digest in through else filter(_telling, _runs(words)):
                    self._runs.setdefault(run, set()).add(found)
        self._words = {word for run in self._runs for word in run}
        anybodys = {run for text in known for piece in _pieces(text) for run in self._held(in_words(plainly(piece)))}
        for run in anybodys.union(*(self._held(words) for words in told)):
            del self._runs[run]
        self._words = {word for run in self._runs for word in run}
        all_told = (text for item in corpus.scenarios if item.set == "feedback" for text in texts(item))
        said = "\n".join((*known, *all_told)).casefold()
        self._names = [
            (sought, found)
            for item in vault
            if (found := _finding("the name", item, item.name)).digest not in through
            for sought in [_sought(item.name)]
            if not sought(said)
        ]

    def caught(self, text: str, depth: int = 0) -> tuple[Finding, ...]:
        """What the text holds, each once; also where all of it, or a part, is base64 or hex, or that twice."""
        found: dict[Finding, None] = {}
        for piece in _pieces(text):
            clear = unescaped(piece)
            plain = clear.casefold()
            found |= dict.fromkeys(self._canaries_in(clear, plain))
            found |= {one: None for sought, one in self._names if sought(plain)}
            for run in self._held(in_words(plain)):
                found |= dict.fromkeys(sorted(self._runs[run]))
            for inner in _decoded(clear) if depth < DEPTH else ():
                found |= dict.fromkeys(self.caught(inner, depth + 1))
        return tuple(found)

    def _canaries_in(self, text: str, plain: str) -> Iterator[Finding]:
        """Lines may break anywhere in it. As base64 it depends on case, and on where it begins."""
        squeezed = "".join(plain.split())
        as_is = "".join(text.split())
        if any(mark in squeezed for mark in _MARKS[:2]) or any(mark in as_is for mark in _MARKS[2:]):
            for forms, found in self._canaries:
                if any(form in squeezed for form in forms[:2]) or any(form in as_is for form in forms[2:]):
                    yield found

    def _held(self, words: list[str] | Words) -> Iterator[Words]:
        """The vault's runs among these words; only where eight in a row are words of its are they compared."""
        marks = bytes(map(self._words.__contains__, words))
        for row in _IN_A_ROW.finditer(marks):
            for at in range(row.start(), row.end() - RUN + 1):
                run = tuple(words[at : at + RUN])
                if run in self._runs:
                    yield run


def _forms(text: str) -> list[str]:
    """A text as it is, as hex, and as base64 that begins one, two or no bytes before it."""
    data = text.encode()
    coded = [base64.b64encode(b"\0" * before + data).decode()[: (before + len(data)) * 8 // 6] for before in range(3)]
    return [text, data.hex(), coded[0], coded[1][2:], coded[2][3:]]


_MARKS = _forms(_MARK)


def _decoded(text: str) -> Iterator[str]:
    """What is base64 or hex in a text and means text again; its lines may be broken."""
    for coded in _CODED.finditer(text):
        letters = "".join(coded[0].split())
        if _HEX.fullmatch(letters):
            data = bytes.fromhex(letters[: len(letters) // 2 * 2])
        else:
            data = base64.b64decode(letters[: len(letters) // 4 * 4])
        said = data.decode("utf-8", "replace")
        if said.count("\ufffd") * 8 < len(said):
            yield said


def _finding(what: str, scenario: Scenario, text: str) -> Finding:
    return Finding(f"{what} of {scenario.name}", hashlib.sha256(f"{what} {text}".encode()).hexdigest()[:12])


def _sought(name: str) -> Callable[[str], bool]:
    """Whether a text, in small letters, holds the name as a whole; one of two words or less as a file's name only."""
    spelt = name if len(in_words(name)) > COMPOUND else f"{name}.toml"
    whole = re.compile(rf"(?<![a-z0-9_-]){re.escape(spelt)}(?![a-z0-9_-])")
    return lambda text: spelt in text and whole.search(text) is not None


def _runs(words: Words) -> Iterator[Words]:
    return (words[at : at + RUN] for at in range(len(words) - RUN + 1))


def _telling(run: Words) -> bool:
    return len({word for word in run if sum(map(str.isalpha, word)) > 1}) >= DIFFERENT


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + WINDOW + OVERLAP] for start in range(0, len(text), WINDOW))
