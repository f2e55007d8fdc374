"""Hostile text: what an agent, a model or a cell wrote, made safe to store and to draw.

Replaces C0 and C1 controls (newline and tab stay), escape sequences whole, bidi controls and zero-width characters,
and lone surrogates. Every text is cleaned here at ingest; the console filters its lines once more.
"""

import re
from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(extra={"class": "text"})]
"""A field of a record that may hold what an agent, a model or a person wrote."""
_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?"  # OSC: titles, clipboard, links
    r"|\x1b[PX^_][^\x1b]{0,4096}(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,16}[@-~]?"  # CSI
    r"|\x1b[ -/]{0,4}[0-~]?"
)
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    r"\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
REPLACEMENT = "\ufffd"


def clean(text: str) -> str:
    """Text without anything a terminal would act on; carriage returns before newlines go, others are replaced."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(REPLACEMENT, _ESCAPES.sub(REPLACEMENT, text.replace("\r\n", "\n")))


def clean_bytes(data: bytes) -> str:
    """Bytes of a cell as safe text; what is not UTF-8 is replaced."""
    return clean(data.decode("utf-8", "replace"))


def one_line(text: str, width: int = 200) -> str:
    """The text on one line, at most `width` characters, for titles and traces."""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def clean_json(text: str) -> str:
    """Valid JSON of the same meaning whose text has nothing a terminal would act on: what is unsafe becomes escapes."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escaped, text.replace("\r", " "))


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))
