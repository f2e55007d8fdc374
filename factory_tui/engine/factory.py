"""The factory: which runs are being worked on, and what stops them.

Owns slots, tasks and what a command does to work under way. It does not know how a run is walked, nor what a console
shows.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from factory_tui.cells.protocol import CellDied, CellError, NoEngine, Unmade
from factory_tui.delivery.git import DeliveryError, NoRoom
from factory_tui.domain import commands as c
from factory_tui.domain.events import CommandTaken, Draft, EscalationRaised, RunMoved, RunState
from factory_tui.domain.identifiers import escalation_id
from factory_tui.domain.questions import about, refusing
from factory_tui.domain.state import GOES_ON, OVER, State
from factory_tui.engine.capping import Judged, let_go
from factory_tui.engine.deadlines import MINUTE
from factory_tui.engine.forking import Opening
from factory_tui.engine.guarding import REMEDY
from factory_tui.engine.handlers import HANDLERS
from factory_tui.engine.orders import answer, judge, ways_on
from factory_tui.engine.packet import packet
from factory_tui.engine.parking import Ended, Parked, Question
from factory_tui.engine.record import Record
from factory_tui.engine.returning import DISK_TROUBLE, ENGINE_TROUBLE, Returning
from factory_tui.engine.stopping import asked_for, asks
from factory_tui.engine.triage import POLICY
from factory_tui.engine.undoing import after, lending
from factory_tui.engine.walk import Walk
from factory_tui.engine.workplace import Workplace
from factory_tui.journal import JournalFull
from factory_tui.model.failures import ProviderHeld
from factory_tui.policy.budget import UNTOLD, lost_calls

log = logging.getLogger(__name__)

CELL_LIVES = 3
CELL_TROUBLE = 30_000
"""Milliseconds after which a run that found no cell looks again."""
REMEMBERED = 1_000
"""Commands that are known again when they are sent again."""


class Factory:
    """Supervises the runs of one workspace."""

    def __init__(self, record: Record, workplace: Workplace, opening: Opening, slots: int) -> None:
        self._record = record
        self._workplace = workplace
        self._opening = opening
        self._slots = slots
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._walking: set[str] = set()
        """Runs whose task may be interrupted; one that comes to rest is let do so."""
        self._interrupted: dict[str, Parked] = {}
        self._group: asyncio.TaskGroup | None = None
        self._deciding = asyncio.Lock()
        self._asked = len(record.state.escalations)
        self._taken: dict[str, tuple[str, c.Command]] | None = None
        """By its id, who gave each of the newest commands."""
        self._returning = Returning(record, workplace, self._deciding, self._refuse)
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self.stop_reason = ""

    @property
    def state(self) -> State:
        """The live state."""
        return self._record.state

    async def supervise(self, *, until_over: bool, watched: Callable[[], bool]) -> None:
        """Work on runs until the engine is told to stop, or, if asked, until every run is over and nobody watches."""
        async with asyncio.TaskGroup() as self._group:
            while not self._stopping.is_set():
                self._fill_slots()
                over = self.state.runs and all(run.state in OVER for run in self.state.runs.values())
                if until_over and over and not watched():
                    self.stop("all runs have ended")
                    break
                await self._wait_for_change()
            for run in self._walking:  # before its cell is let go of: it must not take that for a cell that died
                self._workplace.leave_home(run)
                self._tasks[run].cancel()
        await self._workplace.detach()
        await self._workplace.close()

    def look_again(self) -> None:
        """Something that no fact tells has changed: whether anybody watches."""
        self._changed.set()

    def resize(self, slots: int) -> None:
        """So many runs may be running at once; those that are more than that go on to their end."""
        self._slots = slots
        self._changed.set()

    def stop(self, reason: str) -> None:
        """Let go of every run where it is; each goes on from there when an engine starts again."""
        self.stop_reason = reason
        self._stopping.set()
        self._changed.set()

    async def _wait_for_change(self) -> None:
        """Until a task or a command changed something, or something is due by itself."""
        self._changed.clear()
        try:
            async with asyncio.timeout(self._returning.wait()):
                await self._changed.wait()
        except TimeoutError:
            await self._returning.take()

    def _fill_slots(self) -> None:
        """Start as many runs as there are slots: first those that were running, then the queue in its order."""
        if self.state.frozen or self._group is None:
            return
        waiting = [run for run in self.state.runs.values() if run.state in GOES_ON and run.id not in self._tasks]
        waiting.sort(key=lambda run: (run.state != "running", run.moved_at, run.queued_at))
        for run in waiting[: max(0, self._slots - len(self._tasks))]:
            self._tasks[run.id] = self._group.create_task(self._work(run.id), name=run.id)
            self._walking.add(run.id)

    async def _work(self, run: str) -> None:
        """Walk one run until it ends or parks; whatever stops it becomes a fact."""
        try:
            try:
                stopped = await self._until_parked(run)
            finally:
                # From here on it is let come to rest: how it stopped is told, and its cell put away.
                self._walking.discard(run)
            interrupted = self._interrupted.pop(run, None)
            if interrupted is not None and stopped.moved.state not in OVER:
                stopped = self._asked_for(run) or interrupted
            await self._record.append(self._told(run, stopped))
            await self._put_away(run)
        except JournalFull as full:
            await self._hold_all(full)
        finally:
            del self._tasks[run]
            self._changed.set()

    async def _put_away(self, run: str) -> None:
        """Remove the cell of a run that ended; let that of one that stands still stand still too."""
        if self.state.runs[run].state in OVER or not self.state.runs[run].node:
            await self._workplace.close_home(self._record.scribe(run))
        else:
            await self._workplace.freeze_home(run)

    async def _until_parked(self, run: str) -> Parked:
        """Walk; what stopped it."""
        place, scribe = self._workplace, self._record.scribe(run)
        now = self.state.runs[run]
        if (asked := self._asked_for(run)) is not None:
            return asked
        try:
            if now.state != "running":
                await scribe.record(*lost_calls(now, UNTOLD), RunMoved("running"))
            place.budget.enter(run, now.caps)
            await place.thaw_home(run)
            return await self._walk(Walk(place, scribe, HANDLERS, asked=lambda: self._asked_for(run)))
        except Parked as parked:
            return parked
        except Ended as ended:
            return Parked(ended.moved.state, ended.moved.why)
        except ProviderHeld as held:
            return self._without_answer(held)
        except NoEngine as silent:
            soon = place.now() + ENGINE_TROUBLE
            return Parked("held", f"no cell to work in: {silent}", reason="config", retry_at=soon)
        except CellError as trouble:
            later = None if isinstance(trouble, Unmade) else place.now() + CELL_TROUBLE
            return Parked("held", f"no cell to work in: {trouble}", reason="config", retry_at=later)
        except DeliveryError as trouble:
            if place.room() and not isinstance(trouble, NoRoom):
                return Parked("held", str(trouble), reason="config")
            return Parked("held", str(trouble), reason="disk", retry_at=place.now() + DISK_TROUBLE)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._stopping.is_set() or run not in self._interrupted or task is None:
                raise
            task.uncancel()
            return Parked("queued", "interrupted")
        except JournalFull:
            raise
        except Exception as bug:
            log.exception("run %s broke", run)
            return Parked("failed", f"a fault of ours: {type(bug).__name__}: {bug}")

    def _without_answer(self, held: ProviderHeld) -> Parked:
        """Held until the endpoint may be asked again, if it is not left to somebody to say when."""
        asks = held.reason == "provider" and self._workplace.settings.policy.outage == "ask"
        if held.retry_at is None or not asks:
            return Parked("held", held.why, reason=held.reason, retry_at=held.retry_at, cap=held.cap)
        at = datetime.fromtimestamp(held.retry_at / 1000, UTC).strftime("%H:%M:%S UTC")
        return Parked("held", f'{held.why}; worth a try from {at} on ([policy] outage = "ask")', reason=held.reason)

    async def _walk(self, walk: Walk) -> Parked:
        """Walk on past cells that die: the next one is rebuilt from the last snapshot."""
        deaths: list[str] = []
        for number in range(1, CELL_LIVES + 1):
            try:
                await walk.go()
            except CellDied as died:
                deaths.append(f"cell {number}: {' '.join(str(died).split())}")
                await self._workplace.lose_home(walk.scribe, str(died))
        why = f"{CELL_LIVES} cells died under it, one after the other"
        told = await packet(walk, "\n".join(deaths), max(0, len(walk.run.passes) - 1))
        return Parked("jammed", why, question=Question("jam", why, ways_on(walk.run), told, "dead"))

    def _told(self, run: str, parked: Parked) -> list[Draft]:
        drafts = [Draft(fact, run) for fact in parked.facts]
        if parked.question:  # before the move: whoever sees the run at rest knows what it asks
            asked = parked.question
            # Counted here: two runs may ask before either question is in the state.
            self._asked += 1
            number, owner = escalation_id(self._asked), self.state.runs[run].owner
            raised = EscalationRaised(number, asked.kind, asked.jam, owner, asked.text, asked.choices, asked.evidence)
            minutes = self._workplace.settings.policy.expire_after
            if minutes and refusing(asked.kind, asked.choices):
                raised = replace(raised, expires=self._workplace.now() + round(minutes * MINUTE))
            drafts.append(Draft(raised, run))
        return [*drafts, Draft(parked.moved, run)]

    async def _hold_all(self, full: JournalFull) -> None:
        """Hold every run until there is room: none may work while its facts cannot be kept.

        Raises JournalFull when there is not even room for that.
        """
        later = self._workplace.now() + DISK_TROUBLE
        going = [run.id for run in self.state.runs.values() if run.state in GOES_ON]
        idle = [run for run in going if run not in self._walking]
        for run in self._walking.intersection(going):
            self._interrupt(run, Parked("held", str(full), reason="disk", retry_at=later))
        await self._record.alarm([Draft(RunMoved("held", "disk", str(full), later), run) for run in idle])
        for run in idle:
            await self._workplace.freeze_home(run)

    async def obey(self, actor: str, role: c.Role, identity: str, command: c.Command) -> str | None:
        """Take a command, or say why not: None once it is in the journal and under way, else the reason.

        One whose identity was taken already, from whatever link and by whatever engine, is not done again.
        """
        if not c.may(role, command):
            return c.refusal(role, command)
        async with self._deciding:  # one at a time: the next is judged by a state that has this one
            before = (await self._commands()).get(identity)
            if before is not None:
                return None if before == (actor, command) else f"{identity} is the key of another command"
            run = about(self.state, command)
            await self._at_rest(run)
            if isinstance(command, c.Undo):
                await self._told_all(run)
            if self._stopping.is_set():
                return None if isinstance(command, c.StopEngine) else "the engine is stopping"
            if why := await self._reveals(run, command):
                return why
            walking = run in self._walking
            silent = (
                isinstance(command, c.Resume) and run in self.state.runs and self.state.runs[run].reason == "provider"
            )
            facts = self._judge(actor, command)
            if isinstance(facts, str):
                return facts
            lent = lending(command, self.state, facts)
            if lent and not self._workplace.budget.lend(*lent):
                return f"{lent[0]} has just reserved what was left of its cap; ask again"
            taken = Draft(CommandTaken(identity, command), getattr(command, "run", ""), actor)
            try:
                await self._record.append([taken, *facts])
                if walking and run not in self._walking:  # it stopped by itself meanwhile
                    await self._at_rest(run)
                    late = self._late(actor, command, facts)
                    await self._record.append([] if isinstance(late, str) else late)
            except JournalFull as full:
                return str(full)
            finally:
                if lent:
                    self._workplace.budget.enter(lent[0], self.state.runs[lent[0]].caps, moved=True)
            (await self._commands())[identity] = actor, command
            self._act(actor, command)
            if silent:  # whoever says that the endpoint is back may know more than it told us
                self._workplace.door.try_now()
        self._changed.set()
        return None

    async def _refuse(self, escalation: str, choice: str) -> None:
        """Answer a question that nobody answered in time, in the name of policy. Raises JournalFull."""
        facts = answer(self.state, POLICY, c.Answer(escalation, choice), expired=True)
        if not isinstance(facts, str):  # else its run has ended
            await self._record.append(facts)

    async def _commands(self) -> dict[str, tuple[str, c.Command]]:
        """The newest commands that were taken, by identity."""
        if self._taken is None:
            journal = self._record.journal
            kind = str(CommandTaken.__struct_config__.tag)
            events = await journal.before(journal.head.seq + 1, None, REMEMBERED, (kind,))
            taken = [(event.actor, event.fact) for event in events]
            self._taken = {fact.id: (by, fact.command) for by, fact in taken if isinstance(fact, CommandTaken)}
        while len(self._taken) > REMEMBERED:
            del self._taken[next(iter(self._taken))]
        return self._taken

    async def _reveals(self, run: str, command: c.Command) -> str:
        """Why these words cannot be said to an agent: taken, they would hold its run for good."""
        if not isinstance(command, c.Steer | c.Answer) or not command.text or run not in self.state.runs:
            return ""
        walk = Walk(self._workplace, self._record.scribe(run), HANDLERS, asked=lambda: None)
        try:
            (await walk.watch())("what you say", command.text)
        except Parked as caught:
            if caught.moved.reason != "fence":
                return ""  # what else is wrong with the run is told when it goes on
            return f"{caught.moved.why.removesuffix(REMEDY)}Remedy: say it in words of your own"
        return ""

    def _judge(self, actor: str, command: c.Command) -> Judged:
        facts = judge(self.state, actor, command, self._opening, self._walking, now=self._workplace.now())
        if facts == [] and isinstance(command, c.Escalate) and command.run not in self._walking:
            return self._told(command.run, asks(self.state.runs[command.run], actor, command))
        return facts

    def _late(self, actor: str, command: c.Command, facts: list[Draft]) -> Judged:
        """What a command that is in the journal by now leads to, for a run that stopped by itself meanwhile."""
        # It has led to another run; to what was found by then, and no more; to what a run that moved cannot have.
        if isinstance(command, c.Fork | c.Release | c.Snooze | c.SetExpiry):
            return []
        if isinstance(command, c.Undo):
            return after(self.state.runs[command.run], actor, facts)
        if isinstance(command, c.RaiseCap | c.MoveBudget):  # judged once more it would raise no cap, or move it twice
            return let_go(self.state.runs[command.run], actor)
        return self._judge(actor, command)

    async def _at_rest(self, run: str) -> None:
        """Let a run that has stopped walking come to rest: only then can anybody say what a command does to it."""
        while run in self._tasks and run not in self._walking:
            await asyncio.wait([self._tasks[run]])

    async def _told_all(self, run: str) -> None:
        """Until the state has what came of the run so far, and one that is being interrupted has come to rest."""
        await self._record.settled(run)
        while run in self._tasks and (run in self._interrupted or run not in self._walking):
            await asyncio.wait([self._tasks[run]])
            await self._record.settled(run)

    def _act(self, actor: str, command: c.Command) -> None:
        """What a taken command does to work that is under way."""
        match command:
            case c.Pause(now=False) | c.Undo() if self.state.runs[command.run].handler != "harness":
                return  # its walk looks after every step; a visit has none, and goes on from its last verdict
            case c.Escalate() if command.run in self._walking and self.state.runs[command.run].handler != "harness":
                return
            case c.RaiseCap() | c.MoveBudget():
                self._workplace.budget.enter(command.run, self.state.runs[command.run].caps)
            case c.SetCap():
                self._workplace.budget.limit(command.cap, command.amount)
            case c.SetFault():
                self._workplace.spoiling.heed(command.run)
            case c.Pause() | c.Stop() | c.Escalate() | c.Restart() | c.Reseed() | c.Undo() if (
                command.run in self._walking
            ):
                if (asked := self._asked_for(command.run)) is not None:
                    self._interrupt(command.run, asked)
            case c.Stop() | c.Answer() | c.Restart() | c.Reseed(restart=True):
                run = about(self.state, command)
                now = self.state.runs[run]
                if (now.state in OVER or not now.node) and self._group is not None:
                    self._group.create_task(self._put_away(run))
            case c.EmergencyStop():
                for run in list(self._walking):
                    self._interrupt(run, Parked("queued", f"emergency stop by {actor}"))
            case c.StopEngine():
                self.stop(f"stopped by {actor}")

    def _asked_for(self, run: str) -> Parked | None:
        """How the run is to stop by a command that was taken and is not in effect yet, if there is one."""
        return asked_for(self.state.runs[run])

    def _interrupt(self, run: str, stopped: Parked) -> None:
        """Have a run stop where it is; what a tool does in its cell is not ended unless the run is."""
        if run in self._walking:
            self._interrupted[run] = stopped
            # Not at once: a task that has not begun could not say how it stopped.
            asyncio.get_running_loop().call_soon(self._cancel, run, stopped.moved.state)

    def _cancel(self, run: str, state: RunState) -> None:
        if run in self._walking:
            if state not in OVER:
                self._workplace.leave_home(run)
            self._tasks[run].cancel()
