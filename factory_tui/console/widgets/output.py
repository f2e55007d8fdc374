"""A long text in a pane: wrapped where it is looked at and nowhere else, with a search of its own."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from factory_tui.console.paint import Row, wrap
from factory_tui.console.whole import measured
from factory_tui.console.widgets.panel import Panel
from factory_tui.domain.hostile import clean

if TYPE_CHECKING:
    from textual import events

PIECE = 2_000
"""Characters of one line that are wrapped at once."""
MATCHES = 10_000
"""Places of what is searched that are counted."""
WHEEL = 3
_GUTTER = 7


class Output(Panel):
    """Holds the text and where its pieces begin; rows are made of those in sight."""

    def __init__(self, title: Row) -> None:
        super().__init__()
        self.title = title
        self.said = "reading the journal…"
        """Instead of a text."""
        self.text = ""
        self._pieces: list[tuple[int, int, int]] = []
        """Of each: where it begins and ends, and the number of its line; 0: it goes on with one."""
        self._top = (0, 0)
        """The first piece in sight, and which row of it is on top."""
        self._seen = 0
        """Pieces up to the last one in sight."""
        self._pattern: re.Pattern[str] | None = None
        self._matches: list[int] = []
        self._match = -1
        self._wrapped = lru_cache(512)(self._wrap)

    def show(self, text: str) -> None:
        """A text, which has been cleaned."""
        self.text, self.said = text.expandtabs(4), "" if text.strip() else "it says nothing"
        self._pieces = list(_pieces(self.text))
        self._wrapped.cache_clear()
        self.sync()

    def tell(self, said: str) -> None:
        """Words instead of a text."""
        self.said = said
        self.sync()

    def heading(self) -> tuple[Row, Row]:
        """What it is of, and how long."""
        return self.title, [(measured(self.text), "dim")] if self.text else []

    def footing(self) -> Row:
        """What was found, where in it this is, and the keys."""
        found: Row = []
        if self._pattern:
            at = f"{self._match + 1} of {len(self._matches)}{'+' * (len(self._matches) == MATCHES)}"
            found = [(f"/ {self.search}  ", "key"), (f"{at if self._matches else 'not in it'}  ", "text")]
        share = 100 * self._seen // max(1, len(self._pieces))
        where: Row = [(f"{share}%  ", "dim")] if share < 100 or self._top > (0, 0) else []
        return [*found, *where, ("/ search  n N  y copy  o pager  esc", "dim")]

    @property
    def search(self) -> str:
        """What is looked for."""
        return re.sub(r"\\(.)", r"\1", self._pattern.pattern) if self._pattern else ""

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        if self.said:
            return [[("  ", "text"), (part, "waits")] for part in wrap(self.said, width - 4)]
        piece, skipped = self._top
        found: list[Row] = []
        while piece < len(self._pieces) and len(found) < height + skipped:
            found += self._rows(piece, width)
            piece += 1
        self._seen = piece
        return found[skipped : skipped + height]

    def _rows(self, piece: int, width: int) -> list[Row]:
        number = self._pieces[piece][2]
        found: list[Row] = []
        for index, part in enumerate(self._wrapped(piece, width)):
            head = f"{number or '':>5}  " if not index else " " * _GUTTER
            found.append([(head, "dim"), *self._lit(part)])
        return found

    def _wrap(self, piece: int, width: int) -> list[str]:
        begin, end, _ = self._pieces[piece]
        return wrap(clean(self.text[begin:end]), width - _GUTTER - 1)

    def _lit(self, part: str) -> Row:
        if not self._pattern:
            return [(part, "text")]
        found: Row = []
        at = 0
        for match in self._pattern.finditer(part):
            found += [(part[at : match.start()], "text"), (match[0], "match")]
            at = match.end()
        return [*found, (part[at:], "text")]

    def scroll(self, rows: int) -> None:
        """By rows; the end stays at the lower edge."""
        piece, row = self._top
        width = self.size.width - 2
        row += rows
        while row < 0 and piece > 0:
            piece -= 1
            row += len(self._wrapped(piece, width))
        while piece < len(self._pieces) - 1 and row >= len(self._wrapped(piece, width)):
            row -= len(self._wrapped(piece, width))
            piece += 1
        self._top = min((piece, max(0, row)), self._end(width))
        self.sync()

    def _end(self, width: int) -> tuple[int, int]:
        """Where the last page begins."""
        room, piece = max(1, self.size.height - 2), len(self._pieces)
        while piece > 0 and room > 0:
            piece -= 1
            room -= len(self._wrapped(piece, width))
        return piece, max(0, -room)

    def to_end(self, first: bool) -> None:
        """To its first row, or to its last page."""
        self._top = (0, 0) if first else self._end(self.size.width - 2)
        self.sync()

    def look_for(self, text: str) -> str:
        """Search for words as they are typed, in any case; nothing is wrong with any."""
        self._pattern = re.compile(re.escape(text), re.IGNORECASE) if text else None
        self._matches, self._match = [], -1
        for match in self._pattern.finditer(self.text) if self._pattern else ():
            self._matches.append(match.start())
            if len(self._matches) == MATCHES:
                break
        self.to_match(1)
        return ""

    def to_match(self, by: int) -> None:
        """To the next place, or with -1 to the one before, round and round."""
        if self._matches:
            self._match = (self._match + by) % len(self._matches)
            where = self._matches[self._match]
            piece = next(index for index, (_, end, _) in enumerate(self._pieces) if where <= end)
            before = len(wrap(self.text[self._pieces[piece][0] : where], max(8, self.size.width - 3 - _GUTTER))) - 1
            self._top = (piece, before)
            self.scroll(-(self.size.height // 3))
        self.sync()

    def on_mouse_scroll_up(self, event: "events.MouseScrollUp") -> None:
        """Back."""
        event.stop()
        self.scroll(-WHEEL)

    def on_mouse_scroll_down(self, event: "events.MouseScrollDown") -> None:
        """On."""
        event.stop()
        self.scroll(WHEEL)


def _pieces(text: str) -> Sequence[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    begin, number = 0, 1
    while begin <= len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        starts = range(begin, max(end, begin + 1), PIECE)
        found += ((start, min(end, start + PIECE), number if start == begin else 0) for start in starts)
        begin, number = end + 1, number + 1
    return found
