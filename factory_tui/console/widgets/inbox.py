"""The inbox's two panels: the list of what waits and was answered, and all that is known about one line of it."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from factory_tui.console import figures
from factory_tui.console.glyphs import LAMPS, Tone
from factory_tui.console.offering import shown
from factory_tui.console.paint import Row, cut, left, middle, right, width, wrap
from factory_tui.console.waiting import Item, answered, time_to_human, waiting
from factory_tui.console.widgets.floor_table import measured
from factory_tui.console.widgets.pane import Motion, Pane
from factory_tui.console.widgets.scrolled import Scrolled
from factory_tui.console.wording import labels
from factory_tui.domain.hostile import clean, one_line

if TYPE_CHECKING:
    from textual import events

EVIDENCE_ROWS = 400
"""Rows of evidence that are drawn, at most."""
_REMEDIES = {
    "budget": "{cap} raises its cap, {stop} stops it",
    "provider": "{pause} resumes it once the endpoint answers again",
    "credential": "set the key that it names, then {pause} resumes it",
    "disk": "make room, then {pause} resumes it",
    "config": "mend what it names, then {pause} resumes it",
    "fence": "look at what it did ({diff}); {stop} stops it, or {release} by an admin lets it go on",
}
"""What helps a held run, by its reason; in braces an action's key."""


