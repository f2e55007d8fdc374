"""How a line of a trace is drawn: its time, who speaks, its mark, its words; what was searched stands out. Pure."""

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from factory_tui.console.figures import duration, stamp
from factory_tui.console.filtering import Filter
from factory_tui.console.glyphs import Glyphs, Tone
from factory_tui.console.paint import Row, Span, cut, fit, width, wrap
from factory_tui.console.reading import Item

Times = Literal["clock", "since before", "in the pass", "none"]
TIMES: tuple[Times, ...] = ("clock", "since before", "in the pass", "none")
WHO = 9
_ENDED = 16
"""Cells of how a command ended well; what failed has half of the row."""
_MARKED: tuple[Tone, ...] = ("good", "bad", "asks", "waits", "running")
_SPOKEN: tuple[Tone, ...] = ("running", "waits", "good")
"""Their words are drawn as text; the mark has the colour."""


class Look(msgspec.Struct, frozen=True):
    """How all lines are drawn."""

    room: int
    glyphs: Glyphs
    times: Times = "clock"
    wrapped: bool = True
    side: int = 0
    """Cells that are out of sight at the left."""
    words: tuple[str, ...] = ()
    """What stands out, lower case."""

    @property
    def gutter(self) -> int:
        """Cells before the words."""
        return (0 if self.times == "none" else 8) + 1 + WHO + 2


def words(search: Filter) -> tuple[str, ...]:
    """What of a search can stand out among the words of a line."""
    return tuple(word for term in search.terms if not term.negated and term.field != "who" for word in term.either)


def at(item: Item, before: int | None, began: int | None, times: Times) -> str:
    """When it was, in eight cells: by the clock, since the line before, or since its pass began."""
    line = item.line
    if times == "clock":
        return stamp(line.at)
    since = before if times == "since before" else began
    if since is None:
        return ""
    return f"+{duration((line.at - since) / 1000)}"


def drawn(item: Item, time: str, look: Look, *, under: bool = False) -> list[Row]:
    """Its rows; `under` the cursor they are lit in full."""
    line = item.line
    mark = look.glyphs.marks[line.tone] if line.tone in _MARKED else " "
    role = "text" if line.tone in _SPOKEN else line.tone
    head: Row = [] if look.times == "none" else [(f"{time:>8}", "dim")]
    head.append((look.glyphs.cursor if under else " ", "key"))
    head += [(f"{line.who:<8} ", "dim" if line.tone == "dim" else "strong"), (f"{mark} ", line.tone)]
    room = look.room - look.gutter
    if item.folded:
        found = [[*head, *_call(item, room, look)]]
    elif not look.wrapped:
        found = [[*head, *_lit(_sideways(line.text, room, look.side), role, look.words)]]
    else:
        first, *rest = wrap(line.text, room)
        found = [[*head, *_lit(first, role, look.words)]]
        found += [[(" " * look.gutter, "text"), *_lit(text, role, look.words)] for text in rest]
    if not under:
        return found
    return [[(text, _under(role)) for text, role in fit(row, look.room)] for row in found]


def _under(role: str) -> str:
    return role if role == "match" else f"{role}+cursor"


def _call(item: Item, room: int, look: Look) -> Row:
    """A command and what it came to, on one row: the command is cut first."""
    if not item.result:
        return _lit(cut(item.line.text, room), "text", look.words)
    least = room // 2 if item.line.tone == "bad" else _ENDED
    result = cut(item.result, max(least, room - width([(item.line.text, "")]) - 2))
    command = cut(item.line.text, max(8, room - width([(result, "")]) - 2))
    return [
        *_lit(command, "text", look.words),
        ("  ", "text"),
        *_lit(result, "bad" if item.line.tone == "bad" else "dim", look.words),
    ]


def _sideways(text: str, room: int, side: int) -> str:
    """What is in sight of a line that is not wrapped."""
    return cut(text[side:], room) if side < len(text) else ""


def _lit(text: str, role: str, sought: Sequence[str]) -> list[Span]:
    if not sought or not text:
        return [(text, role)]
    parts = re.split(f"({'|'.join(map(re.escape, sought))})", text, flags=re.IGNORECASE)
    return [(part, "match" if index % 2 else role) for index, part in enumerate(parts) if part]
