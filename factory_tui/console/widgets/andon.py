"""The andon strip: one line under the floor's header that is there only while something calls."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from factory_tui.console.andon import Call, calls
from factory_tui.console.paint import Row, cut, width
from factory_tui.console.widgets.panel import Panel

if TYPE_CHECKING:
    from textual import events

GAP = "   "


class Andon(Panel):
    """Takes no row while nothing calls."""

    FRAMED = False

    def __init__(self) -> None:
        super().__init__()
        self._ends: list[tuple[int, Call]] = []
        """Where each lamp ends in the row."""
        self._found: list[Call] = []
        """What calls, as of the last look."""

    def sync(self) -> None:
        """Take the row, or give it back."""
        self._found = self._calls()
        wanted = int(bool(self._found))
        if str(self.styles.height) != str(wanted):
            self.styles.height = wanted
        super().sync()

    def _calls(self) -> list[Call]:
        mirror = self.mirror
        if mirror.connection != "live":
            return []  # what the header says of the link is all that is known
        slow = {run.id: quiet for run in mirror.state.runs.values() if (quiet := mirror.quiet(run))}
        return calls(mirror.state, self.console_app.clock(), slow)

    def rows(self, room: int, _height: int) -> Sequence[Row]:
        """The lamps that fit, each with what is always said of it; the first ones with more where there is room."""
        found = self._found
        shown = list(found[: room // (len(GAP) + 2) + 1])  # no more than can fit, however many call
        while len(shown) > 1 and self._taken(shown) + (len(shown) < len(found)) * 4 > room:
            shown.pop()
        spare = room - self._taken(shown) - (len(shown) < len(found)) * 4
        row: Row = []
        self._ends = []
        for call in shown:
            said = cut(call.more, max(0, spare)) if len(call.more) <= spare or spare > 12 else ""
            spare -= width([(said, "")])
            role = "text" if call.tone == "idle" else call.tone
            row += [
                (f"{GAP if row else ' '}{self.glyphs.marks[call.tone]} ", call.tone),
                (call.head, role),
                (said, "text"),
            ]
            self._ends.append((width(row), call))
        if len(shown) < len(found):
            row.append((f"  +{len(found) - len(shown)}", "dim"))
        return [row]

    def _taken(self, shown: Sequence[Call]) -> int:
        return sum(len(GAP) + 2 + width([(call.head, "")]) for call in shown)

    def on_click(self, event: "events.Click") -> None:
        """Go to what a lamp names."""
        call = next((call for end, call in self._ends if event.x < end), None)
        if call is None:
            return
        if call.run:
            self.console_app.choose(call.run)
        if self.console_app.offers(call.action):
            self.console_app.action_act(call.action)
