"""What an event changed in the state: each leaf with its value before and after. Pure; safe to draw."""

from collections.abc import Iterator
from typing import Any

import msgspec

from factory_tui.console.figures import day, stamp
from factory_tui.domain.hostile import one_line
from factory_tui.domain.state import State

MOST = 200
"""Leaves that are told."""
TEXT = 120
"""Characters of a value."""
TIMES = range(1_000_000_000_000, 10_000_000_000_000)
"""A number among these is a time: UTC ms from 2001 to 2286."""
_SAID = ("seq", "at")
"""What every event changes."""


class Difference(msgspec.Struct, frozen=True):
    """`runs shortlinks-1 state`: from one value to another; None where it was, or is, nothing."""

    path: str
    before: str | None
    after: str | None


def differences(before: State, after: State) -> list[Difference]:
    """In the order of the state's fields, at most MOST."""
    found = []
    for name in before.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if name in _SAID or old is new:
            continue
        for one in _differ((name,), _plain(old), _plain(new)):
            found.append(one)
            if len(found) == MOST:
                return found
    return found


def _plain(value: object) -> Any:
    return msgspec.to_builtins(value, str_keys=True)


def _differ(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Difference]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _differ((*path, key), old.get(key), new.get(key))
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        for index in range(max(len(old), len(new))):
            one, other = (side[index] if index < len(side) else None for side in (old, new))
            yield from _differ((*path, str(index + 1)), one, other)
    elif isinstance(new, dict) and old is None:
        for key, value in new.items():
            yield from _differ((*path, key), None, value)
    else:
        yield Difference(one_line(" ".join(path), TEXT), _said(old), _said(new))


def _said(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, int) and value in TIMES:
        return f"{day(value)} {stamp(value)}"
    return one_line(value if isinstance(value, str) else msgspec.json.encode(value).decode(), TEXT)
