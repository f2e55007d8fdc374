"""Smaller inputs in place of one that failed: each drawn value halved towards its least, where its draw allows that.

Pure; knows draws, and nothing of acts.
"""

from __future__ import annotations

import base64
import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from factory_tui.harness.shapes import (
    BytesDraw,
    ChoiceDraw,
    DateDraw,
    Draw,
    IntDraw,
    MoneyDraw,
    TableDraw,
    TextDraw,
    UrlDraw,
    WordDraw,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def simpler(draws: Mapping[str, Draw], values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The values with one of them simpler, boldest first."""
    for name, draw in draws.items():
        for value in _simpler(draw, values[name]):
            yield {**values, name: value}


def _simpler(draw: Draw, value: Any) -> Iterator[Any]:
    match draw:
        case IntDraw():
            yield from _towards(max(draw.min, min(0, draw.max)), value)
        case MoneyDraw():
            least = int(draw.min.scaleb(2).to_integral_value())
            yield from (Decimal(cents).scaleb(-2) for cents in _towards(least, int(value.scaleb(2))))
        case DateDraw():
            days = (dt.date.fromisoformat(value) - draw.min).days
            yield from ((draw.min + dt.timedelta(days=fewer)).isoformat() for fewer in _towards(0, days))
        case ChoiceDraw():
            yield from draw.of[: draw.of.index(value)]
        case WordDraw():
            yield from map("".join, _shorter(value, draw.min))
            yield from _plainer(value)
        case TextDraw():
            yield from (text for text in map("".join, _shorter(value, draw.min)) if text == text.strip())
            yield from _plainer(value)
        case BytesDraw():
            for fewer in _shorter(base64.b64decode(value), draw.min):
                yield base64.b64encode(bytes(fewer)).decode()
        case TableDraw():
            yield from map(list, _shorter(value, draw.rows[0]))
            for at, row in enumerate(value):
                for simple in simpler(draw.columns, row):
                    yield [*value[:at], simple, *value[at + 1 :]]
        case UrlDraw():
            return


def _towards(least: int, value: int) -> Iterator[int]:
    """The least, then half of the way back to the value, and so on up to the one beside it."""
    gap = value - least
    while gap:
        yield value - gap
        gap = int(gap / 2)


def _shorter(items: Sequence[Any], least: int) -> Iterator[Sequence[Any]]:
    """The items without their half, their quarters and so on: each in turn, as long as enough are left."""
    size = len(items) - least
    while size > 0:
        for start in range(0, len(items), size):
            if len(rest := [*items[:start], *items[start + size :]]) >= least:
                yield rest
        size //= 2


def _plainer(text: str) -> Iterator[str]:
    """All of it, then one character, as `a`."""
    for at in range(-1, len(text)):
        plain = "a" * len(text) if at < 0 else f"{text[:at]}a{text[at + 1 :]}"
        if plain != text and (at < 0 or text[at] != "a"):
            yield plain
