"""What of a trace is read: its lines as items, tool calls folded to one, those that a search is for. Pure.

Items are in the order of the trace, and each keeps its key: a place stays one, whatever comes before or behind it.
"""

from bisect import bisect_left, bisect_right
from itertools import islice

import msgspec

from factory_tui.console.filtering import Filter
from factory_tui.console.glyphs import Tone
from factory_tui.console.mirror import RING, Trace
from factory_tui.console.trace import Line

FIELDS = ("who", "tool")
"""Of a line, for a search."""
Key = tuple[int, int]


class Item(msgspec.Struct):
    """One line as it is read, or a whole tool call."""

    line: Line
    tool: str = ""
    """Which tool the line is about."""
    result: str = ""
    """Of a folded call that has returned."""
    events: tuple[int, ...] = ()
    """What it is of, as seqs."""
    folded: bool = False

    @property
    def key(self) -> Key:
        """Its place."""
        return self.line.key

    @property
    def tone(self) -> Tone:
        """A folded call looks as it ended."""
        return self.line.tone

    def fields(self) -> dict[str, str]:
        """What a search can find."""
        return {"who": self.line.who, "tool": self.tool, "text": f"{self.line.text} {self.result}"}


class Reading:
    """Takes in a trace as it grows. Knows no width and no clock."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.matches: list[Key] = []
        """Of the search, in order."""
        self.folding = False
        self.search = Filter()
        self._opened: set[str] = set()
        """Calls that are not folded although all others are."""
        self._of: tuple[Trace, int] | None = None
        self._seen = 0
        self._calls: dict[str, Item] = {}
        """By call, the item that it begins with."""

    def take(self, trace: Trace) -> bool:
        """Take in what is new; whether it is another trace than before."""
        of = (trace, trace.version)
        other = self._of is None or self._of[0] is not trace
        if of != self._of or len(self.items) > 2 * RING:
            self._of = of
            self._begin(trace)
        new = 0 if trace.last is not None else min(trace.total - self._seen, len(trace.lines))
        self._seen = trace.total
        for line in islice(trace.lines, len(trace.lines) - new, None):
            self._add(line)
        return other

    def _begin(self, trace: Trace) -> None:
        self.items, self.matches, self._calls = [], [], {}
        self._seen = trace.total - (len(trace.lines) if trace.last is None else 0)
        if trace.last is not None:
            for line in trace.lines:
                self._add(line)

    def _anew(self) -> None:
        self._of = None if self._of is None else (self._of[0], -1)

    def _add(self, line: Line) -> None:
        begun = self._calls.get(line.call) if line.call else None
        tool = begun.tool if begun else line.text.partition(" ")[0] if line.call else ""
        folds = self.folding and line.call not in self._opened and bool(line.call)
        both = (begun.line.seq, line.seq) if begun and begun.line.seq != line.seq else (line.seq,)
        if begun:
            begun.events = both
        if folds and begun:
            if line.nth == 0:
                begun.result = line.text
                begun.line = msgspec.structs.replace(begun.line, tone="bad" if line.tone == "bad" else "good")
            return
        item = Item(line, tool, "", both, folds)
        if line.call and not begun:
            self._calls[line.call] = item
        self.items.append(item)
        if self.search.text and self.search.holds(item.fields()):
            self.matches.append(item.key)

    def fold(self) -> None:
        """All calls to one line each, or back."""
        self.folding = not self.folding
        self._opened.clear()
        self._anew()

    def open(self, call: str) -> None:
        """One call in full, or back to one line."""
        self._opened ^= {call}
        self._anew()

    def look_for(self, search: Filter) -> None:
        """What is searched; an empty one ends it."""
        self.search = search
        self.matches = [item.key for item in self.items if search.text and search.holds(item.fields())]

    @property
    def last(self) -> Key:
        """The place of the newest item."""
        return self.items[-1].key if self.items else (0, 0)

    def index(self, key: Key) -> int:
        """Where the item of that key is, else the one before: its line may be folded into that."""
        return max(0, bisect_right(self.items, key, key=lambda item: item.key) - 1)

    def since(self, at: int) -> int:
        """Where the first one is that is no older."""
        return bisect_left(self.items, at, key=lambda item: item.line.at)

    def match(self, key: Key | None, by: int) -> Key | None:
        """The next match after a place, or with -1 the one before it; without a place, the newest."""
        if key is None:
            return self.matches[-1] if self.matches and by < 0 else None
        at = bisect_right(self.matches, key) if by > 0 else bisect_left(self.matches, key) - 1
        return self.matches[at] if 0 <= at < len(self.matches) else None

    def count(self, key: Key | None) -> tuple[int, int]:
        """How many matches there are up to a place, and in all."""
        return (bisect_right(self.matches, key) if key else len(self.matches)), len(self.matches)
