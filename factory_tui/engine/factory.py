"""The factory: which runs are being worked on, and what operators' commands do to them.

Owns slots, tasks and the effect of every command. It does not know how a run is walked, nor what a console shows.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from factory_tui.cells.protocol import CellDied, CellError
from factory_tui.domain import commands as c
from factory_tui.domain.events import (
    CommandTaken,
    Draft,
    EscalationAnswered,
    EscalationRaised,
    FloorFrozen,
    FloorThawed,
    RunMoved,
    RunQueued,
    RunState,
)
from factory_tui.domain.identifiers import escalation_id, run_id
from factory_tui.domain.reducer import OVER
from factory_tui.domain.state import Run, State
from factory_tui.engine.handlers import HANDLERS
from factory_tui.engine.parking import Ended, Parked, Question
from factory_tui.engine.record import Record
from factory_tui.engine.walk import Walk
from factory_tui.engine.workplace import Workplace
from factory_tui.model.failures import ProviderHeld

log = logging.getLogger(__name__)

GOES_ON: frozenset[RunState] = frozenset({"queued", "running"})
"""States that go on by themselves as soon as there is a slot."""
CAN_RESUME: frozenset[RunState] = frozenset({"paused", "held"})

CELL_LIVES = 3
CELL_TROUBLE = 30_000
"""Milliseconds after which a run that found no cell looks again."""

Opening = Callable[[c.StartRun], "RunQueued | str"]


class Factory:
    """Supervises the runs of one workspace."""

    def __init__(self, record: Record, workplace: Workplace, opening: Opening, slots: int) -> None:
        self._record = record
        self._workplace = workplace
        self._opening = opening
        self._slots = slots
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._to_pause: set[str] = set()
        self._parking: dict[str, RunMoved] = {}
        self._walking: set[str] = set()
        """Runs whose task may be interrupted; one that comes to rest is let do so."""
        self._deciding = asyncio.Lock()
        self._asked = len(record.state.escalations)
        self._group: asyncio.TaskGroup | None = None
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self.stop_reason = ""

    @property
    def state(self) -> State:
        """The live state."""
        return self._record.state

    async def supervise(self, *, until_over: bool) -> None:
        """Work on runs until the engine is told to stop, or, if asked, until every run is over."""
        async with asyncio.TaskGroup() as self._group:
            while not self._stopping.is_set():
                self._fill_slots()
                if until_over and self.state.runs and all(run.state in OVER for run in self.state.runs.values()):
                    self.stop("all runs have ended")
                    break
                await self._wait_for_change()
            await self._workplace.detach()
            for task in self._tasks.values():
                task.cancel()

    def stop(self, reason: str) -> None:
        """Let go of every run where it is; each goes on from there when an engine starts again."""
        self.stop_reason = reason
        self._stopping.set()
        self._changed.set()

    async def _wait_for_change(self) -> None:
        due = [run.retry_at for run in self.state.runs.values() if run.state == "held" and run.retry_at]
        timeout = max(0.0, (min(due) - self._workplace.now()) / 1000) if due and not self.state.frozen else None
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except TimeoutError:
            now = self._workplace.now()
            back = [run for run in self.state.runs.values() if run.state == "held" and 0 < (run.retry_at or 0) <= now]
            for run in back:
                await self._move(run.id, RunMoved("queued", None, "tries again"))

    def _fill_slots(self) -> None:
        """Start as many runs as there are slots: first those that were running, then the queue in its order."""
        if self.state.frozen or self._group is None:
            return
        waiting = [run for run in self.state.runs.values() if run.state in GOES_ON and run.id not in self._tasks]
        waiting.sort(key=lambda run: (run.state != "running", run.moved_at, run.queued_at))
        for run in waiting[: max(0, self._slots - len(self._tasks))]:
            task = self._group.create_task(self._work(run.id), name=run.id)
            self._tasks[run.id] = task
            self._walking.add(run.id)
            task.add_done_callback(partial(self._done, run.id))

    def _done(self, run: str, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(run, None)
        self._walking.discard(run)
        self._to_pause.discard(run)
        self._changed.set()

    async def _work(self, run: str) -> None:
        """Walk one run until it ends or parks; whatever stops it becomes a fact."""
        try:
            drafts = await self._walk_to_rest(run)
        finally:
            self._walking.discard(run)
        await self._record.append(drafts)
        if self.state.runs[run].state in OVER:
            await self._workplace.close_home(self._record.scribe(run))
        else:
            await self._workplace.freeze_home(run)

    async def _walk_to_rest(self, run: str) -> list[Draft]:
        """The facts that say how the walk came to rest."""
        place, scribe = self._workplace, self._record.scribe(run)
        now = self.state.runs[run]
        try:
            if now.state != "running":
                await self._move(run, RunMoved("running"))
            place.budget.enter(run, now.cap, now.burn.money)
            await place.thaw_home(run)
            await self._walk(Walk(place, scribe, HANDLERS, pausing=lambda: run in self._to_pause))
        except Ended as ended:
            moved = ended.moved
        except Parked as parked:
            return self._parked(run, parked)
        except ProviderHeld as held:
            moved = RunMoved("held", held.reason, held.why, held.retry_at)
        except CellError as trouble:
            later = place.now() + CELL_TROUBLE
            moved = RunMoved("held", "config", f"no cell to work in: {trouble}", later)
        except asyncio.CancelledError:
            if self._stopping.is_set() or run not in self._parking:
                raise
            moved = self._parking.pop(run)
        except Exception as bug:
            log.exception("run %s broke", run)
            moved = RunMoved("failed", None, f"a fault of ours: {type(bug).__name__}: {bug}")
        return [Draft(moved, run)]

    async def _walk(self, walk: Walk) -> NoReturn:
        """Walk on past cells that die: the next one is rebuilt from the last snapshot."""
        for _ in range(CELL_LIVES):
            try:
                await walk.go()
            except CellDied as died:
                await self._workplace.lose_home(walk.scribe, str(died))
        why = f"{CELL_LIVES} cells died under it, one after the other"
        raise Parked("jammed", why, question=Question("jam", why, ("stop",), jam="dead"))

    def _parked(self, run: str, parked: Parked) -> list[Draft]:
        drafts = [Draft(parked.moved, run)]
        if parked.question:
            asked = parked.question
            # Counted here: two runs may ask before either question is in the state.
            self._asked += 1
            number = escalation_id(self._asked)
            owner = self.state.runs[run].owner
            drafts.append(
                Draft(
                    EscalationRaised(number, asked.kind, asked.jam, owner, asked.text, asked.choices, asked.evidence),
                    run,
                )
            )
        return drafts

    async def _move(self, run: str, moved: RunMoved, actor: str = "engine") -> None:
        await self._record.append([Draft(moved, run, actor)])

    async def obey(self, actor: str, role: c.Role, identity: str, command: c.Command) -> str | None:
        """Take a command, or say why not: None once it is in the journal and under way, else the reason."""
        if not c.may(role, command):
            return f"a {role} may not {_verb(command)}; ask an {c.LEAST_ROLE[type(command)]}"
        await self._at_rest(_subject(command))
        # One at a time: the next is judged by a state that has this one.
        async with self._deciding:
            refusal, effect = self._judge(command)
            if refusal is not None:
                return refusal
            taken = Draft(CommandTaken(identity, command), _subject(command), actor)
            await self._record.append([taken, *effect(actor)])
            self._act(command)
        self._changed.set()
        return None

    async def _at_rest(self, run: str) -> None:
        """Let a run that has stopped walking come to rest: only then can anybody say what a command does to it."""
        while run in self._tasks and run not in self._walking:
            await asyncio.wait([self._tasks[run]])

    def _judge(self, command: c.Command) -> "tuple[str | None, Callable[[str], list[Draft]]]":
        """Why the command is refused, or the facts that come with it."""
        if isinstance(command, c.StartRun):
            opened = self._opening(command)
            if isinstance(opened, str):
                return opened, _nothing
            number = self.state.counts.get(opened.seed, 0) + 1
            return None, lambda actor: [Draft(opened, run_id(opened.seed, number), actor)]
        if isinstance(command, c.Answer):
            return self._judge_answer(command)
        if isinstance(command, c.EmergencyStop):
            return None, lambda actor: [Draft(FloorFrozen(), actor=actor)]
        if isinstance(command, c.Thaw):
            if not self.state.frozen:
                return "the floor is not frozen", _nothing
            return None, lambda actor: [Draft(FloorThawed(), actor=actor)]
        if isinstance(command, c.StopEngine):
            return None, _nothing
        return self._judge_run(command)

    def _judge_run(self, command: c.Pause | c.Resume | c.Stop) -> "tuple[str | None, Callable[[str], list[Draft]]]":
        run = self.state.runs.get(command.run)
        if run is None:
            return f"there is no run {command.run}; runs: {', '.join(self.state.runs) or 'none'}", _nothing
        if run.state in OVER:
            return f"{run.id} is {run.state}: it has ended", _nothing
        if isinstance(command, c.Resume):
            if run.state not in CAN_RESUME:
                return f"{run.id} is {run.state}, not paused or held", _nothing
            return None, lambda actor: [Draft(RunMoved("queued", None, f"resumed by {actor}"), run.id, actor)]
        if isinstance(command, c.Pause) and run.state not in GOES_ON:
            return f"{run.id} is {run.state} already", _nothing
        if run.id in self._tasks:
            return None, _nothing
        moved: RunState = "paused" if isinstance(command, c.Pause) else "stopped"
        why = "" if isinstance(command, c.Pause) else command.reason
        return None, lambda actor: [Draft(RunMoved(moved, None, why or f"by {actor}"), run.id, actor)]

    def _judge_answer(self, command: c.Answer) -> "tuple[str | None, Callable[[str], list[Draft]]]":
        asked = self.state.escalations.get(command.escalation)
        if asked is None:
            return f"there is no escalation {command.escalation}", _nothing
        if asked.answered_at:
            return f"{asked.id} was answered by {asked.answered_by}", _nothing
        if asked.choices and command.choice not in asked.choices:
            return f"{asked.id} offers: {', '.join(asked.choices)}", _nothing
        if not command.choice and not command.text.strip():
            return "an empty answer is no answer", _nothing
        answered = EscalationAnswered(asked.id, command.choice, command.text)
        back = RunMoved("queued", None, f"{asked.id} was answered")
        return None, lambda actor: [Draft(answered, asked.run, actor), Draft(back, asked.run, actor)]

    def _act(self, command: c.Command) -> None:
        """What a taken command does to tasks that are under way."""
        if isinstance(command, c.Pause) and command.run in self._tasks:
            if command.now:
                self._interrupt(command.run, RunMoved("paused", None, "paused now"))
            else:
                self._to_pause.add(command.run)
        elif isinstance(command, c.Stop):
            if command.run in self._tasks:
                self._interrupt(command.run, RunMoved("stopped", None, command.reason or "stopped by an operator"))
            elif self._group is not None:
                self._group.create_task(self._workplace.close_home(self._record.scribe(command.run)))
        elif isinstance(command, c.EmergencyStop):
            for run in list(self._walking):
                self._interrupt(run, RunMoved("queued", None, "emergency stop"))
        elif isinstance(command, c.StopEngine):
            self.stop("stopped by an operator")

    def _interrupt(self, run: str, moved: RunMoved) -> None:
        self._parking[run] = moved
        self._tasks[run].cancel()


def _nothing(_actor: str) -> list[Draft]:
    return []


def _verb(command: c.Command) -> str:
    return str(type(command).__struct_config__.tag).replace("-", " ")


def _subject(command: c.Command) -> str:
    return getattr(command, "run", "")


def can_go_on(state: State) -> bool:
    """Whether any run is under way, or comes back by itself."""
    return any(_can_go_on(run, frozen=state.frozen) for run in state.runs.values())


def _can_go_on(run: Run, *, frozen: bool) -> bool:
    return not frozen and (run.state in GOES_ON or (run.state == "held" and run.retry_at is not None))
