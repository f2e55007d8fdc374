"""Going to an instant and back: every screen as it was then, and what is new since an operator last looked.

What is there to be drawn is the mirror's; here is which screens lie over those that were left, and what was read.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from factory_tui.console.acts import DEEDS
from factory_tui.console.attached import PAGE, Attached
from factory_tui.console.briefing import KINDS, Briefing, Item, briefing
from factory_tui.console.feed import Connect, Feed, RefusedError
from factory_tui.console.screens.place import Place
from factory_tui.console.seen import Look, Seen
from factory_tui.console.then import Left, Then, window_at
from factory_tui.console.trail import Trail
from factory_tui.console.work import begin
from factory_tui.domain.events import Event

if TYPE_CHECKING:
    from factory_tui.console.action import Scope
    from factory_tui.console.app import ConsoleApp
    from factory_tui.console.window import Window

BRIEFED = 5_000
"""Things that somebody did which a briefing tells of, at most."""
KEEP_LOOK = 60.0
"""Seconds between two times that a look is kept."""


class Traveller(Attached, inherit_bindings=False):
    """An app with places, of now and of then."""

    def __init__(self, connect: Connect, clock: Callable[[], int], seen: Seen | None) -> None:
        super().__init__(connect, clock, seen)
        self.trail = Trail()
        self._going: tuple[str, Scope] = ("", "floor")
        """The run and the screen that the past is to be seen on."""

    def choose(self, run: str) -> None:
        """Put the cursor on a run."""
        raise NotImplementedError

    def open_run(self) -> None:
        """The chosen run in full."""
        raise NotImplementedError

    @property
    def place(self) -> Place | None:
        """The place in front, below any dialog."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Place)), None)

    @property
    def scope(self) -> "Scope":
        """Which actions are meant: those of the place in front."""
        return self.place.SCOPE if self.place else "floor"

    @property
    def bottom(self) -> int:
        """How many screens are never left by going to another: the floor, and in the past all that were there."""
        return self.then.left.screens + 1 if self.then else 1

    def visit(self, seq: int, run: str, home: "Scope" = "floor") -> None:
        """Look at the factory at an event, on this screen, with this run chosen."""
        self._going = (run, home)
        self.see(seq)

    async def shown(self, window: "Window", seq: int) -> None:
        """An instant is there to be drawn: over all screens there are a floor of then, or the screen gone to."""
        from factory_tui.console.places import PLACES  # noqa: PLC0415 - opened by hand

        run, home = self._going
        if self.then is None:
            left = Left(len(self.screen_stack), self.chosen, self.trail, home)
            self.then = Then(window, seq, left)
            self.trail = Trail()
            await self.push_screen(self.get_default_screen())
            if home != "floor":
                await self.push_screen(PLACES[home]())
        else:
            self.then.show(window, seq)
            if home == "run" and self.scope != "run":
                await self.push_screen(PLACES["run"]())
        self.chosen = run if run in self.mirror.state.runs else self.chosen
        self.forget_moments()
        self.mirror.dirty = True
        self.flush()

    @property
    def leaves_the_past(self) -> bool:
        """Whether back leads to now: a run that was opened over another screen is left for that one first."""
        return self.then is not None and (self.scope != "run" or self.then.left.home == "run")

    def to_now(self) -> None:
        """Back to where the operator was, exactly."""
        if self.then is None:
            return
        self.workers.cancel_group(self, "see")  # a step that is still asked for leads nowhere
        left, self.then = self.then.left, None
        while len(self.screen_stack) > left.screens:
            self.pop_screen()
        self.chosen, self.trail = left.chosen, left.trail
        self.forget_moments()
        self.live.dirty = True
        self.flush()

    def briefed(self, found: Briefing) -> None:
        """What is new, over the screen in front; not over a dialog."""
        from factory_tui.console.screens.since import Since  # noqa: PLC0415 - rarely needed

        if isinstance(self.screen, Place):
            self.push_screen(Since(found))

    def open_item(self, item: Item) -> None:
        """What a line of a briefing is about: what waits in the inbox, an act in the journal, else its run."""
        from factory_tui.console.deeds.everywhere import go  # noqa: PLC0415 - deeds know the app
        from factory_tui.console.screens.journal import JournalScreen  # noqa: PLC0415 - opened by hand

        self.to_now()
        if item.run in self.mirror.state.runs:
            self.choose(item.run)
        if item.asks:
            go(cast("ConsoleApp", self), "inbox")
            self.screen.call_after_refresh(self._point, item)
        elif item.seq:
            go(cast("ConsoleApp", self), "journal")
            if isinstance(self.screen, JournalScreen):
                self.screen.begin_on(item.seq)
        elif item.run:
            self.open_run()

    def _point(self, item: Item) -> None:
        from factory_tui.console.widgets.inbox import InboxList  # noqa: PLC0415 - loaded if it is open

        for waits in self.screen.query(InboxList):
            waits.point(item.asks)

    def see(self, seq: int) -> None:
        """Look at the factory as it was at an event; from then on all that is drawn is as of then."""
        begin(self, partial(self._see, seq), "see")

    async def _see(self, seq: int) -> None:
        feed = self._feed
        if feed is None:
            self.say("bad", "the past is read from the engine, and no link to one is up")
            return
        try:
            held = self.then is not None and self.then.window.holds(seq)
            window = self.then.window if self.then and held else await window_at(feed, seq)
        except (OSError, RefusedError) as error:
            self.say("bad", f"the past cannot be shown: {error}")
            return
        await self.shown(window, seq)

    def visit_newest(self) -> None:
        """Into the past, to the newest act, on the screen in front."""
        self._going = (self.chosen, self.scope)
        begin(self, self._visit_newest, "see")

    async def _visit_newest(self) -> None:
        try:
            found = await self._feed.events(None, None, 1, kinds=DEEDS) if self._feed else ()
        except (OSError, RefusedError) as error:
            self.say("bad", f"the past cannot be shown: {error}")
            return
        if found:
            await self._see(found[0].seq)

    def step(self, *, later: bool) -> None:
        """To the next act before or after, with the same run on the same screen."""
        if self.then is None:
            self.say("waits", "this is now")
        else:
            self._going = (self.chosen, self.scope)
            begin(self, partial(self._step, self.then, later=later), "see")

    async def _step(self, then: Then, *, later: bool) -> None:
        seq, feed = then.window.step(then.seq, DEEDS, later=later), self._feed
        if seq is None and feed is not None:
            try:
                after = then.seq if later else None
                found = await feed.events(None, then.seq, 1, after, kinds=DEEDS)
            except (OSError, RefusedError) as error:
                self.say("bad", f"the past cannot be shown: {error}")
                return
            seq = found[0].seq if found else None
        if seq is None:
            self.say("waits", "that is the newest act" if later else "nothing was done before that")
        else:
            await self._see(seq)

    def brief(self, *, asked: bool = True) -> None:
        """Tell what happened since this operator last looked; unasked, only where something did."""
        if self._feed:
            begin(self, partial(self._brief, self._feed, asked=asked), "brief")

    async def _brief(self, feed: Feed, *, asked: bool) -> None:
        if self._last is None and self._seen is not None:
            self._last = await asyncio.to_thread(self._seen.last, feed.actor)
        last, now = self._last, self.live.state
        if last is None or last.seq > now.seq:
            if asked:
                self.say("waits", "when you last looked is not known; the next time it is")
            return
        try:
            then = await feed.state_then(last.seq)
            between, after = list[Event](), last.seq
            while len(between) < BRIEFED and (page := await feed.events(None, None, PAGE, after, kinds=KINDS)):
                between, after = [*between, *page], page[-1].seq
        except (OSError, RefusedError) as error:
            self.say("waits", f"what happened since you last looked cannot be told: {error}")
            return
        found = briefing(then, self.live.state, between, feed.actor)
        if asked or found.news:
            self.briefed(found)

    def note_look(self) -> None:
        """Keep that this operator looked, up to what is known now."""
        state, self._noted = self.live.state, time.monotonic()
        if self._seen is not None and self._actor and state.seq:
            try:
                self._seen.note(self._actor, Look(state.seq, state.at))
            except OSError as error:
                self.say("waits", f"that you looked cannot be kept: {error}")
