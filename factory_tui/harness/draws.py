"""Inputs of one trajectory: drawn, computed, and written into what a user would type.

The same (run, visit, scenario, index) gives the same inputs on every machine: the generator is Python's Mersenne
Twister, seeded by SHA-256 of the four. Knows nothing of acts or verdicts.
"""

import base64
import datetime as dt
import hashlib
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from factory_tui.harness.expressions import Expression, as_text
from factory_tui.harness.scenario import TEMPLATE
from factory_tui.harness.shapes import (
    BytesDraw,
    ChoiceDraw,
    DateDraw,
    Draw,
    IntDraw,
    MoneyDraw,
    Scenario,
    TableDraw,
    TextDraw,
    UrlDraw,
    WordDraw,
)

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PLAIN = LETTERS + LETTERS.upper() + "0123456789"
AWKWARD = "\"',;:|\\/&%+#=<>()[]{}!?.-_@éüßñøçæžЖλ漢字あ€→🙂"

Inputs = Mapping[str, Any]
"""What a trajectory's templates may name."""


class Drawn(dict[str, Any]):
    """What was drawn and computed for one trajectory, and the seed of what it draws as it goes."""

    seed = 0

    def source(self) -> random.Random:
        """Where the cases of its properties come from."""
        return random.Random(f"cases {self.seed}")  # noqa: S311 -- repeatable on purpose


def inputs(scenario: Scenario, run: str, visit: int, index: int) -> Drawn:
    """Draws and computed values of one trajectory. Raises ExpressionError when a `[let]` fails on them."""
    digest = hashlib.sha256("\0".join((run, str(visit), scenario.name, str(index))).encode()).digest()
    seed = int.from_bytes(digest)
    source = random.Random(seed)  # noqa: S311 -- repeatable on purpose
    values = Drawn(computed(scenario.let, draw_all(scenario.draw, source)))
    values.seed = seed
    return values


def draw_all(draws: Mapping[str, Draw], source: random.Random) -> dict[str, Any]:
    """A value of each, in order."""
    return {name: draw_one(draw, source) for name, draw in draws.items()}


def computed(let: Mapping[str, str], values: Inputs) -> dict[str, Any]:
    """The values, and what is computed from them, in order. Raises ExpressionError."""
    known = dict(values)
    for name, expression in let.items():
        known[name] = Expression(expression).evaluate(known)
    return known


def draw_one(draw: Draw, source: random.Random) -> Any:
    """One value."""
    match draw:
        case IntDraw():
            return source.randint(draw.min, draw.max)
        case MoneyDraw():
            return Decimal(source.randint(int(draw.min * 100), int(draw.max * 100))).scaleb(-2)
        case WordDraw():
            return "".join(source.choices(LETTERS, k=source.randint(draw.min, draw.max)))
        case TextDraw():
            return _text(draw, source)
        case ChoiceDraw():
            return source.choice(draw.of)
        case UrlDraw():
            host, path, value = ("".join(source.choices(LETTERS, k=source.randint(4, 10))) for _ in range(3))
            return f"https://{host}.example/{path}?q={value}&n={source.randint(1, 9999)}"
        case DateDraw():
            return (draw.min + dt.timedelta(days=source.randint(0, (draw.max - draw.min).days))).isoformat()
        case BytesDraw():
            return base64.b64encode(source.randbytes(source.randint(draw.min, draw.max))).decode("ascii")
        case TableDraw():
            rows = source.randint(*draw.rows)
            return [{name: draw_one(column, source) for name, column in draw.columns.items()} for _ in range(rows)]


def _text(draw: TextDraw, source: random.Random) -> str:
    """Text without blanks at its ends, so that trimming is never in doubt."""
    size = source.randint(draw.min, draw.max)
    inner = PLAIN + AWKWARD * 2 + " " * 8 + ("\n" * 6 if draw.breaks else "")
    ends = PLAIN + AWKWARD
    return "".join(source.choice(ends if place in (0, size - 1) else inner) for place in range(size))


def render(value: Any, names: Inputs) -> Any:
    """The value with its templates filled in; text that is exactly one template keeps the type of what it names."""
    if isinstance(value, str):
        whole = TEMPLATE.fullmatch(value)
        if whole and whole[1]:
            return names[whole[1]]
        return TEMPLATE.sub(lambda found: as_text(names[found[1]]) if found[1] else found[0][0], value)
    if isinstance(value, Mapping):
        return {as_text(render(key, names)): render(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [render(item, names) for item in value]
    return value


def text(value: str, names: Inputs) -> str:
    """A template as text."""
    return as_text(render(value, names))
