"""What a run did around the moment at which it asked, or was held: read from the journal when it is looked at."""

from collections.abc import Sequence

from factory_tui.console.figures import stamp
from factory_tui.console.mirror import Moment
from factory_tui.console.paint import Row, cut
from factory_tui.console.trace import Line
from factory_tui.console.waiting import Item
from factory_tui.console.widgets.inbox import InboxList
from factory_tui.console.widgets.scrolled import Scrolled

_GUTTER = 20
"""Cells before the text: time, who, mark."""


class Around(Scrolled):
    """About the line under the list's cursor; begins at the moment itself."""

    TITLE = "trace around it"
    OPENS = True

    @property
    def _item(self) -> Item | None:
        return self.screen.query_one(InboxList).item

    def heading(self) -> tuple[Row, Row]:
        """When it was."""
        item = self._item
        if item is None:
            return [("trace", "title")], []
        return [("trace", "title"), (f" of {item.run.id} around {stamp(_raised(item))[:5]}", "text")], []

    def enter(self) -> bool:  # noqa: D102
        self.console_app.open_run()
        return True

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        item = self._item
        if item is None:
            return []
        moment = Moment(item.run.id, item.id if item.asked else "", _raised(item))
        lines = self.mirror.around.get(moment)
        if lines is None:
            self.console_app.look_around(moment)
            return [[("  reading the journal", "dim")]]
        at = next((index for index, line in enumerate(lines) if line.at >= moment.at), len(lines) - 1)
        shown = [self._row(line, width, index == at) for index, line in enumerate(lines)]
        return self.window(moment, shown or [[("  nothing yet", "dim")]], height, at=max(0, at - height // 3))

    def _row(self, line: Line, room: int, here: bool) -> Row:
        mark = self.glyphs.marks[line.tone] if line.tone in ("good", "bad", "asks", "waits", "running") else " "
        role = "text" if line.tone in ("running", "waits", "good") else line.tone
        row: Row = [
            (f"{stamp(line.at)} ", "dim"),
            (f"{line.who:<8} ", "dim" if line.tone == "dim" else "strong"),
            (f"{mark} ", line.tone),
            (cut(line.text, room - _GUTTER), role),
        ]
        return [(text, f"{role}+cursor") for text, role in row] if here else row


def _raised(item: Item) -> int:
    return item.asked.raised_at if item.asked else item.run.moved_at
