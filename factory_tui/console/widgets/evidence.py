"""All that is known about one line of the inbox: the question, its choices, what speaks for it, what it cost."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from factory_tui.console import figures, triaging
from factory_tui.console.offering import shown
from factory_tui.console.paint import Row, cut, width, wrap
from factory_tui.console.waiting import Item
from factory_tui.console.widgets.floor_table import measured
from factory_tui.console.widgets.inbox import InboxList, in_time, tone_of
from factory_tui.console.widgets.scrolled import Scrolled
from factory_tui.console.wording import labels
from factory_tui.domain.hostile import clean, one_line
from factory_tui.domain.state import Escalation

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


class Evidence(Scrolled):
    """About the line under the list's cursor. A click on a choice answers by it."""

    TITLE = "question"

    def __init__(self) -> None:
        super().__init__()
        self._choices: dict[int, int] = {}
        """By row, the number of the choice that stands in it."""

    @property
    def _item(self) -> Item | None:
        return self.screen.query_one(InboxList).item

    def heading(self) -> tuple[Row, Row]:
        """Which one, for whom."""
        item = self._item
        if item is None:
            return [("question", "title")], []
        who: Row = [(f"for {one_line(item.asked.to, 24)}", "dim")] if item.asked else []
        return [(item.id, "title"), (f" {item.run.id}" if item.asked else " is held", "text")], who

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        item = self._item
        if item is None:
            return []
        top = [*(self._question(item, item.asked, width) if item.asked else self._held(item, width))]
        offered = [*self._offered(item, width)]
        self._choices = {len(top) + index: index + 1 for index in range(len(triaging.choices(item)))}
        return self.window(item.id, [*top, *offered, *self._where(item, width), *self._evidence(item, width)], height)

    def on_click(self, event: "events.Click") -> None:
        """A choice is as its digit."""
        number = self._choices.get(self._top + event.y - 1)
        if number is not None and 0 < event.y < self.size.height - 1:
            self.console_app.action_act(f"inbox.choice-{number}")

    def _held(self, item: Item, room: int) -> Iterable[Row]:
        run = item.run
        yield from _said(f"{run.reason or 'held'}: {run.why}", tone_of(item), room)
        left, back = self.console_app.back_in(run), ""
        if left is not None:
            back = f"It comes back by itself in {figures.countdown(left)}, at {figures.stamp(run.retry_at or 0)}."
        yield from _said(back or f"Remedy: {self._remedy(run.reason or '')}", "text", room)
        yield from self._snoozed(item, run.snoozed_by, room)

    def _remedy(self, reason: str) -> str:
        keys = self.console_app.keys
        named = {
            name: " ".join(map(shown, keys[f"run.{name}"])) for name in ("cap", "stop", "pause", "diff", "release")
        }
        return _REMEDIES.get(reason, "{pause} resumes it").format_map(named)

    def _question(self, item: Item, asked: Escalation, room: int) -> Iterable[Row]:
        yield from _said(asked.question, tone_of(item), room)
        if asked.passed:
            had, when = ", ".join(one_line(name, 24) for name in asked.passed), figures.stamp(asked.passed_at)
            yield from _said(f"passed on at {when}: {had} did not answer in time", "waits", room)
        yield from self._snoozed(item, asked.snoozed_by, room)
        if item.answered:
            yield from self._answered(asked, room)
        elif asked.expires_at:
            now = self.console_app.clock()
            left, when = figures.duration((asked.expires_at - now) / 1000), figures.ahead(asked.expires_at, now)
            said = f"expires in {left}, at {when}: policy then answers "
            yield from _said(said + one_line(triaging.refusal(item), 40), "waits", room)

    def _snoozed(self, item: Item, who: str, room: int) -> Iterable[Row]:
        if item.snoozed:
            yield from _said(f"snoozed until {figures.moment(item.snoozed)} by {one_line(who, 24)}", "dim", room)

    def _answered(self, asked: Escalation, room: int) -> Iterable[Row]:
        when, took = figures.stamp(asked.answered_at), figures.duration(asked.took)
        if asked.expired:
            yield from _said(f"expired at {when}, after {took}: nobody answered, and policy refused", "waits", room)
        else:
            yield from _said(f"{one_line(asked.answered_by, 40)} answered at {when}, after {took}", "good", room)
        for part in (asked.answer, asked.text):
            if part:
                yield from _said(part, "strong", room, "  ")

    def _offered(self, item: Item, room: int) -> Iterable[Row]:
        """Each choice with its digit, and the key that refuses where it is that one."""
        asked = item.asked
        if asked is None or item.answered:
            return
        no = triaging.refusal(item)
        for number, choice in enumerate(asked.choices, 1):
            digit = number if number <= triaging.MOST else " "
            row: Row = [("  ", "text"), (f"{digit} ", "key"), (cut(one_line(choice), room - 8), "text")]
            if choice == no and (keys := self.console_app.keys["inbox.refuse"]):
                row += [("  ", "text"), (shown(keys[0]), "key")]
            yield row

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
        owners = self.screen.query_one(InboxList).times.owners
        if item.asked and item.asked.to in owners:
            waits = owners[item.asked.to]
            said = f"{one_line(item.asked.to, 24)} answered {waits.answered} so far, {in_time(waits)}"
            yield [(" ", "text"), (cut(said, room - 2), "dim")]

    def _evidence(self, item: Item, room: int) -> Iterable[Row]:
        if item.asked is None or not item.asked.evidence:
            return
        yield []
        yield [(" evidence", "dim")]
        for line in clean(item.asked.evidence).splitlines()[:EVIDENCE_ROWS]:
            yield from _said(line, "text", room, "  ")


def _said(text: str, role: str, room: int, lead: str = " ") -> Iterable[Row]:
    for part in wrap(one_line(text, 2000), room - len(lead) - 1):
        yield [(lead, "text"), (part, role)]
