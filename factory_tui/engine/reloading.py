"""What a change on disk does to work under way: runs are re-seeded, seeds that ask for it are started, settings apply.

Knows what follows from a new revision. What is good is the library's to say, and when a file is whole the watching's.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Protocol

from factory_tui.config.caps import of_floor
from factory_tui.config.settings import Settings
from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import Command, Restart, StartRun
from factory_tui.domain.events import (
    AnyFact,
    CorpusConfirmed,
    Draft,
    EngineStarted,
    Noticed,
    RunReseeded,
    SeedRevised,
)
from factory_tui.domain.state import GOES_ON, OVER, Run, SeedView, State
from factory_tui.engine.capping import configured
from factory_tui.engine.library import Library, Whole
from factory_tui.engine.orders import ASKS
from factory_tui.engine.record import Record
from factory_tui.engine.sources import Group
from factory_tui.harness.reviewing import Unwritten, mark_reviewed
from factory_tui.journal import JournalFull
from factory_tui.policy.budget import Budget
from factory_tui.policy.credentials import Credentials

log = logging.getLogger(__name__)
FULL = 2.0
"""Seconds until what could not be kept is tried again."""


class Slots(Protocol):
    """Who gives runs their slots."""

    def resize(self, slots: int) -> None:
        """So many runs may be running at once."""
        ...


class Reloading:
    """One for the engine. `order` has a command of the engine's own taken: None, or why not."""

    def __init__(
        self,
        workspace: Workspace,
        library: Library,
        record: Record,
        *,
        order: Callable[[Command], Awaitable[str | None]],
        budget: Budget,
        credentials: Credentials,
        slots: Callable[[], Slots | None],
    ) -> None:
        self._workspace = workspace
        self._library = library
        self._record = record
        self._order = order
        self._budget = budget
        self._credentials = credentials
        self._slots = slots
        self._began_with = self._applied = library.settings()
        self._noted: set[tuple[str, str, str]] = set()
        """Seeds that could not be started by themselves, with revision and corpus: said once."""

    async def take(self, groups: Collection[Group], whole: Whole) -> Collection[Group]:
        """Take over what changed (watching.Take)."""
        try:
            facts, left = await self._library.take(groups, self._record.state, by_hand=True, whole=whole)
            await self._record.append([*map(Draft, facts), *self._reseeds(facts)])
            if self._library.settings() != self._applied:
                await self._apply(self._library.settings())
            await self.follow(facts)
            await self._library.tidy(self._record.state)
        except (JournalFull, OSError) as trouble:
            log.warning("what changed on disk cannot be kept: %s", trouble)
            await asyncio.sleep(FULL)
            return groups
        return left

    def _reseeds(self, facts: Collection[AnyFact]) -> Iterator[Draft]:
        """In the same commit as the revision: a kill between the two would leave runs at the old one."""
        mode = self._library.settings().reload.mode
        for fact in facts:
            if not isinstance(fact, SeedRevised):
                continue
            for run in self._touched(fact):
                if mode != "ask":
                    yield Draft(RunReseeded(fact.revision), run.id)
                else:
                    said = f"seed {run.seed} is at {run.reseed or run.revision} in {run.id}, and changed"
                    yield Draft(Noticed("info", said, f"use it from the next pass on: factory-tui reseed {run.id}"))

    def _touched(self, fact: SeedRevised) -> list[Run]:
        runs = self._record.state.runs.values()
        return [
            run
            for run in runs
            if run.seed == fact.seed and run.state not in OVER and (run.reseed or run.revision) != fact.revision
        ]

    def at_start(self, facts: Collection[AnyFact]) -> list[Draft]:
        """What changed while no engine ran, and what follows from it at once."""
        return [*map(Draft, facts), *self._reseeds(facts)]

    async def follow(self, facts: Collection[AnyFact]) -> None:
        """What a revision leads to once it is in the journal."""
        if self._library.settings().reload.mode == "restart":
            for fact in facts:
                await self._restart(fact)
        await self._start_new()

    async def _restart(self, fact: AnyFact) -> None:
        """Every run that would go on with the old text; one that a person stopped where it is stays there."""
        if not isinstance(fact, SeedRevised):
            return
        for run in list(self._record.state.runs.values()):
            if run.seed == fact.seed and run.reseed and run.passes and run.state in GOES_ON | ASKS:
                refused = await self._order(Restart(run.id))
                if refused:
                    await self._notice(f"{run.id} is not restarted: {refused}", "")

    async def _start_new(self) -> None:
        """Start seeds that ask for it and have never run. None of them spends money by itself."""
        for seed in self._library.seeds():
            state = self._record.state
            view = state.seeds.get(seed.name)
            if not seed.autostart or state.counts.get(seed.name) or view is None:
                continue
            case = (seed.name, view.revision, view.corpus)
            if case in self._noted:
                continue
            if refused := await self._order(StartRun(seed.name, ledger="rehearsal")):
                self._noted.add(case)
                said = f"{seed.file} asks to be started, and cannot be by itself: {refused}"
                await self._notice(said, f"factory-tui run {seed.name}")

    async def _apply(self, settings: Settings) -> None:
        """What can change while runs work; the rest is said to wait for the engine's next start."""
        self._credentials.learn(settings.models.values(), os.environ)
        drafts = configured(self._record.state, of_floor(settings.policy))
        await self._record.append(drafts)
        self._budget.configure(drafts)
        await self._record.append([Draft(said) for said in self._budget.warnings()])
        if (slots := self._slots()) is not None:
            slots.resize(settings.engine.slots)
        if waiting := _waits(self._began_with, settings):
            said = f"config.toml: {', '.join(waiting)} changed, which is used from the engine's next start on"
            await self._notice(said, "restart it: factory-tui engine stop; runs go on from where they are")
        self._applied = settings

    async def _notice(self, said: str, remedy: str) -> None:
        await self._record.append([Draft(Noticed("warning", said, remedy))])

    async def catch_up(self, facts: Collection[AnyFact]) -> None:
        """As an engine begins: what follows from what changed, and what the one before it had begun to write."""
        journal = self._record.journal
        engines = await journal.before(journal.head.seq + 1, "", 2, (_tag(EngineStarted),))
        since = engines[0].seq if engines else 0
        seeds = self._record.state.seeds
        told = await journal.events(after=since, run="", kinds=(_tag(CorpusConfirmed),))
        again = {event.fact.seed: SeedView("") for event in told if isinstance(event.fact, CorpusConfirmed)}
        await self.confirmed(State(seeds=seeds | again))
        await self.follow(facts)

    async def confirmed(self, before: State) -> None:
        """Write into scenario files what somebody has confirmed since: `reviewed_for`."""
        for name, view in self._record.state.seeds.items():
            known = before.seeds.get(name)
            if not view.confirmed or (known is not None and known.confirmed == view.confirmed):
                continue
            try:
                await asyncio.to_thread(mark_reviewed, self._workspace.scenarios / name, view.confirmed)
            except Unwritten as trouble:
                await self._notice(str(trouble), "")


def _tag(kind: type[AnyFact]) -> str:
    return str(kind.__struct_config__.tag)


def _waits(before: Settings, after: Settings) -> list[str]:
    """The tables and keys that a running engine does not take over."""
    changed = {
        "[cells]": before.cells != after.cells,
        "[agent] attempts": before.agent.attempts != after.agent.attempts,
        "[harness] parallel": before.harness.parallel != after.harness.parallel,
        "[ship]": before.ship != after.ship,
    }
    return [name for name, differs in changed.items() if differs]
