"""The condition language of edges (Attractor section 10.2): `key = literal` and `key != literal`, joined by &&.

The grammar is the whole language: what only the pseudocode of section 10.5 lets through (bare keys, unqualified
keys, empty clauses) is an error.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from factory_tui.pipeline.graph import text_of
from factory_tui.pipeline.outcome import Outcome, Status
from factory_tui.pipeline.scan import BARE, INTEGER, Scanner

_KEY = re.compile(r"(?:outcome|preferred_label|context(?:\.[A-Za-z_][A-Za-z0-9_]*)+)(?![A-Za-z0-9_.])")
_EXPECTED_KEY = "'outcome', 'preferred_label' or 'context.' and a name"


class Clause(Struct, frozen=True):
    """One comparison; `equal` is false for `!=`."""

    key: str
    equal: bool
    literal: str


@lru_cache(maxsize=1024)
def read_condition(text: str) -> tuple[Clause, ...]:
    """Parse a condition; an empty one has no clauses. Raises ScanError."""
    scan = Scanner(text)
    scan.skip()
    if scan.done():
        return ()
    clauses = [_clause(scan)]
    while not scan.done():
        if not scan.accept("&&"):
            raise scan.error("'&&' or the end of the condition")
        scan.skip()
        clauses.append(_clause(scan))
    return tuple(clauses)


def holds(condition: str, outcome: Outcome, context: Mapping[str, object]) -> bool:
    """Whether every clause is true; comparison is exact, on text, and a missing key is empty. Raises ScanError."""
    return all((_value(c.key, outcome, context) == c.literal) == c.equal for c in read_condition(condition))


def _clause(scan: Scanner) -> Clause:
    key = scan.need(_KEY, _EXPECTED_KEY)
    scan.skip()
    equal = not scan.accept("!=")
    if equal and not scan.accept("="):
        raise scan.error("'=' or '!='")
    scan.skip()
    at = scan.at
    if scan.text.startswith('"', at):
        literal = scan.string()
    else:
        literal = scan.take(BARE) or scan.need(INTEGER, "a word, a whole number or a quoted string")
    if key == "outcome" and literal not in set(Status):
        raise scan.error(f"one of {', '.join(Status)}", at)
    scan.skip()
    return Clause(key, equal, literal)


def _value(key: str, outcome: Outcome, context: Mapping[str, object]) -> str:
    if key == "outcome":
        return outcome.status
    if key == "preferred_label":
        return outcome.preferred_label
    value = context.get(key)
    return text_of(context.get(key.removeprefix("context.")) if value is None else value)
