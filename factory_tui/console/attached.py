"""The console's link: one reader task that attaches and takes in what comes, and what is asked of the journal.

Knows the mirror and no widget; what draws is the app, which this is a part of.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING

from factory_tui.burn.book import KINDS
from factory_tui.console.feed import Connect, Feed, RefusedError
from factory_tui.console.glyphs import Tone
from factory_tui.console.keyboard import Keyboard
from factory_tui.console.mirror import Mirror, Moment, Trace
from factory_tui.console.past import REVISED, REVISIONS, Past
from factory_tui.console.seen import Look, Seen
from factory_tui.console.trace import lines
from factory_tui.console.verdicts import OF_DECISIONS, OF_VERDICTS, Looked, Verdicts
from factory_tui.console.work import begin
from factory_tui.domain.events import Answered, Event, ToolCalled
from factory_tui.domain.hostile import one_line

if TYPE_CHECKING:
    from factory_tui.console.then import Then

BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each try to attach again; the last one repeats."""
PAGE = 500
"""Events asked for at once when looking back."""
GLANCE = 60
"""The same where a few lines are drawn."""
WIDE_PAGE = 2000
"""The same where they are short."""
ANSWERED = str(Answered.__struct_config__.tag)
BEFORE, AFTER = 80, 20
"""Events around a moment that are read."""
MOMENTS = 50
"""Such moments that are kept."""
FAIR = 200
"""Messages taken in before others get their turn."""


