"""The engine as a process: take the workspace, answer the socket, get ready, supervise, let go in good order.

Owns the order of start and stop. What takes long (the SDK, the cells) comes after the socket answers.
"""

import asyncio
import faulthandler
import logging
import os
import signal
import sys
import time
from collections.abc import Collection
from contextlib import AsyncExitStack
from logging.handlers import RotatingFileHandler
from pathlib import Path

from msgspec.structs import replace

import factory_tui
from factory_tui.cells.choose import cells_of
from factory_tui.cells.pool import Pool
from factory_tui.cells.protocol import CellError, Cells
from factory_tui.config.caps import of_floor
from factory_tui.config.prices import price_of
from factory_tui.config.reading import Mistakes
from factory_tui.config.settings import Settings
from factory_tui.config.workspace import Workspace
from factory_tui.delivery.folders import restore_all
from factory_tui.delivery.snapshot import Snapshots
from factory_tui.domain.commands import Command, ConfirmCorpus, Reseed, Role, StartRun
from factory_tui.domain.events import AnyFact, Draft, EngineStarted, EngineStopped, Noticed
from factory_tui.domain.identifiers import ulid
from factory_tui.domain.money import UNMETERED
from factory_tui.domain.state import Run
from factory_tui.engine.capping import configured
from factory_tui.engine.factory import Factory
from factory_tui.engine.handlers import HANDLERS
from factory_tui.engine.history import History
from factory_tui.engine.library import Library, Whole
from factory_tui.engine.opening import Opening
from factory_tui.engine.parking import Parked
from factory_tui.engine.record import Record
from factory_tui.engine.reloading import Reloading
from factory_tui.engine.roster import Roster
from factory_tui.engine.showing import changes
from factory_tui.engine.sources import Group, fit_loop
from factory_tui.engine.watching import Watching
from factory_tui.engine.workplace import Workplace
from factory_tui.journal import Journal, JournalError, JournalFull
from factory_tui.link.protocol import LinkError
from factory_tui.link.server import LinkServer, user_name
from factory_tui.model.door import Door, Model
from factory_tui.policy.budget import Budget, lost_calls
from factory_tui.policy.credentials import Credentials
from factory_tui.twins.messages.playbook import BUNDLED, PlaybookError
from factory_tui.twins.messages.playbook import load as load_playbook
from factory_tui.twins.messages.server import Twin

log = logging.getLogger(__name__)
LOG_SIZE = 1 << 20
_KNOWN = (Mistakes, JournalError, CellError, LinkError)
"""What ends an engine with a remedy in its words."""


def now() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def entropy() -> int:
    """80 random bits."""
    return int.from_bytes(os.urandom(10))


