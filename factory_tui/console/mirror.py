"""The console's plain state: the engine's state folded on, traces in bounded rings, text as it streams, the link.

Knows nothing of Textual: a reader task applies messages, a timer asks what is dirty.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from factory_tui.burn.book import Book, reads
from factory_tui.console.feed import Message, Skipped
from factory_tui.console.ledger import Ledger
from factory_tui.console.past import Past
from factory_tui.console.plain import unfenced
from factory_tui.console.quiet import BUSY, Quiet, quiet
from factory_tui.console.trace import Line, lines
from factory_tui.console.verdicts import Verdicts
from factory_tui.console.wording import undone
from factory_tui.domain.commands import Role
from factory_tui.domain.events import (
    CallSettled,
    CellClosed,
    CommandUndone,
    Event,
    NodeEntered,
    NodeLeft,
    Noticed,
    RunMoved,
    ToolReturned,
)
from factory_tui.domain.hostile import clean
from factory_tui.domain.live import LiveCell
from factory_tui.domain.reducer import reduce
from factory_tui.domain.state import OVER, Run, State

if TYPE_CHECKING:
    from factory_tui.console.glyphs import Tone

RING = 2000
"""Lines of one run's trace that the console keeps, of those looked at last."""
LOOKED = 4
"""Runs whose traces are kept so."""
TAIL, TAILS = 200, 64
"""Lines of the other traces, and how many of those are kept; the journal has the rest."""
STREAM = 4000
"""Characters of streaming text that are kept for drawing."""
BUCKET = 5_000
"""Milliseconds of one step of the token rate."""
BUCKETS = 60

Connection = Literal["connecting", "live", "reconnecting", "engine stopped"]


class Trace:
    """Lines of one run: its newest ones, or a stretch further back while somebody reads there.

    `total` counts all lines ever told of, so that a view knows what is new.
    """

    def __init__(self) -> None:
        self.lines: deque[Line] = deque(maxlen=RING)
        self.total = 0
        self.first: int | None = None
        """Seq of the oldest event in the ring."""
        self.last: int | None = None
        """Seq up to which lines are held, where newer ones made room for older ones; None: all that came."""
        self.complete = False
        """Whether the journal holds nothing older."""
        self.asked = False
        """Whether what lies before it was asked for since it was last cut."""
        self.glanced = False
        """Whether its newest events were asked for."""
        self.version = 0
        """Raised when lines were put in front, or taken away there: a view starts over."""
        self.taken: tuple[str, str] | None = None
        """The track of its loop that it took last."""
        self.entered = 0
        """When it came to the station where it is; UTC ms, 0: not known."""
        self._newest = 0

    def append(self, event: Event) -> None:
        """Add what a new event says."""
        if self.first is None:
            self.first = event.seq
        self._walk(event)
        self._newest = event.seq
        found = lines(event)
        self.total += len(found)
        if self.last is not None:
            return
        full = len(self.lines) + len(found) > RING
        self.lines.extend(found)
        while full and self.lines and self.lines[0].nth:  # of an event that is not held in full
            self.lines.popleft()
        if full:
            self.first = self.lines[0].seq if self.lines else event.seq + 1
            self.complete = False

    def cut(self) -> None:
        """Keep the newest lines alone, whole events of them."""
        if self.last is not None:
            self.renew()
        if len(self.lines) <= TAIL:
            return
        kept = list(self.lines)[-TAIL:]
        self.first = kept[0].seq + 1
        self.lines = deque((line for line in kept if line.seq >= self.first), maxlen=RING)
        self.complete = self.asked = False
        self.version += 1

    def prepend(self, events: Iterable[Event]) -> None:
        """Put older events in front; the newest lines leave where the ring has no room for both."""
        older = [event for event in events if self.first is None or event.seq < self.first]
        if not older:
            self.complete = True
            return
        for event in older if self.taken is None else ():
            self._walk(event)
        self._newest = max(self._newest, older[-1].seq)
        told = [line for event in older for line in lines(event)]
        said, begins = told, older[0].seq
        if len(told) > RING:  # what is next to the lines that are held, whole events of it where there are two
            begins = min(told[-RING].seq + 1, told[-1].seq)
            said = [line for line in told[-RING:] if line.seq >= begins]
        over = len(self.lines) + len(said) - RING
        if over > 0 and self.lines:
            self.last = self.lines[-min(over, len(self.lines))].seq - 1
            self.lines = deque((line for line in self.lines if line.seq <= self.last), maxlen=RING)
        self.lines.extendleft(reversed(said))
        self.first = begins
        self.version += 1

    def proceed(self, events: Iterable[Event]) -> None:
        """Put newer events behind, where newer ones are missing; the oldest lines leave."""
        newer = [event for event in events if self.last is not None and event.seq > self.last]
        said = [line for event in newer for line in lines(event)]
        kept = [*self.lines, *said][-RING:]
        if len(kept) < len(self.lines) + len(said):
            self.first, self.complete = kept[0].seq + 1, False
        self.lines = deque((line for line in kept if line.seq >= (self.first or 0)), maxlen=RING)
        self.last = newer[-1].seq if newer and newer[-1].seq < self._newest else None
        self.version += 1

    def renew(self) -> None:
        """Hold the newest lines again, once they are read."""
        self.lines.clear()
        self.first = self.last = None
        self.complete = self.asked = False
        self.version += 1

    def _walk(self, event: Event) -> None:
        if isinstance(event.fact, NodeLeft) and event.fact.to:
            self.taken = event.fact.node, event.fact.to
        elif isinstance(event.fact, NodeEntered):
            self.entered = event.at