class InboxList(Pane):
    """Open ones oldest first, then those that were answered, newest first."""

    TITLE = "list"
    OPENS = True

    def __init__(self) -> None:
        super().__init__()
        self._at = ""
        """The line under the cursor, by its id."""

    def heading(self) -> tuple[Row, Row]:
        """How many are open."""
        number, took = len(waiting(self.mirror.state)), time_to_human(self.mirror.state)
        said = "" if took is None else f"answered in {figures.duration(took)} (median), "
        return [("inbox", "title")], [(said, "dim"), (f"{number} open", "asks" if number else "dim")]

    def items(self) -> list[Item]:
        """All lines."""
        return [*waiting(self.mirror.state), *answered(self.mirror.state)]

    @property
    def item(self) -> Item | None:
        """The line under the cursor; when it is gone, the first."""
        items = self.items()
        return next((item for item in items if item.id == self._at), items[0] if items else None)

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
        rows = {"up": -1, "down": 1, "first": -len(ids), "last": len(ids)}.get(motion)
        if rows is not None and ids:
            at = ids.index(self._at) if self._at in ids else 0
            self.point(ids[max(0, min(at + rows, len(ids) - 1))])
        return rows is not None

    def enter(self) -> bool:  # noqa: D102
        self.console_app.open_run()
        return True

    def point(self, name: str) -> None:
        """Put the cursor on the line of that id."""
        self._at = name
        self.mirror.dirty = True
        self.sync()

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        items = self.items()
        if not items:
            said = "Nothing waits for you. What a run asks, and runs that are held, come here."
            parts: list[Row] = [[("  ", "text"), (part, "dim")] for part in wrap(said, width - 4)]
            return [*([[]] * ((height - len(parts)) // 2)), *parts]
        chosen = self.item
        place = items.index(chosen) if chosen else 0
        top = max(0, min(place - height // 2, len(items) - height))
        return [self._line(item, width, item is items[place]) for item in items[top : top + height]]

    def _line(self, item: Item, room: int, chosen: bool) -> Row:
        tone = _tone(item)
        name = item.id if item.asked else "held"
        age = figures.stamp(item.since)[:5] if item.answered else self._age(item.since)
        row: Row = [
            (f"{self.glyphs.cursor if chosen else ' '} ", "key"),
            (f"{self.glyphs.marks[tone]} ", tone),
            (left(name, 6), "dim" if item.answered else "strong"),
            (left(middle(item.run.id, 16), 17), "dim" if item.answered else "text"),
            (right(age, 5) + "  ", "dim"),
        ]
        said = left(one_line(self._says(item)), max(0, room - width(row)))
        row.append((said, "dim" if item.answered else "text"))
        return [(text, f"{role}+cursor") for text, role in row] if chosen else row

    def _says(self, item: Item) -> str:
        asked = item.asked
        if asked is None:
            back = self.console_app.back_in(item.run)
            again = "" if back is None else f", back in {figures.countdown(back)}"
            return f"{item.run.reason or 'held'}{again}: {item.run.why}"
        if item.answered:
            return f"{asked.answered_by}: {' '.join(part for part in (asked.answer, asked.text) if part)}"
        return f"{asked.jam or asked.kind}: {asked.question}"

    def _age(self, since: int) -> str:
        return figures.duration((self.console_app.clock() - since) / 1000)

    def on_click(self, event: "events.Click") -> None:
        """Move the cursor to the clicked line."""
        items, height = self.items(), self.size.height - 2
        place = next((index for index, item in enumerate(items) if item.id == self._at), 0)
        index = max(0, min(place - height // 2, len(items) - height)) + event.y - 1
        if event.y > 0 and 0 <= index < len(items):
            self.point(items[index].id)


class Evidence(Scrolled):
    """The question, its choices, what speaks for it, and what it cost so far."""

    TITLE = "evidence"

    @property
    def _item(self) -> Item | None:
        return self.screen.query_one(InboxList).item

    def heading(self) -> tuple[Row, Row]:
        """Which one, for whom."""
        item = self._item
        if item is None:
            return [("evidence", "title")], []
        who: Row = [(f"for {one_line(item.asked.to, 24)}", "dim")] if item.asked else []
        return [(item.id, "title"), (f" {item.run.id}" if item.asked else " is held", "text")], who

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        item = self._item
        return self.window(item and item.id, list(self._all(item, width)) if item else [], height)

    def _all(self, item: Item, room: int) -> Iterable[Row]:
        asked, run = item.asked, item.run
        tone = _tone(item)
        if asked is None:
            yield from _said(f"{run.reason or 'held'}: {run.why}", tone, room)
            left, back = self.console_app.back_in(run), ""
            if left is not None:
                back = f"It comes back by itself in {figures.countdown(left)}, at {figures.stamp(run.retry_at or 0)}."
            yield from _said(back or f"Remedy: {self._remedy(run.reason or '')}", "text", room)
        else:
            yield from _said(asked.question, tone, room)
            if asked.passed:
                had, when = ", ".join(one_line(name, 24) for name in asked.passed), figures.stamp(asked.passed_at)
                yield from _said(f"passed on at {when}: {had} did not answer in time", "waits", room)
            if item.answered:
                yield from self._answered(item, room)
            for number, choice in enumerate(() if item.answered else asked.choices, 1):
                yield [("  ", "text"), (f"{number} ", "key"), (cut(one_line(choice), room - 5), "text")]
        yield from self._where(item, room)
        if asked is not None and asked.evidence:
            yield []
            yield [(" evidence", "dim")]
            lines = clean(asked.evidence).splitlines()[:EVIDENCE_ROWS]
            for line in lines:
                yield from _said(line, "text", room, "  ")

    def _remedy(self, reason: str) -> str:
        keys = self.console_app.keys
        named = {
            name: " ".join(map(shown, keys[f"run.{name}"])) for name in ("cap", "stop", "pause", "diff", "release")
        }
        return _REMEDIES.get(reason, "{pause} resumes it").format_map(named)

    def _answered(self, item: Item, room: int) -> Iterable[Row]:
        asked = item.asked
        if asked is None:
            return
        when = figures.stamp(asked.answered_at)
        said = f"{one_line(asked.answered_by, 40)} answered at {when}, after {figures.duration(asked.took)}"
        yield [(" ", "text"), (cut(said, room - 2), "good")]
        for part in (asked.answer, asked.text):
            if part:
                yield from _said(part, "strong", room, "  ")

    def _where(self, item: Item, room: int) -> Iterable[Row]:
        run = item.run
        parts = [f"pass {len(run.passes)} of {run.max_passes}"]
        share = measured(run)
        if share:
            parts.append(f"satisfied {figures.interval(share)}")
        parts.append(figures.money(run.burn.money) + (f" of {figures.money(run.cap)}" if run.cap is not None else ""))
        said = labels(run.ledger, self.mirror.unfenced(run))
        row: Row = [(" ", "text"), (cut(f" {self.glyphs.sep} ".join(parts), room - 2), "dim")]
        if said and width(row) + len(said) + 2 > room:
            yield row
            row = [(" ", "text"), (said, "waits")]
        elif said:
            row.append((f"  {said}", "waits"))
        yield row


def _tone(item: Item) -> Tone:
    if item.answered:
        return "good"
    return LAMPS["held"] if item.asked is None else "asks"


def _said(text: str, role: str, room: int, lead: str = " ") -> Iterable[Row]:
    for part in wrap(one_line(text, 2000), room - len(lead) - 1):
        yield [(lead, "text"), (part, role)]