class Engine:
    """One engine process on one workspace. `pace`: characters a second of a rehearsal's stream, 0 for at once."""

    def __init__(self, workspace: Workspace, playbooks: Path | None = None, pace: float = 0.0) -> None:
        self._workspace = workspace
        self._playbooks = playbooks or BUNDLED
        self._ready: asyncio.Future[Factory] = asyncio.get_running_loop().create_future()
        self._twin = Twin((), pace=pace)
        self._watching: Watching | None = None
        self._reloading: Reloading | None = None
        self._fence: asyncio.Task[None] | None = None
        """Ended once it is known whether the fence holds."""
        self._roster: Roster | None = None
        self._changed: list[AnyFact] = []
        """What changed on disk while no engine ran."""

    async def serve(self, *, until_over: bool) -> None:
        """Be the engine until told to stop, or until every run is over and no console is attached.

        Raises Mistakes, JournalError, CellError.
        """
        async with AsyncExitStack() as stack:
            stack.callback(self._workspace.hold().release)
            restore_all(self._workspace.twins)
            library = Library(self._workspace, fit_loop(HANDLERS))
            self._workspace.remember()
            self._workspace.rehearsals.write_text(str(self._playbooks.resolve()))
            journal = await Journal.open(
                self._workspace.state,
                self._workspace.keys,
                workspace=self._workspace.identity,
                clock=now,
                entropy=entropy,
            )
            stack.push_async_callback(journal.close)
            record = Record(journal, await journal.state())
            snapshots = Snapshots(self._workspace.snapshots, library.settings().ship.exclude)
            history = History(self._workspace.state, self._workspace.keys, self._workspace.identity, now)
            server = LinkServer(
                self._workspace.socket,
                state=lambda: record.state,
                now=now,
                on_command=self._obey,
                on_query=history.page,
                on_diff=lambda asked: changes(record.state, snapshots, asked),
                on_back=history.back,
            )
            await server.start()
            self._workspace.tell_socket()
            stack.push_async_callback(server.close)
            record.publish, record.show = server.publish, server.show
            try:
                factory = await self._prepare(stack, library, record)
                self._ready.set_result(factory)
                if self._roster is not None:
                    server.look_out(self._roster)
                watch = asyncio.create_task(self._watch(record), name="watch")
                stack.push_async_callback(_ended, watch)
                check = asyncio.create_task(_check(journal, factory), name="check")
                stack.push_async_callback(_ended, check)
                loop = asyncio.get_running_loop()
                for name in (signal.SIGTERM, signal.SIGINT):
                    loop.add_signal_handler(name, factory.stop, f"signal {name.name}")
                server.on_leave = factory.look_again
                await factory.supervise(until_over=until_over, watched=lambda: server.consoles > 0)
                await _ended(watch)
            except Exception as trouble:
                await _tell(record, trouble)
                raise
            await record.append([Draft(EngineStopped(factory.stop_reason))])

    async def _prepare(self, stack: AsyncExitStack, library: Library, record: Record) -> Factory:
        """Everything that may take its time: cells, the SDK, the twin; then what a dead engine left is taken over."""
        workspace, state, settings = self._workspace, record.state, library.settings()
        table = settings.cells
        kind, why = await cells_of(
            workspace.identity, workspace.state / "cells", table, lambda said: log.info("%s", said)
        )
        pool = Pool(kind, workspace.identity, table.warm)
        self._roster = cells = Roster(pool, now, record.show)
        credentials = Credentials(settings.models.values(), os.environ)
        budget = Budget.of(record.state, now)
        for run in state.runs.values():
            await record.append([Draft(fact, run.id) for fact in lost_calls(run)])
        changed = configured(record.state, of_floor(settings.policy))
        await record.append(changed)
        budget.configure(changed)
        await record.append([Draft(said) for said in budget.warnings()])
        door = Door(budget, credentials, now=now, attempts=settings.agent.attempts)
        stack.push_async_callback(door.close)
        warm = asyncio.create_task(door.warm(), name="sdk")
        stack.callback(warm.cancel)
        await self._rehearse(stack, record)
        place = Workplace(
            workspace=workspace,
            library=library,
            record=record,
            cells=cells,
            door=door,
            budget=budget,
            models=lambda run: self._model(library.settings(), run),
            snapshots=Snapshots(workspace.snapshots, settings.ship.exclude),
            parallel=asyncio.Semaphore(settings.harness.parallel),
            now=now,
            redact=credentials.redact,
        )
        self._reloading = Reloading(
            workspace,
            library,
            record,
            order=self._order,
            budget=budget,
            credentials=credentials,
            slots=lambda: self._ready.result() if self._ready.done() else None,
        )
        self._watching = await self._started(record, library, self._reloading, cells, why)
        await place.adopt()
        place.proving = self._fence = asyncio.create_task(_prove(kind, record), name="fence")
        pool.fill()
        opening = Opening(
            library,
            credentials,
            fenced=lambda: cells.fenced,
            playbooks=lambda seed: seed in self._twin.playbooks,
            folder=self._playbooks,
        )
        return Factory(record, place, opening, settings.engine.slots)

    async def _rehearse(self, stack: AsyncExitStack, record: Record) -> None:
        for path in sorted(self._playbooks.glob("*.toml")):
            try:
                playbook = load_playbook(path)
            except PlaybookError as error:
                await record.append([Draft(Noticed("error", str(error)))])
            else:
                self._twin.playbooks[playbook.seed] = playbook
        await self._twin.start()
        stack.push_async_callback(self._twin.close)

    def _model(self, settings: Settings, run: Run) -> Model:
        table = settings.models.get(run.model)
        if table is None:
            why = f"[models.{run.model}] is no longer in config.toml. Remedy: put it back, and restart the engine."
            raise Parked("held", why, reason="config")
        if run.ledger == "rehearsal":
            if run.seed not in self._twin.playbooks:
                why = f"there is no playbook to rehearse `{run.seed}` with in {self._playbooks}. Remedy: stop the "
                why += "engine, and start it with the folder that has it: factory-tui engine start --rehearsals FOLDER."
                raise Parked("held", why, reason="config")
            table = replace(table, base_url=self._twin.base_url(run.seed), key_env="")
        price = price_of(settings, run.model)
        if price is None and not run.rehearsal:
            why = f'no price is known for {run.model}. Remedy: set its prices, or price = "unmetered", in config.toml.'
            raise Parked("held", why, reason="config")
        return Model(run.model, table, price or UNMETERED)

    async def _started(
        self, record: Record, library: Library, reloading: Reloading, cells: Cells, why: str
    ) -> Watching:
        async def take(_groups: Collection[Group], whole: Whole) -> Collection[Group]:
            self._changed, left = await library.begin(record.state, whole)
            started = EngineStarted(
                version=factory_tui.__version__,
                pid=os.getpid(),
                workspace=self._workspace.root.name,
                cells=cells.kind,
                fenced=cells.fenced,
                why=why,
                seeds=tuple(seed.name for seed in library.seeds()),
                slots=library.settings().engine.slots,
            )
            by = user_name(os.geteuid())
            await record.append([Draft(started, actor=by), *reloading.at_start(self._changed)])
            return left

        watching = Watching(self._workspace, reloading.take)
        await watching.begin(take)
        return watching

    async def _obey(self, actor: str, role: Role, command: Command, key: str) -> str | None:
        factory = await asyncio.shield(self._ready)
        if isinstance(command, StartRun | Reseed | ConfirmCorpus) and self._watching is not None:
            await self._watching.caught_up()
        if isinstance(command, StartRun) and command.ledger != "rehearsal" and self._fence is not None:
            await asyncio.wait([self._fence])
        before = factory.state
        refused = await factory.obey(actor, role, key or ulid(now(), entropy()), command)
        if self._reloading is not None and factory.state.seeds is not before.seeds:
            await self._reloading.confirmed(before)
        return refused

    async def _order(self, command: Command) -> str | None:
        """A command of the engine's own, by what people wrote."""
        return await self._ready.result().obey("engine", "operator", ulid(now(), entropy()), command)

    async def _watch(self, record: Record) -> None:
        """Follow what people write, from what changed before the engine was ready on."""
        if self._watching is None or self._reloading is None:
            raise RuntimeError("watched before it was prepared")
        try:
            try:
                await self._reloading.catch_up(self._changed)
            except JournalFull as full:
                log.warning("%s", full)
            await self._watching.run()
        except Exception as bug:
            log.exception("watching broke")
            said = f"changes of files are not seen any more: a fault of ours: {type(bug).__name__}: {bug}"
            await record.append([Draft(Noticed("error", said, "restart the engine: factory-tui engine stop"))])


