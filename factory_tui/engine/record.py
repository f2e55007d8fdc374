"""The one way facts enter the world: journal first, then the state, then whoever watches.

Owns the live state. It does not know what any fact leads to.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from factory_tui.domain.events import AnyFact, Draft, Event
from factory_tui.domain.live import LiveFrame
from factory_tui.domain.reducer import reduce
from factory_tui.domain.state import State
from factory_tui.journal import Journal

Publish = Callable[[Sequence[Event]], None]
Show = Callable[[LiveFrame], None]


class Record:
    """The journal and the state it folds to, kept in step."""

    def __init__(self, journal: Journal, state: State) -> None:
        self.journal = journal
        self.state = state
        self._early: dict[int, Event] = {}
        self._writing: dict[asyncio.Future[list[Event]], set[str]] = {}
        """What is on its way to the disk, and which runs it is about."""
        self.publish: Publish = lambda _events: None
        self.show: Show = lambda _frame: None

    async def append(self, drafts: Sequence[Draft]) -> list[Event]:
        """Return once the facts are on disk and in the state.

        A caller that is cancelled while they are being written leaves no gap: the writing goes on without it.
        """
        return await self._surely(self.journal.append(drafts), drafts)

    async def alarm(self, drafts: Sequence[Draft]) -> list[Event]:
        """As `append`, on a full disk: out of the journal's reserve. Raises JournalFull when that is used up too."""
        return await self._surely(self.journal.alarm(drafts), drafts)

    async def settled(self, run: str) -> None:
        """Return once the state has all that was told of a run so far."""
        while telling := [writing for writing, runs in self._writing.items() if run in runs]:
            await asyncio.wait(telling)

    async def _surely(self, appending: Coroutine[None, None, list[Event]], drafts: Sequence[Draft]) -> list[Event]:
        writing = asyncio.ensure_future(self._write(appending))
        self._writing[writing] = {draft.run for draft in drafts}
        writing.add_done_callback(self._writing.pop)
        return await asyncio.shield(writing)

    async def _write(self, appending: Coroutine[None, None, list[Event]]) -> list[Event]:
        events = await appending
        self._apply(events)
        return events

    def _apply(self, events: Sequence[Event]) -> None:
        """Fold in the order of seq, whatever the order in which the appenders woke."""
        self._early.update((event.seq, event) for event in events)
        ready = []
        while (event := self._early.pop(self.state.seq + 1, None)) is not None:
            self.state = reduce(self.state, event)
            ready.append(event)
        if ready:
            self.journal.keep(self.state)
            self.publish(ready)

    def scribe(self, run: str) -> "RunScribe":
        """A scribe bound to one run."""
        return RunScribe(self, run)


class RunScribe:
    """Writes about one run (domain.scribe.Scribe)."""

    def __init__(self, record: Record, run: str) -> None:
        self._to = record
        self._run = run

    @property
    def run(self) -> str:
        """The run it writes about."""
        return self._run

    async def record(self, *facts: AnyFact) -> None:
        """Facts of the engine about the run, in one commit."""
        await self._to.append([Draft(fact, self._run) for fact in facts])

    def show(self, frame: LiveFrame) -> None:
        """A live frame for whoever watches."""
        self._to.show(frame)
