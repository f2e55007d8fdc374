"""The words of a text, and of a scenario: letters and digits alone, in small letters, however they are spelt.

Pure. What follows from words that two texts share is not known here.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from factory_tui.harness.shapes import Scenario

Words = tuple[str, ...]
_UNTOLD = frozenset({"name", "kind", "set", "weight", "trajectories", "reviewed_for"})
"""Fields of a scenario that are no words of its author's."""
_WORD = re.compile(r"[^\W_]+")
_ESCAPE = re.compile(r"(?<!\\)\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|[bfnrtv])")
_IN_URL = re.compile("%(0[9ADad]|[2-7][0-9a-fA-F])")
_MARKS = re.compile(r"[^\w\x00-\x7f]{30}")
_JOINER = "\u034f"
"""What marks over a letter are not put in order across: many in a row take minutes (Unicode's UAX 15, section 13)."""
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)


def plainly(text: str) -> str:
    """The text in small letters, without what nobody sees and without escapes."""
    return unescaped(text).casefold()


def unescaped(text: str) -> str:
    """The text without what nobody sees and without the escapes of JSON, of strings in code and of URLs."""
    if not text.isascii():
        text = _UNSEEN.sub("", unicodedata.normalize("NFKC", _MARKS.sub(rf"\g<0>{_JOINER}", text)))
    if "\\" in text:
        text = _ESCAPE.sub(lambda found: chr(int(code, 16)) if (code := found[1] or found[2]) else "\n", text)
    if "%" in text:
        text = _IN_URL.sub(lambda found: chr(int(found[1], 16)), text)
    return text


def in_words(plain: str) -> list[str]:
    """The words of a text that is plain already."""
    return _WORD.findall(plain)


def parts(scenario: Scenario) -> Mapping[str, Words]:
    """The words of a scenario, by where they stand in its file: `story`, `let total`, `acts 0`."""
    found: dict[str, Words] = {}
    for field, value in msgspec.to_builtins(scenario).items():
        if field not in _UNTOLD:
            inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            for name, part in inner or [("", value)]:
                found[f"{field} {name}".strip()] = tuple(in_words(plainly(" ".join(_said(part)))))
    return found


def texts(scenario: Scenario) -> Iterator[str]:
    """All that a scenario says, piece by piece."""
    return _said(msgspec.to_builtins(scenario))


def _said(value: Any) -> Iterator[str]:
    """Keys and values, in their order."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _said(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _said(item)
    else:
        yield str(value)
