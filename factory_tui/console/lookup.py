"""What the journal's screen asks of the link: acts at either end of what it holds, one event whole, how events lie."""

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from factory_tui.console.feed import Feed, RefusedError
from factory_tui.console.then import window_at
from factory_tui.console.window import Window, around
from factory_tui.console.work import begin
from factory_tui.domain.events import Event
from factory_tui.domain.hostile import one_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from factory_tui.console.app import ConsoleApp
    from factory_tui.console.differences import Difference
    from factory_tui.console.ledger import Ledger
    from factory_tui.link.protocol import Chain, Timeline

PAGE = 500
"""Acts that are asked for at once."""
IN_PLACE = ("event", "around")
"""What is told of in its pane, where there is nothing of it to draw."""
TROUBLE = 400
"""Characters of why."""


class Whole(msgspec.Struct, frozen=True):
    """One event with the hash of its row."""

    event: Event
    hash: str


class Lookup:
    """Asks for one thing of a kind at a time, and once: what was asked for before is dropped, what failed stays so."""

    def __init__(self, app: "ConsoleApp") -> None:
        self._app = app
        self.whole: Whole | None = None
        """The event asked for last."""
        self.lay: Timeline | None = None
        self.chain: Chain | None = None
        self.walking = False
        """Whether the chain is being walked."""
        self.window: Window | None = None
        """Around the event whose difference was asked for last."""
        self.troubles: dict[str, str] = {}
        """By kind, why there is nothing."""
        self._asked: dict[str, object] = {}
        """By kind, what it was asked for last."""

    def acts(self, ledger: "Ledger", *, older: bool) -> None:
        """More acts at one end."""
        ends = (ledger.acts[0].seq, ledger.acts[-1].seq) if ledger.acts else ()
        of = (ledger, older, ledger.version, ends, ledger.newest, ledger.oldest)
        self._ask("acts", of, lambda feed: self._acts(feed, ledger, older=older))

    async def _acts(self, feed: Feed, ledger: "Ledger", *, older: bool) -> None:
        version = ledger.version
        if older or not ledger.acts:
            first = ledger.acts[0].seq if ledger.acts else None
            page = await feed.events(None, first, PAGE, kinds=ledger.wanted)
            if ledger.version != version:
                return
            ledger.older(page)
        if not older:
            await self._newer(feed, ledger, version)

    async def _newer(self, feed: Feed, ledger: "Ledger", version: int) -> None:
        """Up to the journal's end: what happens while it is asked for comes once, by one way or the other."""
        while not ledger.newest:
            known, last = self._app.mirror.state.seq, ledger.acts[-1].seq if ledger.acts else 0
            page = await feed.events(None, None, PAGE, last, kinds=ledger.wanted)
            if ledger.version != version:
                return
            ledger.newer(page)
            if known != self._app.mirror.state.seq:
                ledger.newest = False

    def jump(self, ledger: "Ledger", seq: int) -> None:
        """Hold the acts up to an event in place of those held."""
        ledger.clear()
        self._ask("acts", (ledger.version, seq), lambda feed: self._jump(feed, ledger, seq))

    async def _jump(self, feed: Feed, ledger: "Ledger", seq: int) -> None:
        ledger.older(await feed.events(None, seq + 1, PAGE, kinds=ledger.wanted))

    def event(self, seq: int) -> None:
        """One event whole."""
        self._ask("event", seq, lambda feed: self._event(feed, seq))

    async def _event(self, feed: Feed, seq: int) -> None:
        found, chain = await feed.events(None, None, 1, seq - 1), await feed.chain(seq)
        if found:
            self.whole, self.chain = Whole(found[0], chain.hash), chain

    def walk(self) -> None:
        """The chain, from its first row."""
        if not self.walking:
            self._asked.pop("walk", None)
            self._ask("walk", True, self._walk)

    async def _walk(self, feed: Feed) -> None:
        self.walking = True
        try:
            self.chain = found = await feed.chain(walk=True)
        finally:
            self.walking = False
        whole = f"the chain is whole: all {found.seq} events are what was written"
        wrong = f"event {found.seq + 1}: {found.why}"
        self._app.say("bad" if found.why else "good", wrong if found.why else whole)

    def timeline(self, spans: int) -> None:
        """How events lie, anew where there are a hundredth more of them, or fewer, or other spans are wanted."""
        seq, known = self._app.mirror.state.seq, self.lay.seqs if self.lay else ()
        if len(known) != spans + 1 or not known[-1] <= seq <= known[-1] + known[-1] // 100:
            end = self._app.then.at if self._app.then else None
            self._ask("timeline", (seq, spans), lambda feed: self._timeline(feed, spans, end))

    async def _timeline(self, feed: Feed, spans: int, end: int | None) -> None:
        self.lay = await feed.timeline(spans, None, end)

    def around(self, seq: int) -> "list[Difference] | None":
        """What an event changed, where it is known; else it is asked for."""
        from factory_tui.console.differences import differences  # noqa: PLC0415 - looked at by hand

        states = around(self.window, seq) if self.window else None
        if states:
            return differences(*states)
        self._ask("around", seq, lambda feed: self._around(feed, seq))
        return None

    async def _around(self, feed: Feed, seq: int) -> None:
        self.window = await window_at(feed, seq)

    def _ask(self, what: str, of: object, ask: "Callable[[Feed], Awaitable[None]]") -> None:
        """Unless just that was asked for last, of this link."""
        feed, asked = self._app.feed, (of, id(self._app.coming))
        if feed is not None and self._asked.get(what) != asked:
            self._asked[what] = asked
            self.troubles.pop(what, None)
            begin(self._app, partial(self._told, what, feed, ask), f"journal-{what}")

    async def _told(self, what: str, feed: Feed, ask: "Callable[[Feed], Awaitable[None]]") -> None:
        try:
            await ask(feed)
        except (OSError, RefusedError) as error:
            self.troubles[what] = one_line(str(error), TROUBLE)
            if what not in IN_PLACE:
                self._app.say("bad", f"the journal cannot be read: {error}")
        self._app.mirror.dirty = True