class Moment(msgspec.Struct, frozen=True):
    """When a run asked something, or was held."""

    run: str
    escalation: str
    """Empty: it was held."""
    at: int


class Mirror:
    """Everything that the screens draw."""

    def __init__(self, clock: Callable[[], int] = lambda: 0) -> None:
        """`clock`: UTC ms by the engine's clock."""
        self._clock = clock
        self.state = State()
        self.role: Role = "viewer"
        self.connection: Connection = "connecting"
        self.trouble = ""
        """Why the link is down, and when it is tried again."""
        self.floor = Trace()
        self.traces: dict[str, Trace] = {}
        self._looked: list[str] = []
        """Runs whose traces are drawn, the one of now last."""
        self.stream: dict[str, str] = {}
        """What is streaming now, by run; empty once its call or command has ended, or its run moved on."""
        self.cells: dict[str, dict[str, LiveCell]] = {}
        """What was told of cells that are up, by run; of the run that is watched."""
        self.heard: dict[str, int] = {}
        """When output of a run came, or its cell was seen busy, last; UTC ms."""
        self.past = Past()
        self.around: dict[Moment, tuple[Line, ...]] = {}
        """What a run did around such moments as somebody looked at."""
        self.book = Book()
        """What was burned: read from the journal when a screen first asks, and kept from one link to the next."""
        self.read = False
        """Whether the book has all that there is: from then on it takes in what happens."""
        self.newest_burn = 0
        """Seq of the newest fact for the book that this link brought."""
        self.verdicts = Verdicts()
        self.ledger = Ledger()
        self.skipped = 0
        self.dirty = True
        self.fresh: tuple[Tone, str] | None = None
        """What is to be said in the key bar: a notice, or what somebody took back."""
        self._rate: deque[tuple[int, int]] = deque(maxlen=BUCKETS)

    def attached(self, state: State, role: Role) -> None:
        """Begin from a full state; traces start over, since what was missed is in the journal."""
        self.state, self.role = state, role
        self.connection, self.trouble = "live", ""
        self._forget()
        self.newest_burn = 0
        if state.seq < self.book.seq:  # an older journal was put in the place of that one
            self.book = Book()
        self.dirty = True

    def _forget(self) -> None:
        """What was read of the journal, or heard, before a full state; the book is kept."""
        self.floor, self.traces, self.stream = Trace(), {}, {}
        self.past, self.verdicts = Past(), Verdicts()
        self.read = False
        self.ledger.clear()

    def page(self, events: Sequence[Event]) -> bool:
        """The next facts of the journal for the book, none when it has no more; whether any may be left."""
        before = self.book.seq
        self.book.take_all(events)
        self.read = before == self.book.seq and self.newest_burn <= before
        self.dirty = True
        return not self.read

    def lost(self, why: str, first: bool) -> None:
        """The link is down."""
        stopped = self.state.engine.version and not self.state.engine.up
        self.connection = "connecting" if first else "engine stopped" if stopped else "reconnecting"
        self.trouble = why
        self.stream.clear()
        self.cells.clear()
        self.dirty = True

    @property
    def stopped(self) -> bool:
        """Whether the engine has stopped: nothing can be asked of it, nor read from it."""
        return self.connection == "engine stopped" or (self.connection == "live" and not self.state.engine.up)

    def apply(self, message: Message) -> None:
        """Take one message in."""
        self.dirty = True
        if isinstance(message, Event):
            self._event(message)
        elif isinstance(message, Skipped):
            self.skipped += message.count
            self.state = message.state
            self._forget()
        elif isinstance(message, LiveCell):
            self.cell(message)
        else:
            flow = self.stream.get(message.run, "") + clean(message.text)
            self.stream[message.run] = flow[-STREAM:]
            self.heard[message.run] = self._clock()

    def cell(self, seen: LiveCell) -> None:
        """What a cell uses now, or that it is gone."""
        if seen.up:
            self.cells.setdefault(seen.run, {})[seen.cell] = seen
            if seen.role == "agent" and seen.gauge and seen.gauge.cpu >= BUSY:
                self.heard[seen.run] = self._clock()
        else:
            self.cells.get(seen.run, {}).pop(seen.cell, None)
        self.dirty = True

    def watched(self, cells: Iterable[LiveCell]) -> None:
        """The cells that are told of from now on, all that are up."""
        self.cells = {}
        for seen in cells:
            self.cell(seen)
        self.dirty = True

    def _event(self, event: Event) -> None:
        if event.seq <= self.state.seq:
            return
        self.state = reduce(self.state, event)
        self._append(event)
        self.past.take(event)
        if reads(event.fact):
            self.newest_burn = event.seq
            if self.read:
                self.book.take(event)
        self.verdicts.take([event])
        self.ledger.take(event)
        if isinstance(event.fact, CellClosed):
            self.cells.get(event.run, {}).pop(event.fact.cell, None)
        if isinstance(event.fact, CallSettled | ToolReturned | RunMoved):
            self.stream.pop(event.run, None)
        if isinstance(event.fact, CallSettled):
            self._burned(event.at, event.fact.tokens.total)
        elif isinstance(event.fact, Noticed) and event.fact.level != "info":
            tone: Tone = "bad" if event.fact.level == "error" else "waits"
            self.fresh = tone, f"{event.fact.text} {event.fact.remedy}"
        elif isinstance(event.fact, CommandUndone):
            self.fresh = "good", undone(event.actor, event.fact.command)

    def _append(self, event: Event) -> None:
        trace = self.traces.pop(event.run, None) or self.trace(event.run)
        trace.append(event)
        if not event.run:
            return
        self.traces[event.run] = trace  # the newest last
        if event.run not in self._looked and len(trace.lines) > 2 * TAIL:
            trace.cut()
        if len(self.traces) > LOOKED + TAILS:
            del self.traces[next(one for one in self.traces if one not in self._looked)]

    def _burned(self, at: int, tokens: int) -> None:
        bucket = at // BUCKET
        if self._rate and self._rate[-1][0] == bucket:
            tokens += self._rate.pop()[1]
        self._rate.append((bucket, tokens))

    def rate(self, now: int, steps: int) -> list[float]:
        """Tokens a second over the newest `steps` buckets, oldest first."""
        newest = now // BUCKET
        known = dict(self._rate)
        return [known.get(newest - age, 0) / (BUCKET / 1000) for age in range(steps - 1, -1, -1)]

    def trace(self, run: str) -> Trace:
        """The trace of a run; "" is the floor's own."""
        return self.floor if not run else self.traces.setdefault(run, Trace())

    def look(self, run: str) -> Trace:
        """The trace of a run that is drawn: it is kept in full while it is among the last few of those."""
        trace = self.trace(run)
        if run and (not self._looked or self._looked[-1] != run):
            self._looked = [*(one for one in self._looked if one != run), run]
            for other in self._looked[:-LOOKED]:
                self.trace(other).cut()
            self._looked = self._looked[-LOOKED:]
        return trace

    def run(self, name: str) -> Run | None:
        """A run by name."""
        return self.state.runs.get(name)

    def runs(self) -> list[Run]:
        """All runs: those that can still move first, then by when they were queued, newest first.

        A run, its replicas and its forks stand together, in the order in which they began, where the one would that
        comes first.
        """
        families: dict[str, list[Run]] = {}
        for run in self.state.runs.values():
            families.setdefault(self._root(run).id, []).append(run)
        ranked = sorted(families.values(), key=lambda family: min(map(_rank, family)))
        return [run for family in ranked for run in family]

    def _root(self, run: Run) -> Run:
        """The run that it was forked from, or that one was, and so on; of replicas the first; itself."""
        while run.forked is not None:
            run = self.state.runs[run.forked.run]
        return self.state.runs.get(run.group, run)

    def quiet(self, run: Run) -> Quiet | None:
        """Whether a run is slow: nothing moves. Asked of all runs at every frame: few of many run."""
        if run.state != "running":
            return None
        return quiet(run, self.heard.get(run.id, 0), self.cells.get(run.id, {}).values(), self._clock())

    def unfenced(self, run: Run) -> bool:
        """Whether this run's commands are without a fence."""
        return unfenced(self.state, run)


def _rank(run: Run) -> tuple[bool, int, str]:
    return run.state in OVER, -run.queued_at, run.id
