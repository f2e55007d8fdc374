"""The inbox's list: what waits, oldest first, then what is snoozed, then what was answered of late."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from factory_tui.console import figures
from factory_tui.console.filtering import Filter
from factory_tui.console.glyphs import LAMPS, Tone
from factory_tui.console.paint import Row, fit, left, middle, right, wrap
from factory_tui.console.waiting import Item, answered, waiting
from factory_tui.console.widgets.pane import Motion, Pane
from factory_tui.domain.hostile import one_line
from factory_tui.domain.questions import TimeToHuman, Waits, time_to_human
from factory_tui.domain.state import State

if TYPE_CHECKING:
    from textual import events

    from factory_tui.domain.commands import Command


ROOMY = 90
"""Cells from which on a line has room for what it says; below, it takes two rows where those are there."""
INDENT = " " * 10


class InboxList(Pane):
    """Its cursor is on a line; lines can be marked, and the next key is about all of those."""

    TITLE = "list"
    OPENS = True
    FILTERED = True
    FIELDS = ("state", "run", "seed", "kind", "owner", "actor")

    def __init__(self) -> None:
        super().__init__()
        self._at = ""
        """The line under the cursor, by its id."""
        self.marked: set[str] = set()
        self.told: list[tuple[Item, Command]] = []
        """What was done last."""
        self._items: tuple[State, Filter, list[Item]] = State(), Filter(), []
        self._times: tuple[object, int, TimeToHuman] | None = None

    def heading(self) -> tuple[Row, Row]:
        """How many are open."""
        every = waiting(self.mirror.state)
        asleep = sum(item.snoozed > 0 for item in every)
        number = len(every) - asleep
        parts: Row = [(f"{number} open", "asks" if number else "dim")]
        return [("inbox", "title")], [*parts, *([(f"  {asleep} snoozed", "dim")] if asleep else [])]

    def footing(self) -> Row:
        """How many are marked; else how long people took to answer."""
        if marked := len(self._marks()):
            return [(f"{marked} marked", "key"), ("  esc unmarks", "dim")]
        return [(f"answered {in_time(self.times.ever)}", "dim")] if self.times.ever.answered else []

    @property
    def times(self) -> TimeToHuman:
        """How long people took; counted anew when a question has changed, or a minute has gone by."""
        asked, minute = self.mirror.state.escalations, self.console_app.clock() // 60_000
        if self._times is None or self._times[0] is not asked or self._times[1] != minute:
            self._times = asked, minute, time_to_human(self.mirror.state, self.console_app.clock())
        return self._times[2]

    def items(self) -> list[Item]:
        """All lines that fit the filter; found once for each state."""
        state, narrow = self.mirror.state, self.filter
        if self._items[0] is not state or self._items[1] is not narrow:
            every = [*waiting(state), *answered(state)]
            kept = [item for item in every if narrow.holds(self._fields(item))] if narrow.terms else every
            self._items = state, narrow, kept
        return self._items[2]

    def _fields(self, item: Item) -> dict[str, str]:
        asked = item.asked
        state = "answered" if item.answered else f"open {'snoozed' if item.snoozed else ''}"
        return {
            "state": state + (" expired" if asked and asked.expired else ""),
            "run": item.run.id,
            "seed": item.run.seed,
            "kind": f"{asked.kind} {asked.jam or ''}" if asked else f"held {item.run.reason or ''}",
            "owner": asked.to if asked else item.run.owner,
            "actor": asked.answered_by if asked else "",
            "": " ".join((item.id, *self._says(item))),
        }

    @property
    def item(self) -> Item | None:
        """The line under the cursor; when it is gone, the first."""
        items = self.items()
        return next((item for item in items if item.id == self._at), items[0] if items else None)

    @property
    def targets(self) -> list[Item]:
        """What the next key is about: all that are marked, else the line under the cursor."""
        marked = self._marks()
        if marked:
            return marked
        return [self.item] if self.item else []

    def _marks(self) -> list[Item]:
        return [item for item in waiting(self.mirror.state) if item.id in self.marked]

    def mark(self) -> None:
        """The line under the cursor, or not any more; the cursor goes on."""
        item = self.item
        if item and not item.answered:
            self.marked ^= {item.id}
            self.go("down")

    def mark_all(self) -> None:
        """All that is open and in the list; nothing where all of that is marked."""
        found = {item.id for item in self.items() if not item.answered}
        self.marked = set() if found <= self.marked else self.marked | found
        self.mirror.dirty = True

    def unmark(self) -> bool:
        """Nothing is marked any more; whether anything was."""
        had, self.marked = bool(self._marks()), set()
        self.mirror.dirty = True
        return had

    def sync(self) -> None:
        """Keys are about the run under the cursor."""
        item = self.item
        if item is None:
            self._at = ""
        elif self.screen.is_current and (self._at != item.id or self.console_app.chosen != item.run.id):
            self._at = item.id
            self.console_app.choose(item.run.id)
        super().sync()

    def go(self, motion: Motion) -> bool:  # noqa: D102
        ids = [item.id for item in self.items()]
        page = max(1, self.size.height - 3)
        steps = {"up": -1, "down": 1, "page-up": -page, "page-down": page, "first": -len(ids), "last": len(ids)}
        rows = steps.get(motion)
        if rows is not None and ids:
            at = ids.index(self._at) if self._at in ids else 0
            self.point(ids[max(0, min(at + rows, len(ids) - 1))])
        return rows is not None

    def enter(self) -> bool:  # noqa: D102
        self.console_app.open_run()
        return True

    def pass_over(self, done: Collection[str]) -> None:
        """From a line that was just dealt with to the next open one; where others deal with it, the cursor stays."""
        items = self.items()
        place = next((index for index, item in enumerate(items) if item.id == self._at), 0)
        rest = [item.id for item in (*items[place:], *items[:place]) if not item.answered and not item.snoozed]
        if self._at in done and (left := [name for name in rest if name not in done]):
            self.point(left[0])

    def point(self, name: str) -> None:
        """Put the cursor on the line of that id."""
        self._at = name
        self.mirror.dirty = True
        self.sync()

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        items = self.items()
        if not items:
            said = "Nothing waits for you. What a run asks, and runs that are held, come here."
            said = "No line fits the filter; esc takes it away." if self.filter.terms else said
            parts: list[Row] = [[("  ", "text"), (part, "dim")] for part in wrap(said, width - 4)]
            return [*([[]] * ((height - len(parts)) // 2)), *parts]
        chosen, (top, each) = self.item, self._sight(items)
        seen = items[top : top + height]
        return [row for item in seen for row in self._lines(item, width, each, item == chosen)]

    def _sight(self, items: Sequence[Item]) -> tuple[int, int]:
        """The first item in sight, the cursor being in the middle where it can be, and how many rows each has."""
        width, height = self.size.width - 2, self.size.height - 2
        if width < ROOMY and 2 * len(items) <= height:
            return 0, 2
        place = next((index for index, item in enumerate(items) if item.id == self._at), 0)
        return max(0, min(place - height // 2, len(items) - height)), 1

    def _lines(self, item: Item, room: int, rows: int, chosen: bool) -> list[Row]:
        """On one row, or what it says on a second one."""
        tone = tone_of(item)
        faint = item.answered or item.snoozed
        age = figures.moment(item.since) if item.answered else self._in(self.console_app.clock() - item.since)
        row: Row = [
            (f"{self.glyphs.cursor if chosen else ' '}{'*' if item.id in self.marked else ' '}", "key"),
            (f"{self.glyphs.marks[tone]} ", tone),
            (left(item.id if item.asked else "held", 6), "dim" if faint else "strong"),
            (left(middle(item.run.id, 16), 17), "dim" if faint else "text"),
            (right(age, 5) + "  ", "dim"),
        ]
        said: Row = []
        if item.snoozed:
            said.append((f"snoozed until {figures.moment(item.snoozed)}  ", "dim"))
        if item.asked and item.asked.expires_at and not item.answered:
            said.append((f"expires in {self._in(item.asked.expires_at - self.console_app.clock())}  ", "waits"))
        (kind, words), role = self._says(item), "dim" if faint else "text"
        if rows == 1:
            found = [fit([*row, *said, (one_line(f"{kind}: {words}"), role)], room)]
        else:
            found = [
                fit([*row, (one_line(kind), role)], room),
                fit([(INDENT, role), *said, (one_line(words), role)], room),
            ]
        return [[(text, f"{name}+cursor") for text, name in one] for one in found] if chosen else found

    def _says(self, item: Item) -> tuple[str, str]:
        """Of what kind it is, or whose answer it was, and what is said."""
        asked = item.asked
        if asked is None:
            back = self.console_app.back_in(item.run)
            again = "" if back is None else f", back in {figures.countdown(back)}"
            return f"{item.run.reason or 'held'}{again}", item.run.why
        if asked.expired:
            return "expired, refused", asked.answer
        if item.answered:
            return asked.answered_by, f" {self.glyphs.sep} ".join(part for part in (asked.answer, asked.text) if part)
        return asked.jam or asked.kind, asked.question

    def _in(self, milliseconds: int) -> str:
        return figures.duration(milliseconds / 1000)

    def on_click(self, event: "events.Click") -> None:
        """Move the cursor to the clicked line; a second click opens its run."""
        items = self.items()
        top, each = self._sight(items)
        index = top + (event.y - 1) // each
        if event.y > 0 and 0 <= index < len(items):
            again = items[index].id == self._at and event.chain > 1
            self.point(items[index].id)
            if again:
                self.enter()


def tone_of(item: Item) -> Tone:
    """What a line means to whoever looks."""
    if item.answered:
        return "waits" if item.asked and item.asked.expired else "good"
    if item.snoozed:
        return "idle"
    return LAMPS["held"] if item.asked is None else "asks"


def in_time(waits: Waits) -> str:
    """`half in 3m, 9 of 10 in 12m`; nothing where nothing was answered."""
    if waits.median is None or waits.p90 is None:
        return ""
    return f"half in {figures.duration(waits.median)}, 9 of 10 in {figures.duration(waits.p90)}"
