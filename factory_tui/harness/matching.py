"""Comparing what came back with what was wanted: each comparison is a Check.

Observed values are hostile: sizes are bounded before they are shown, and nothing of them is ever run.
"""

from __future__ import annotations

import json
import re
import signal
import threading
from decimal import Decimal
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final

import msgspec

from factory_tui.harness.draws import render
from factory_tui.harness.expressions import as_json, as_text
from factory_tui.harness.shapes import Matcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from factory_tui.harness.draws import Inputs

SHOWN = 200
"""Characters of a value that evidence shows."""
SEARCHED = 200_000
"""Characters that a regex sees."""
PATIENCE = 1.0
"""Seconds that a search may take."""


class _Absent:
    """What was looked for is not there."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()


class Check(msgspec.Struct, frozen=True):
    """One comparison, in words for evidence. `distance` is 0 when met, up to 1 far off."""

    what: str
    wanted: str
    observed: str
    met: bool
    distance: float = 0.0


class NotJson(Exception):  # noqa: N818
    """The text is no JSON document; the message says why."""


def load_json(data: bytes | str) -> Any:
    """A JSON document with exact decimals. Raises NotJson."""
    try:
        source = data.decode("utf-8") if isinstance(data, bytes) else data
        return json.loads(source, parse_float=_number, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise NotJson(str(error) or type(error).__name__) from None


def _number(digits: str) -> Decimal:
    number = Decimal(digits)
    if abs(number.adjusted()) > 400:
        raise ValueError("a number is out of all bounds")
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def show(value: object) -> str:
    """A value as evidence shows it: JSON, the middle cut."""
    if value is ABSENT:
        return "nothing"
    try:
        line = as_json(value)
    except RecursionError:
        return "something nested too deep to show"
    return line if len(line) <= SHOWN else f"{line[: SHOWN // 2]} ... {line[-SHOWN // 2 :]}"


def look_up(document: Any, path: str) -> Any:
    """What a dotted path leads to, or ABSENT; "" is the document."""
    value = document
    for step in re.split(r"(?<!\\)\.", path) if path else ():
        key = step.replace("\\.", ".")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return ABSENT
    return value


def same(wanted: object, observed: object) -> bool:
    """Equality of JSON values: numbers exactly as decimals, true and false are no numbers."""
    if isinstance(wanted, bool) or isinstance(observed, bool):
        return wanted is observed
    if _is_number(wanted) and _is_number(observed):
        return _decimal(wanted) == _decimal(observed)
    if isinstance(wanted, list | tuple) and isinstance(observed, list | tuple):
        return len(wanted) == len(observed) and all(map(same, wanted, observed))
    if isinstance(wanted, dict) and isinstance(observed, dict):
        return wanted.keys() == observed.keys() and all(same(item, observed[key]) for key, item in wanted.items())
    return type(wanted) is type(observed) and wanted == observed


def match(what: str, wanted: object, observed: object, names: Inputs) -> Iterator[Check]:
    """The checks of a value or matcher against what was observed (ABSENT when there is none)."""
    if not isinstance(wanted, Matcher):
        yield equal(what, render(wanted, names), observed)
        return
    rules: dict[str, Any] = {
        field.encode_name: render(getattr(wanted, field.name), names) if field.name != "length" else wanted.length
        for field in msgspec.structs.fields(Matcher)
        if getattr(wanted, field.name) is not msgspec.UNSET
    }
    if isinstance(wanted.regex, str):
        # what is drawn or captured stands for itself: a pattern of the product's could match anything, or never end
        rules["regex"] = render(wanted.regex, {name: re.escape(as_text(value)) for name, value in names.items()})
    tolerance = rules.pop("tolerance")
    if "absent" in rules:
        gone = bool(rules.pop("absent"))
        met = (observed is ABSENT) == gone
        yield Check(what, "nothing" if gone else "something", show(observed), met, 0.0 if met else 1.0)
    for rule, want in rules.items():
        if rule == "equals":
            yield equal(what, want, observed)
        elif rule == "near":
            yield _near(what, want, tolerance, observed)
        elif rule == "length":
            size = len(observed) if isinstance(observed, str | list | dict) else ABSENT
            yield from match(f"length of {what}", want, size, names)
        else:
            met = observed is not ABSENT and _holds(rule, want, observed)
            yield Check(what, f"{rule.replace('_', ' ')} {show(want)}", show(observed), met, 0.0 if met else 1.0)


def equal(what: str, wanted: object, observed: object) -> Check:
    """The check that a value is this one. `wanted` is taken as it is: braces in it are no templates any more."""
    met = observed is not ABSENT and same(wanted, observed)
    return Check(what, show(wanted), show(observed), met, 0.0 if met else distance(wanted, observed))


def _near(what: str, wanted: object, tolerance: float, observed: object) -> Check:
    shown = f"{show(wanted)} within {tolerance}"
    if not (_is_number(wanted) and _is_number(observed)):
        return Check(what, shown, show(observed), False, 1.0)
    met = abs(_decimal(wanted) - _decimal(observed)) <= Decimal(str(tolerance))
    return Check(what, shown, show(observed), met, 0.0 if met else distance(wanted, observed))


def _holds(rule: str, want: Any, observed: Any) -> bool:
    match rule:
        case "not":
            return not same(want, observed)
        case "any_of":
            return isinstance(want, list) and any(same(item, observed) for item in want)
        case "regex":
            return isinstance(observed, str) and search(want, observed) is not None
        case "contains":
            return all(_contains(observed, item) for item in (want if isinstance(want, list) else [want]))
        case "excludes":
            return not any(_contains(observed, item) for item in (want if isinstance(want, list) else [want]))
        case "type":
            return _type(observed) == want or (want == "number" and _type(observed) == "integer")
        case "min":
            return _is_number(observed) and _is_number(want) and _decimal(observed) >= _decimal(want)
        case "max":
            return _is_number(observed) and _is_number(want) and _decimal(observed) <= _decimal(want)
        case "unordered":
            return _unordered(want, observed)
    raise AssertionError(f"no rule {rule}")


class _TooSlow(Exception):  # noqa: N818
    """The search took longer than PATIENCE."""


def search(pattern: str, observed: str) -> re.Match[str] | None:
    """What a regex finds first; None too when it takes too long.

    A product can answer what makes a harmless pattern take hours, and a search holds the engine's loop. It looks for
    signals on its way, so an alarm ends it; signals are the main thread's, which is the engine's.
    """
    if threading.current_thread() is not threading.main_thread():
        return re.search(pattern, observed[:SEARCHED])

    def ring(*_: object) -> None:
        raise _TooSlow

    other = signal.setitimer(signal.ITIMER_REAL, 0)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        try:
            return re.search(pattern, observed[:SEARCHED])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _TooSlow:
        return None
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *other)


def _contains(whole: object, part: object) -> bool:
    if isinstance(whole, str):
        return isinstance(part, str) and part in whole
    return isinstance(whole, list) and any(same(part, item) for item in whole)


def _unordered(wanted: object, observed: object) -> bool:
    if not (isinstance(wanted, list) and isinstance(observed, list) and len(observed) == len(wanted)):
        return False
    rest = list(observed)
    for item in wanted:
        found = next((place for place, other in enumerate(rest) if same(item, other)), None)
        if found is None:
            return False
        rest.pop(found)
    return True


def _type(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list | tuple | dict):
        return "object" if isinstance(value, dict) else "array"
    return "number"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _decimal(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def distance(wanted: object, observed: object) -> float:
    """How far off, 0..1: relative for numbers, share of differing text, share of differing items."""
    if observed is ABSENT or _type(wanted) != _type(observed):
        return 1.0
    if _is_number(wanted):
        gap = abs(_decimal(wanted) - _decimal(observed))
        return float(min(Decimal(1), gap / max(abs(_decimal(wanted)), Decimal(1))))
    if isinstance(wanted, str) and isinstance(observed, str):
        return 1.0 - SequenceMatcher(None, wanted[:500], observed[:500], autojunk=False).ratio()
    if isinstance(wanted, list) and isinstance(observed, list):
        hits = sum(map(same, wanted, observed))
        return 1.0 - hits / max(len(wanted), len(observed), 1)
    if isinstance(wanted, dict) and isinstance(observed, dict):
        hits = sum(key in observed and same(item, observed[key]) for key, item in wanted.items())
        return 1.0 - hits / max(len(wanted), len(observed), 1)
    return 1.0


def match_text(what: str, wanted: object, observed: str, names: Inputs) -> Iterator[Check]:
    """As `match`; where equality is asked, one line break at the end is forgiven."""
    if isinstance(wanted, Matcher) and wanted.equals is msgspec.UNSET:
        yield from match(what, wanted, observed, names)
        return
    want = render(wanted.equals if isinstance(wanted, Matcher) else wanted, names)
    if isinstance(want, str) and not want.endswith("\n"):
        observed = observed.removesuffix("\n").removesuffix("\r")
    yield from match(what, wanted, observed, names)


def match_json(what: str, wanted: Mapping[str, object], data: bytes, names: Inputs) -> Iterator[Check]:
    """The checks of dotted paths in a JSON document."""
    if not wanted:
        return
    try:
        document = load_json(data)
    except NotJson as error:
        yield Check(what, "a JSON document", f"{error}: {show(data[:SHOWN].decode('utf-8', 'replace'))}", False, 1.0)
        return
    for path, want in wanted.items():
        yield from match(f"{what} {path}" if path else what, want, look_up(document, path), names)
