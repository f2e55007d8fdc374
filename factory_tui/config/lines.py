"""Where things stand in a TOML text: a tree of places that mirrors what tomllib read.

Owns positions only. It expects a text that tomllib has accepted, so it follows structure and judges nothing.
Grammar: https://toml.io/en/v1.0.0.
"""

from __future__ import annotations

import re
import tomllib

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


Step = str | int
"""A key of a table, or an index of a list."""


class Place:
    """The line (from 1) of a key or item, and what is inside it, by key or by index."""

    __slots__ = ("inside", "line")

    def __init__(self, line: int) -> None:
        self.line = line
        self.inside: dict[Step, Place] = {}

    def child(self, step: Step, line: int) -> Place:
        """The place inside this one, made when it is new."""
        return self.inside.setdefault(step, Place(line))

    def find(self, steps: tuple[Step, ...]) -> Place:
        """The place the steps lead to, or the last one on the way that the text has."""
        place = self
        for step in steps:
            if step not in place.inside:
                break
            place = place.inside[step]
        return place


def dotted(steps: tuple[Step, ...]) -> str:
    """The steps as TOML would write them: `models."a b".window`, `act[2].path`."""
    shown = ""
    for step in steps:
        if isinstance(step, int):
            shown += f"[{step}]"
        else:
            shown += ("." if shown else "") + (step if _BARE_KEY.fullmatch(step) else f'"{step}"')
    return shown


def places(text: str, first_line: int = 1) -> Place:
    """The tree of a valid TOML text whose first line has the number `first_line`."""
    return _Scan(text, first_line).document()


class _Scan:
    def __init__(self, text: str, first_line: int) -> None:
        self.text = text
        self.at = 0
        self.counted = 0
        self.line = first_line
        self.first_line = first_line

    def document(self) -> Place:
        root = table = Place(self.first_line)
        while self._skip(_BLANK) < len(self.text):
            if self.text.startswith("[", self.at):
                table = self._header(root)
            else:
                self._pair(table)
        return root

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def _here(self) -> int:
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line

    def _header(self, root: Place) -> Place:
        line = self._here()
        several = self.text.startswith("[[", self.at)
        self.at += 2 if several else 1
        *parents, last = self._key()
        self.at += 2 if several else 1
        place = root
        for step in parents:
            place = _newest(place.child(step, line))
        place = place.child(last, line)
        return place.child(len(place.inside), line) if several else place

    def _key(self) -> list[str]:
        steps = []
        while True:
            self._skip(_SPACE)
            start = self.at
            if self.text[start] in "\"'":
                self._skip(_STRING)
                steps.append(str(tomllib.loads("key = " + self.text[start : self.at])["key"]))
            else:
                self._skip(_BARE_KEY)
                steps.append(self.text[start : self.at])
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return steps
            self.at += 1

    def _pair(self, table: Place) -> None:
        line = self._here()
        place = table
        for step in self._key():
            place = place.child(step, line)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(place)

    def _value(self, place: Place) -> None:
        start = self.text[self.at]
        if start in "\"'":
            self._skip(_STRING)
        elif start == "[":
            self._items(place)
        elif start == "{":
            self.at += 1
            while self._skip(_BLANK) < len(self.text) and self.text[self.at] != "}":
                self._pair(place)
                self._skip(_BLANK)
                self.at += self.text[self.at] == ","
            self.at += 1
        else:
            self._skip(_SCALAR)

    def _items(self, place: Place) -> None:
        self.at += 1
        while self._skip(_BLANK) < len(self.text) and self.text[self.at] != "]":
            self._value(place.child(len(place.inside), self._here()))
            self._skip(_BLANK)
            self.at += self.text[self.at] == ","
        self.at += 1


def _newest(place: Place) -> Place:
    """The last item where the place is an array of tables: `[a.b]` after `[[a]]` belongs to it."""
    numbers = [step for step in place.inside if isinstance(step, int)]
    return place.inside[numbers[-1]] if numbers else place