async def _prove(cells: Cells, record: Record) -> None:
    """Try the fence of cells that should have one, and say so when it does not hold: they then count as unfenced."""
    if not cells.fenced:
        return
    from factory_tui.cells.proof import breach  # noqa: PLC0415 - with what only Docker cells need

    hole = await breach(cells)
    if hole:
        log.warning("%s", hole)
        try:
            await record.append([Draft(Noticed("warning", hole, "factory-tui doctor --fence"))])
        except JournalFull as full:
            log.warning("%s", full)


async def _check(journal: Journal, factory: Factory) -> None:
    """Stop where the journal is damaged: what would be written on would be lost with it."""
    try:
        await journal.check()
    except JournalError as damaged:
        log.error("%s", damaged)
        factory.stop(str(damaged))


async def _tell(record: Record, trouble: Exception) -> None:
    """Have it told why this engine ends, where the journal can still be written."""
    said = str(trouble) if isinstance(trouble, _KNOWN) else f"a fault of ours: {type(trouble).__name__}: {trouble}"
    try:
        await record.append([Draft(EngineStopped(said))])
    except JournalError as untold:
        log.warning("%s", untold)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def log_to(workspace: Workspace) -> None:
    """Log to stderr; where that is the workspace's log, keep to two files of at most LOG_SIZE each."""
    handler: logging.Handler = logging.StreamHandler()
    if workspace.log.exists() and os.path.samestat(os.fstat(2), workspace.log.stat()):
        handler = RotatingFileHandler(workspace.log, maxBytes=LOG_SIZE, backupCount=1, encoding="utf-8")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", handlers=[handler]
    )
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for every model call


def run(workspace: Workspace, *, until_over: bool, playbooks: Path | None, pace: float = 0.0) -> int:
    """Be the engine in this process; its exit code."""
    faulthandler.enable()  # else what a crash of compiled code leaves is nothing at all
    log_to(workspace)

    async def serve() -> None:
        await Engine(workspace, playbooks, pace).serve(until_over=until_over)

    try:
        asyncio.run(serve())
    except _KNOWN as trouble:
        print(f"factory-tui: {trouble}", file=sys.stderr)  # noqa: T201 -- the caller reads it from the log
        return 1
    return 0
