"""The journal's panes: who did what, newest first; one event whole; what it changed; and how all events lie in time."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import msgspec

from factory_tui.console.acts import DEEDS, KINDS, Act
from factory_tui.console.figures import count, day, duration, stamp
from factory_tui.console.glyphs import spark
from factory_tui.console.paint import Row, cut, left, middle, right, wrap
from factory_tui.console.widgets.pane import Motion, Pane
from factory_tui.console.widgets.panel import Panel
from factory_tui.console.widgets.scrolled import Scrolled
from factory_tui.domain.hostile import clean_json

if TYPE_CHECKING:
    from textual import events

    from factory_tui.console.ledger import Ledger
    from factory_tui.console.lookup import Lookup
    from factory_tui.console.screens.journal import JournalScreen

LINE = 2_000
"""Characters of a line of JSON that are drawn."""
LINES = 2_000
"""Its lines."""


class JournalPane(Pane):
    """Knows the screen that it is on."""

    @property
    def journal(self) -> "JournalScreen":
        """The screen."""
        return cast("JournalScreen", self.screen)

    @property
    def reading(self) -> "Lookup":
        """What was read for it."""
        return self.journal.reading


class ActList(JournalPane):
    """The cursor stays on its event; on the newest one it goes along with what comes."""

    TITLE = "acts"
    OPENS = True
    FILTERED = True
    FIELDS = ("actor", "verb", "run", "seed", "state", "kind")

    def __init__(self) -> None:
        super().__init__()
        self._at: int | None = None
        """The seq under the cursor; None: the newest."""
        self._found: tuple[object, list[Act]] | None = None

    @property
    def ledger(self) -> "Ledger":
        """What is held."""
        return self.mirror.ledger

    def acts(self) -> list[Act]:
        """Those that fit the filter, newest first."""
        held = self.ledger.acts
        of = (self.ledger, self.ledger.version, len(held), held[-1].seq if held else 0, self.filter)
        if self._found is None or self._found[0] != of:
            fitting = held if not self.filter.terms else [one for one in held if self.filter.holds(self._fields(one))]
            self._found = (of, list(reversed(fitting)))
        return self._found[1]

    def _fields(self, one: Act) -> dict[str, str]:
        run = self.mirror.run(one.run)
        return {
            "actor": one.actor,
            "verb": one.verb,
            "run": one.subject if one.subject == one.run else f"{one.run} {one.subject}",
            "seed": run.seed if run else one.subject,
            "state": one.verb if one.kind == "run-moved" else "",
            "kind": one.kind,
            "detail": one.detail,
        }

    @property
    def act(self) -> Act | None:
        """The one under the cursor."""
        acts = self.acts()
        return acts[self._index(acts)] if acts else None

    def _index(self, acts: Sequence[Act]) -> int:
        """Of the cursor; where its event does not fit any more, the one before it in time."""
        if self._at is None:
            return 0
        return min(bisect_left(acts, -self._at, key=lambda one: -one.seq), len(acts) - 1)

    def narrow(self, text: str) -> str:
        """A kind that is asked for is read, though a run does it all day."""
        wrong = super().narrow(text)
        if not wrong:
            asked = [
                part for term in self.filter.terms if term.field == "kind" and not term.negated for part in term.either
            ]
            kinds = [kind for kind in KINDS if any(part in kind for part in asked)]
            self.ledger.about(frozenset(kinds or DEEDS))
        return wrong

    def point(self, seq: int | None) -> None:
        """Put the cursor on an event, or on the newest before it; where that is not held, it is read."""
        self._at = seq
        acts = self.ledger.acts
        before = not acts or (seq is not None and seq < acts[0].seq)
        after = bool(acts) and seq is not None and seq > acts[-1].seq
        if seq is not None and ((before and not self.ledger.oldest) or (after and not self.ledger.newest)):
            self.reading.jump(self.ledger, seq)
        self.mirror.dirty = True
        self.sync()

    def sync(self) -> None:
        """Read on where the cursor comes near an end."""
        acts, height = self.acts(), max(1, self.size.height)
        index = self._index(acts) if acts else 0
        if not self.ledger.acts or (not self.ledger.newest and index < height):
            self.reading.acts(self.ledger, older=False)
        elif not self.ledger.oldest and index + 2 * height > len(acts):
            self.reading.acts(self.ledger, older=True)
        super().sync()

    def heading(self) -> tuple[Row, Row]:
        """How many."""
        held, events = len(self.ledger.acts), self.mirror.state.seq
        said = f"{count(held)}{'' if self.ledger.oldest and self.ledger.newest else ' read'} of {count(events)} events"
        return [("who did what", "title")], [(said, "dim")]

    def footing(self) -> Row:
        """Whether it goes along."""
        return [] if self._at is None else [("home newest", "dim")]

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        acts = self.acts()
        if not acts:
            if self.filter.terms:
                said = "Nothing fits the filter. Esc clears it." if self.ledger.oldest else "Looking further back."
            else:
                said = "Nothing was done yet. Who does what comes here."
            return [*([[]] * (height // 2 - 1)), [("  ", "text"), (said, "dim")]]
        at = self._index(acts)
        top = max(0, min(at - height // 2, len(acts) - height))
        today, seen = day(self.mirror.state.at), acts[top : top + height]
        times = 8 if all(day(one.at) == today for one in seen) else 11
        return [self._line(one, width, acts[at] is one, (today, times)) for one in seen]

    def _line(self, one: Act, room: int, chosen: bool, times: tuple[str, int]) -> Row:
        wide = room >= 92
        today, cells = times
        when = stamp(one.at) if day(one.at) == today else f"{day(one.at)[5:]} {stamp(one.at)[:5]}"
        row: Row = [
            (f"{self.glyphs.cursor if chosen else ' '} ", "key"),
            (right(when, cells) + " ", "dim"),
            (left(one.actor, 9) + " ", "dim" if one.actor == "engine" else "strong"),
            (f"{self.glyphs.marks[one.tone]} ", one.tone),
            (left(one.verb, 12 if wide else 9) + " ", one.tone if one.tone != "dim" else "text"),
            (left(middle(one.subject, 18 if wide else 13), 19 if wide else 14), "text"),
        ]
        row.append((left(one.detail, max(0, room - sum(len(text) for text, _ in row))), "dim"))
        return [(text, f"{role}+cursor") for text, role in row] if chosen else row

    def go(self, motion: Motion) -> bool:  # noqa: D102
        acts = self.acts()
        if motion in ("left", "right"):
            self._along(later=motion == "right")
            return True
        page = max(1, self.size.height - 3)
        rows = {"up": -1, "down": 1, "page-up": -page, "page-down": page}.get(motion)
        if motion == "first":
            self.point(None)
            if not self.ledger.newest:
                self.ledger.clear()
        elif motion == "last" or (rows and acts):
            at = len(acts) - 1 if motion == "last" else self._index(acts) + (rows or 0)
            at = max(0, min(at, len(acts) - 1))
            self.point(None if at == 0 and self.ledger.newest else acts[at].seq if acts else None)
        return True

    def _along(self, later: bool) -> None:
        """To the last event of the next span of the timeline that has any, earlier or later."""
        lay, act = self.reading.lay, self.act
        if lay is None or act is None:
            return
        here = next((n for n, (_, to) in enumerate(pairwise(lay.seqs)) if act.seq <= to), len(lay.seqs) - 2)
        spans = range(here + 1, len(lay.seqs) - 1) if later else range(here - 1, -1, -1)
        found = next((n for n in spans if lay.seqs[n + 1] > lay.seqs[n]), None)
        if found is not None:
            self.point(lay.seqs[found + 1])

    def enter(self) -> bool:
        """The run's trace at that moment."""
        act = self.act
        if act:
            self.console_app.visit(act.seq, act.run, "run" if act.run else "floor")
        return True

    def on_click(self, event: "events.Click") -> None:
        """Move the cursor to the clicked line."""
        acts, height = self.acts(), self.size.height - 2
        top = max(0, min(self._index(acts) - height // 2, len(acts) - height)) if acts else 0
        index = top + event.y - 1
        if event.y > 0 and index < len(acts):
            self.point(acts[index].seq)


class EventSheet(Scrolled, JournalPane):
    """One event as JSON, with its hash and what is known of the chain."""

    TITLE = "event"

    def heading(self) -> tuple[Row, Row]:
        """Which one."""
        act = self.journal.list.act
        return [("event", "title"), (f" {act.seq:,}" if act else "", "text")], []

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        act, whole = self.journal.list.act, self.reading.whole
        if act is None:
            return []
        if whole is None or whole.event.seq != act.seq:
            self.reading.event(act.seq)
            return _waiting(self.reading, "event", width)
        found: list[Row] = [
            [(" at    ", "dim"), (f"{day(act.at)} {stamp(act.at)} UTC, by {act.actor}", "text")],
            [(" hash  ", "dim"), (cut(whole.hash, width - 8), "text")],
            self._chain(act.seq, width),
            [],
        ]
        told = clean_json(msgspec.json.format(msgspec.json.encode(whole.event), indent=2).decode())
        for line in told.splitlines()[:LINES]:
            indent = len(line) - len(line.lstrip(" "))
            parts = wrap(line.strip()[:LINE], width - indent - 2)
            found += [[(" " * (indent + 1), "text"), *_json(part)] for part in parts]
        return self.window(act.seq, found, height)

    def _chain(self, seq: int, width: int) -> Row:
        chain = self.reading.chain
        if self.reading.walking:
            return [(" chain ", "dim"), ("is being walked", "waits")]
        if chain is None or chain.at is None:
            return [(" chain ", "dim"), (cut("not walked yet; V walks it", width - 8), "waits")]
        age = f"{duration((self.console_app.clock() - chain.at) / 1000)} ago"
        if chain.why:
            return [(" chain ", "dim"), (cut(f"broken at event {chain.seq + 1}, {age}: {chain.why}", width - 8), "bad")]
        if seq <= chain.seq:
            return [(" chain ", "dim"), (f"ok, walked {age}", "good")]
        return [(" chain ", "dim"), (cut(f"newer than its walk {age}; V walks it", width - 8), "waits")]


def _waiting(reading: "Lookup", what: str, room: int) -> list[Row]:
    """Until it is there, or why it will not be."""
    trouble = reading.troubles.get(what)
    if trouble is None:
        return [[(" reading", "dim")]]
    return [[(" ", "text"), (part, "bad")] for part in wrap(trouble, room - 2)]


def _json(line: str) -> Row:
    """A key apart from its value."""
    key, colon, rest = line.partition('": ')
    return [(f'{key}"', "dim"), (": ", "dim"), (rest, "text")] if colon and key.startswith('"') else [(line, "text")]


class Changed(Scrolled, JournalPane):
    """What an event changed in the state: before and after."""

    TITLE = "changed"

    def heading(self) -> tuple[Row, Row]:
        """Of what."""
        return [("state", "title"), (" before and after", "text")], []

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        act = self.journal.list.act
        if act is None:
            return []
        found = self.reading.around(act.seq)
        if found is None:
            return _waiting(self.reading, "around", width)
        if not found:
            return [[(cut(" It changed nothing that the state holds.", width), "dim")]]
        return self.window(
            act.seq, [row for one in found for row in _changed(one.path, one.before, one.after, width)], height
        )


def _changed(path: str, before: str | None, after: str | None, room: int) -> Iterable[Row]:
    yield [(" ", "text"), (cut(path, room - 2), "strong")]
    for mark, said, role in (("-", before, "bad"), ("+", after, "good")):
        if said is not None:
            first, *rest = wrap(said, room - 6)
            yield [("   ", "text"), (f"{mark} ", role), (first, "text")]
            yield from ([("     ", "text"), (part, "text")] for part in rest)


class TimeStrip(Panel):
    """All events in time, and where the cursor is among them."""

    @property
    def journal(self) -> "JournalScreen":
        """The screen."""
        return cast("JournalScreen", self.screen)

    def heading(self) -> tuple[Row, Row]:
        """From when to when."""
        lay = self.journal.reading.lay
        if lay is None or not lay.seqs[-1:]:
            return [("timeline", "title")], []
        span = duration((lay.end - lay.begin) / 1000)
        return [("timeline", "title"), (f" {_when(lay.begin)}", "text")], [(f"{span} to {_when(lay.end)}", "text")]

    def footing(self) -> Row:
        """How to move in it."""
        return [("← → along it", "dim")] if self.glyphs.frame[0] != "+" else [("left, right: along it", "dim")]

    def rows(self, width: int, _height: int) -> Sequence[Row]:  # noqa: D102
        reading, act = self.journal.reading, self.journal.list.act
        reading.timeline(width)
        lay = reading.lay
        if lay is None or not lay.seqs:
            return [[(" reading", "dim")]]
        counts = [(after - before) ** 0.5 for before, after in pairwise(lay.seqs)]
        drawn = "".join(
            mark if many else " " for mark, many in zip(spark(counts, len(counts), self.glyphs), counts, strict=True)
        )
        if act is None:
            return [[(drawn, "running")]]
        at = next((n for n, (_, to) in enumerate(pairwise(lay.seqs)) if act.seq <= to), len(counts) - 1)
        row: Row = [
            (drawn[:at], "running"),
            (drawn[at : at + 1].replace(" ", "·"), "asks"),
            (drawn[at + 1 :], "running"),
        ]
        said = f"{self.glyphs.marks['asks']} {_when(act.at)}"
        before = at if at + len(said) <= width else max(0, at - len(said) + 1)
        label = said if before == at else f"{_when(act.at)} {self.glyphs.marks['asks']}"
        return [row, [(" " * before, "text"), (label, "asks")]]

    def on_click(self, event: "events.Click") -> None:
        """To what happened last by then."""
        lay = self.journal.reading.lay
        if lay and 0 < event.x <= len(lay.seqs) - 1:
            self.journal.list.point(lay.seqs[event.x])


def _when(at: int) -> str:
    return f"{day(at)[5:]} {stamp(at)}"
