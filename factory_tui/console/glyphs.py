"""The alphabet: what each state looks like (glyph + word + tone), sparklines and bars, in three glyph sets.

Pure. A state is never said by colour alone. No glyph here depends on an emoji variation selector; the ascii set is
for locales and terminals that draw ambiguous-width characters two cells wide.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from factory_tui.domain.events import RunState

Tone = Literal["text", "dim", "running", "good", "bad", "asks", "waits", "idle"]
"""What a thing means to the operator; the theme gives it a colour."""


class Glyphs(msgspec.Struct, frozen=True):
    """One set of drawing characters."""

    marks: dict[str, str]
    """Tone -> lamp."""
    frame: str
    """Top left, top right, bottom left, bottom right, horizontal, vertical."""
    levels: str
    """Sparkline steps, lowest first."""
    bar: tuple[str, str, str, str]
    """Surely reached, maybe reached, not reached, the mark to reach."""
    rails: tuple[str, str]
    """Lines, and the one that stands out, by the sides that they lead to: 1 up, 2 right, 4 down, 8 left together."""
    cursor: str
    times: str
    more: str
    sep: str
    branch: str
    """Before a run that stands below the one it was forked from."""
    braille: bool = False
    into: str = "›"
    """Between a screen and the one that was opened over it."""
    sorts: tuple[str, str] = ("↑", "↓")
    """Beside a title: the smallest on top, the largest."""


_MARKS = {
    "running": "●",
    "good": "✓",
    "bad": "✗",
    "asks": "▲",
    "waits": "‖",
    "idle": "○",
    "text": " ",
    "dim": "·",
}
_ASCII = {"running": "*", "good": "+", "bad": "x", "asks": "!", "waits": "=", "idle": ".", "text": " ", "dim": "-"}
_RAILS = (" │─╰││╭├─╯─┴╮┤┬┼", " ┃━┗┃┃┏┣━┛━┻┓┫┳╋")
BLOCK = Glyphs(_MARKS, "╭╮╰╯─│", "▁▂▃▄▅▆▇█", ("━", "╍", "─", "┃"), _RAILS, "▸", "×", "↓", "·", "└")
BRAILLE = Glyphs(_MARKS, "╭╮╰╯─│", "▁▂▃▄▅▆▇█", ("━", "╍", "─", "┃"), _RAILS, "▸", "×", "↓", "·", "└", braille=True)
ASCII = Glyphs(
    _ASCII,
    "++++-|",
    "_.-=+*#@",
    ("#", ":", "-", "|"),
    (" |-`||.+-'-+.+++", " #=#####=#=#####"),
    ">",
    "x",
    "v",
    "|",
    "`",
    into=">",
    sorts=("^", "v"),
)
SETS = {"braille": BRAILLE, "block": BLOCK, "ascii": ASCII}

LAMPS: dict[RunState, Tone] = {
    "queued": "idle",
    "running": "running",
    "paused": "waits",
    "held": "waits",
    "jammed": "asks",
    "signoff": "asks",
    "shipped": "good",
    "stopped": "idle",
    "failed": "bad",
}
"""The tone of each run state."""

_DOTS = ((0x00, 0x40, 0x44, 0x46, 0x47), (0x00, 0x80, 0xA0, 0xB0, 0xB8))


def spark(values: Sequence[float], width: int, glyphs: Glyphs, top: float | None = None) -> str:
    """The newest values as a line of `width` cells at most; `top` is full height (default: the largest).

    One value a cell while they fit; the braille set then puts two into a cell, in columns of four dots.
    """
    if width <= 0 or not values:
        return ""
    dense = glyphs.braille and len(values) > width
    shown = list(values)[-(width * 2 if dense else width) :]
    full = top if top is not None else max(shown)
    shares = [0.0 if full <= 0 else min(1.0, max(0.0, value / full)) for value in shown]
    if not dense:
        last = len(glyphs.levels) - 1
        return "".join(glyphs.levels[round(share * last)] for share in shares)
    heights = [max(1, round(share * 4)) for share in shares]
    if len(heights) % 2:
        heights.insert(0, 0)
    pairs = zip(heights[::2], heights[1::2], strict=True)
    return "".join(chr(0x2800 + _DOTS[0][left] + _DOTS[1][right]) for left, right in pairs)


def span_bar(low: float, high: float, mark: float, width: int, glyphs: Glyphs) -> list[tuple[str, Tone]]:
    """A bar for a share with its interval: solid up to `low`, hatched to `high`, and where `mark` is to be reached."""
    sure, maybe, rest, flag = glyphs.bar
    at = min(width - 1, max(0, round(mark * width)))
    edge, reach = round(low * width), round(high * width)
    tone: Tone = "good" if low >= mark else "running"
    found: list[tuple[str, Tone]] = []
    for cell in range(width):
        if cell == at:
            piece: tuple[str, Tone] = (flag, "text")
        elif cell < edge:
            piece = (sure, tone)
        elif cell < reach:
            piece = (maybe, tone)
        else:
            piece = (rest, "dim")
        if found and found[-1][1] == piece[1]:
            found[-1] = (found[-1][0] + piece[0], piece[1])
        else:
            found.append(piece)
    return found


def meter(share: float, width: int, glyphs: Glyphs, tone: Tone = "running") -> list[tuple[str, Tone]]:
    """A plain bar, `share` of it filled."""
    filled = round(min(1.0, max(0.0, share)) * width)
    return [(glyphs.bar[0] * filled, tone), (glyphs.bar[2] * (width - filled), "dim")]
