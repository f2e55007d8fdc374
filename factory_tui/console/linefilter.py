"""The last door before the terminal: nothing a terminal would act on leaves the app, whatever a widget did wrong.

Every text is cleaned at ingest already; this holds if one was forgotten.
"""

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from factory_tui.domain.hostile import REPLACEMENT, clean


class HostileFilter(LineFilter):
    """Replaces control, bidi and zero-width characters cell by cell, and drops terminal hyperlinks."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The same cells, harmless."""
        found: list[Segment] = []
        for segment in segments:
            text, style, control = segment
            if style is not None and style.link is not None:
                segment = Segment(text, style.update_link(None), control)  # noqa: PLW2901
            if not (text.isascii() and text.isprintable()) and clean(text) != text:
                segment = Segment(_harmless(text), segment.style, control)  # noqa: PLW2901
            found.append(segment)
        return found


def _harmless(text: str) -> str:
    """Each unsafe character as nothing or as a replacement, so that the line keeps its width."""
    return "".join(
        char if clean(char) == char and char not in "\n\t" else REPLACEMENT * cell_len(char) for char in text
    )
