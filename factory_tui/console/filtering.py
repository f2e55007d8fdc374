"""The filter grammar of every list: which lines fit what was typed after `/`. Pure.

Words apart by spaces must all hold: `text` (somewhere in the line), `!text` (nowhere in it), `field:text` and
`!field:text`. `a|b` is one or the other; quotes keep spaces together. Case does not count.
"""

import shlex
from collections.abc import Collection, Mapping

import msgspec

OF_RUNS = ("run", "state", "seed", "owner", "actor", "model", "loop")
"""The fields of a run."""


class Term(msgspec.Struct, frozen=True):
    """One word of a filter. `field` is empty where it may be anywhere in the line."""

    field: str
    either: tuple[str, ...]
    """What it is looked for, lower case: any of them will do."""
    negated: bool


class Filter(msgspec.Struct, frozen=True):
    """What was typed, taken apart; an empty one holds of every line."""

    text: str = ""
    terms: tuple[Term, ...] = ()

    def holds(self, line: Mapping[str, str]) -> bool:
        """Whether a line fits: its fields by name, with what can be found in each."""
        return all(_found(term, line) != term.negated for term in self.terms)


def parse(text: str, fields: Collection[str]) -> Filter:
    """Take apart what was typed; `fields` are those that a line has.

    Raises ValueError, with a remedy, for a field that no line has, a quote that does not end, or a word without words.
    """
    try:
        words = shlex.split(text, posix=True)
    except ValueError as error:
        raise ValueError('a quote does not end. Remedy: close it with "') from error
    return Filter(text.strip(), tuple(_term(word, fields) for word in words))


def mistake(text: str) -> str:
    """What is wrong with a filter of runs, with its remedy, or nothing."""
    try:
        parse(text, OF_RUNS)
    except ValueError as error:
        return str(error)
    return ""


def _term(word: str, fields: Collection[str]) -> Term:
    wanted = word.removeprefix("!")
    field, colon, rest = wanted.partition(":")
    if colon and field.lower() not in fields:
        known = ", ".join(f"{name}:" for name in fields)
        raise ValueError(f"no field is called {field}. Remedy: {known or 'words alone'}")
    either = tuple(part.lower() for part in (rest if colon else wanted).split("|") if part)
    if not either:
        raise ValueError(f"{word} says nothing to look for. Remedy: words behind it")
    return Term(field.lower() if colon else "", either, word.startswith("!"))


def _found(term: Term, line: Mapping[str, str]) -> bool:
    where = (line.get(term.field, ""),) if term.field else line.values()
    return any(part in text.lower() for part in term.either for text in where)