class Attached(Keyboard, inherit_bindings=False):
    """An app with a mirror of what an engine tells it."""

    def __init__(self, connect: Connect, clock: Callable[[], int], seen: Seen | None) -> None:
        super().__init__()
        self.live = Mirror(self.engine_clock)
        """What is now; it is folded on while the past is looked at."""
        self.then: Then | None = None
        """The instant that is looked at; None: now."""
        self._seen = seen
        self._last: Look | None = None
        """The look before this one."""
        self._told = False
        """Whether it was told what is new."""
        self._actor = ""
        self._noted = time.monotonic()
        """When this look was kept last."""
        self.chosen = ""
        """The run that keys are about."""
        self._feed: Feed | None = None
        self.coming: asyncio.Future[Feed]
        """The next feed, once it is attached."""
        self._connect = connect
        self._here = clock
        self._ahead = 0
        """Milliseconds that the engine's clock is ahead of ours."""
        self._looked: set[Moment] = set()
        """What was asked for by this link."""
        self._reading: Feed | None = None
        """The link that the book is being read over."""
        self._watched: str | None = ""
        """The run whose cells the feed was asked to tell of; None: all of them."""

    def brief(self, *, asked: bool = True) -> None:
        """Tell what happened since this operator last looked; unasked, only where something did."""
        raise NotImplementedError

    def say(self, tone: Tone, text: str) -> None:
        """Say something to the operator."""
        raise NotImplementedError

    def flush(self) -> None:
        """Draw what is dirty."""
        raise NotImplementedError

    @property
    def mirror(self) -> Mirror:
        """What there is to draw: of now, or of the instant that is looked at."""
        return self.then.mirror if self.then else self.live

    @property
    def feed(self) -> Feed | None:
        """The link, if it is up; one that tells of nothing later while the past is looked at."""
        return self.then.closed(self._feed) if self.then and self._feed else self._feed

    @property
    def _when(self) -> str:
        """What is read for one instant, or for now, does not end what is read for another."""
        return str(self.then.seq) if self.then else "now"

    def clock(self) -> int:
        """The engine's time, UTC ms; of the instant that is looked at."""
        return self.then.at if self.then else self.engine_clock()

    def engine_clock(self) -> int:
        """Its time of now, whatever is looked at."""
        return self._here() + self._ahead

    def forget_moments(self) -> None:
        """Moments are read again: another mirror is drawn."""
        self._looked.clear()

    async def attend(self) -> None:
        """Attach, take in what comes, and when the link drops attach again, for ever."""
        attempt, first = 0, True
        self.coming = asyncio.get_running_loop().create_future()
        while True:
            try:
                feed = self._feed = await self._connect()
            except OSError as error:
                wait = BACKOFF[min(attempt, len(BACKOFF) - 1)]
                attempt += 1
                self.live.lost(f"No link to an engine: {one_line(str(error), 300)}. Next try in {wait:g} s.", first)
                await asyncio.sleep(wait)
                continue
            attempt, first, self._actor = 0, False, feed.actor
            self.live.attached(feed.state, feed.role)
            if not self._told:
                self._told = True
                self.brief(asked=False)
            self._ahead = feed.now - self._here()
            self._looked.clear()
            self._watched = ""
            self.flush()
            self.coming.set_result(feed)
            self.coming = asyncio.get_running_loop().create_future()
            try:
                await self._read(feed)
            finally:
                self._feed = None
                await feed.close()
            why = f"The link broke: {one_line(feed.end, 120)}" if feed.end else "The engine closed the link."
            self.live.lost(why, first)

    async def _read(self, feed: Feed) -> None:
        taken = 0
        async for message in feed:
            self.live.apply(message)
            taken += 1
            if taken % FAIR == 0:
                await asyncio.sleep(0)

    def keep_watch(self, in_full: bool) -> None:
        """Have the cells of the chosen run told of if it is looked at in full; else of all while one says nothing."""
        if self.then:
            return  # no cell of then is up
        slow = any(self.mirror.quiet(run) for run in self.mirror.state.runs.values())
        wanted = self.chosen if in_full else None if slow else ""
        if self.feed and wanted != self._watched:
            self._watched = wanted
            begin(self, partial(self._watch, self.feed, wanted), "watch")

    async def _watch(self, feed: Feed, run: str | None) -> None:
        try:
            cells = await feed.watch(run)
        except (OSError, RefusedError) as error:
            self.say("waits", f"what cells use is not told: {error}")
            return
        self.live.watched(cells)

    def keep_read(self) -> None:
        """What of the chosen run came before this console did is read once for each link."""
        trace = self.mirror.look(self.chosen)
        if self.feed and not trace.asked:
            trace.asked = True
            self.read_older()

    def read_older(self) -> None:
        """A page of the chosen run's events before those that its trace holds."""
        begin(self, partial(self._older, self.chosen), f"older-{self._when}-{self.chosen}")

    def glance(self, run: str) -> None:
        """Read the newest events of a run of which hardly anything came yet, once: enough for a few lines."""
        trace = self.mirror.trace(run)
        if self.feed and not (trace.asked or trace.glanced):
            trace.glanced = True
            if len(trace.lines) < GLANCE:
                begin(self, partial(self._older, run, GLANCE), f"older-{self._when}-{run}")

    def _older(self, run: str, most: int = PAGE) -> Coroutine[None, None, int]:
        """Into the trace of now, or of the instant that is looked at; how many came."""
        return self._take_older(self.mirror.trace(run), self.feed, run, most)

    async def _take_older(self, trace: Trace, feed: Feed | None, run: str, most: int) -> int:
        if feed is None or trace.complete:
            return 0
        try:
            events = await feed.events(run, trace.first, most)
        except (OSError, RefusedError) as error:
            self.say("bad", f"older lines cannot be read: {error}")
            return 0
        trace.prepend(events)
        self.mirror.dirty = True
        return len(events)

    def read_newer(self) -> None:
        """A page of the chosen run's events after those that its trace holds."""
        newer = partial(self._newer, self.mirror.trace(self.chosen), self.feed, self.chosen)
        begin(self, newer, f"older-{self._when}-{self.chosen}")

    async def _newer(self, trace: Trace, feed: Feed | None, run: str) -> None:
        if feed is None or trace.last is None:
            return
        try:
            events = await feed.events(run, None, PAGE, trace.last)
        except (OSError, RefusedError) as error:
            self.say("bad", f"newer lines cannot be read: {error}")
            return
        trace.proceed(events)
        self.mirror.dirty = True

    def search_older(self, found: Callable[[], bool], told: Callable[[int | None], None]) -> None:
        """Read the chosen run's journal backwards until something is found; tells how many events, None at the end."""
        begin(self, partial(self._search, self.chosen, found, told), "search")

    async def _search(self, run: str, found: Callable[[], bool], told: Callable[[int | None], None]) -> None:
        read = 0
        try:
            while came := await self._older(run):
                read += came
                told(read)
                if found():
                    return
        finally:
            told(None)

    async def whole(self, run: str, seqs: Iterable[int]) -> list[Event]:
        """These events of a run from the journal, each before it the answer of the model that asked for it.

        Raises RefusedError, OSError; the latter without a link too.
        """
        feed = self._linked()
        events: list[Event] = []
        for seq in seqs:
            found = list(await feed.events(run, seq + 1, 1))
            if found and isinstance(found[-1].fact, ToolCalled):
                events += await feed.events(run, seq, 1, kinds=(ANSWERED,))
            events += found
        return events

    def look_back(self) -> None:
        """Read the revisions of seeds from the journal, once for each link: a screen that draws them asks."""
        past, feed = self.mirror.past, self.feed
        if feed and not past.asked:
            past.asked = True
            begin(self, partial(self._look_back, feed, past), f"past-{self._when}")

    async def _look_back(self, feed: Feed, past: Past) -> None:
        wanted = True
        while wanted:
            try:
                events = await feed.events(None, past.first, REVISIONS, kinds=(REVISED,))
            except (OSError, RefusedError) as error:
                self.say("bad", f"the journal cannot be read: {error}")
                return
            wanted = past.older(events)
            self.mirror.dirty = True

    def look_around(self, moment: Moment) -> None:
        """Read what a run did before it asked or was held, and a little after, once for each link."""
        if self.feed and moment not in self._looked:
            self._looked.add(moment)
            looking = partial(self._look_around, self.feed, self.mirror, moment)
            begin(self, looking, f"around-{moment.run}")

    async def _look_around(self, feed: Feed, mirror: Mirror, moment: Moment) -> None:
        kind = "escalation-raised" if moment.escalation else "run-moved"
        try:
            marks = await feed.events(moment.run, None, WIDE_PAGE, kinds=(kind,))
            seq = next((event.seq for event in reversed(marks) if event.at <= moment.at), 0)
            before = await feed.events(moment.run, seq + 1, BEFORE)
            after = await feed.events(moment.run, seq + AFTER, AFTER)
        except (OSError, RefusedError) as error:
            self.say("bad", f"the journal cannot be read: {error}")
            return
        except asyncio.CancelledError:  # another of the run was looked at since
            self._looked.discard(moment)
            raise
        self._looked.discard(moment)  # the mirror has it, and may forget it
        found = {event.seq: event for event in (*before, *after) if seq}
        told = [line for number in sorted(found) for line in lines(found[number])]
        mirror.around = dict([*mirror.around.items(), (moment, tuple(told))][-MOMENTS:])
        mirror.dirty = True

    def read_book(self) -> None:
        """Read what was burned from the journal, as far as the book has not: a screen that draws it asks."""
        if self.feed and not self.mirror.read and self._reading is not self.feed:
            self._reading = self.feed
            begin(self, partial(self._read_book, self.feed, self.mirror), "book")

    async def _read_book(self, feed: Feed, mirror: Mirror) -> None:
        more = True
        while more and self.feed is feed:
            try:
                events = await feed.events(None, None, PAGE, mirror.book.seq, kinds=KINDS)
            except (OSError, RefusedError) as error:
                self.say("bad", f"the journal cannot be read: {error}")
                return
            more = mirror.page(events)
            await asyncio.sleep(0)  # a page is folded at once, and keys come first
        if self._reading is feed:
            self._reading = None

    def read_pass(self, run: str, number: int) -> Looked | None:
        """What is held of the verdicts of a pass, and from now on read from the journal; None: not without a link."""
        verdicts = self.mirror.verdicts
        found = verdicts.look(run, number)
        if found is None and self.feed:
            found = verdicts.open(run, number)
            begin(self, partial(self._read_pass, self.feed, verdicts, run, number), "verdicts", exclusive=False)
        return found

    async def _read_pass(self, feed: Feed, verdicts: Verdicts, run: str, number: int) -> None:
        wanted, before = True, verdicts.before(run, number)
        while wanted:
            try:
                events = await feed.events(run, before, PAGE, kinds=OF_VERDICTS)
            except (OSError, RefusedError) as error:
                if looked := verdicts.look(run, number):
                    looked.fail(one_line(str(error), 200))
                self.mirror.dirty = True
                return
            wanted = verdicts.page(run, number, events)
            before = events[0].seq if events else before
            self.mirror.dirty = True

    def read_decision(self, run: str) -> None:
        """What the newest visit of a run decided is read once for each link."""
        verdicts = self.mirror.verdicts
        if self.feed and run not in verdicts.asked:
            verdicts.asked.add(run)
            begin(self, partial(self._read_decision, self.feed, verdicts, run), "verdicts", exclusive=False)

    async def _read_decision(self, feed: Feed, verdicts: Verdicts, run: str) -> None:
        try:
            verdicts.take(await feed.events(run, None, 1, kinds=OF_DECISIONS))
        except (OSError, RefusedError) as error:
            self.say("bad", f"what the harness decided cannot be read: {error}")
        self.mirror.dirty = True

    async def diff(self, run: str, before: int, after: int) -> tuple[str, bool]:
        """As the feed's. Raises RefusedError, OSError; the latter without a link too."""
        return await self._linked().diff(run, before, after)

    def _linked(self) -> Feed:
        if self.feed is None:
            raise ConnectionError("no engine is attached. Remedy: q, then factory-tui again, which starts one")
        return self.feed
