"""One run's walk through its loop: enter a node, run its handler, record how it ended, go where routing says.

The walk holds nothing that the state and the journal do not: parked, killed or cancelled, it begins again at the node
that was entered last. A node's end, the message on the edge, and the next node's entry are one commit.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import TypeVar

from factory_tui import pipeline
from factory_tui.agents.messages import as_prompted
from factory_tui.agents.protocol import Prompt, Watch
from factory_tui.cells.protocol import Cell, Entry, TreeUnfit
from factory_tui.config.reading import Mistakes
from factory_tui.config.recipe import Recipe
from factory_tui.config.seed import Seed
from factory_tui.domain.events import (
    AnyFact,
    EscalationAnswered,
    Event,
    JamClass,
    NodeEntered,
    NodeLeft,
    Noticed,
    PassEnded,
    SnapshotTaken,
)
from factory_tui.domain.hostile import one_line
from factory_tui.domain.scribe import Scribe
from factory_tui.domain.state import Pass, Run
from factory_tui.engine import drafting
from factory_tui.engine.beginning import planted
from factory_tui.engine.guarding import in_prose, look_through, watch_over
from factory_tui.engine.parking import Ended, Parked, Question
from factory_tui.engine.salvage import last, life_of, work_is_lost
from factory_tui.engine.workplace import Workplace
from factory_tui.harness.corpus import Corpus
from factory_tui.harness.hosting import TwinFault
from factory_tui.pipeline.graph import text_of
from factory_tui.pipeline.outcome import Outcome, Status

T = TypeVar("T")
Done = tuple[Outcome, list[AnyFact]]
"""What came of a node, and facts that belong in the same commit."""
Handler = Callable[["Walk", pipeline.Node], Awaitable[Done]]
ON_WORK = frozenset({"checkpoint", "tool", "harness", "drafts"})
"""Types of nodes that look at what the agent did."""


class Walk:
    """From wherever the run is to its end, unless something parks it."""

    def __init__(
        self, place: Workplace, scribe: Scribe, handlers: Mapping[str, Handler], asked: Callable[[], Parked | None]
    ) -> None:
        self.place = place
        self.scribe = scribe
        self._handlers = handlers
        self._asked = asked
        self._graph = pipeline.prepare(self.run.dot, self.run.loop, frozenset(handlers))
        self._began = time.monotonic()
        self._watch: Watch | None = None
        self._watched: tuple[str, ...] = ()
        """What the watch was made from: the corpus, the seed's revisions, and what was released."""

    @property
    def run(self) -> Run:
        """The run as it is now."""
        return self.place.record.state.runs[self.scribe.run]

    async def go(self) -> None:
        """Walk. Leaves by Ended or Parked only."""
        if not self.run.node:
            start = self._graph.start
            said = [*warnings(self._graph, f"loops/{self.run.loop}.dot"), *self._unused()]
            noticed = [Noticed("warning", one) for one in said]
            await self.scribe.record(*noticed, NodeEntered(start.id, start.handler, 1))
        while True:
            await self.gate()
            node = self._graph.nodes[self.run.node]
            if node.handler in ON_WORK and work_is_lost(self.run, await self.life()):
                await self._back_to_work(node)
                continue
            self._began = time.monotonic()
            outcome, facts = await self._handlers[node.handler](self, node)
            await self._leave(node, outcome, facts)

    def _unused(self) -> Iterator[str]:
        recipe = self.seed_at(self.run.revision).recipe
        yield from recipe.warnings()
        if self.place.cells.kind == "process" and (recipe.image or recipe.build):
            yield f"{recipe.file}: process cells have no image, so that the one asked for is not used"

    async def gate(self) -> None:
        """Where a run does what it was asked to: between steps and between nodes. Raises Parked."""
        if (parked := self._asked()) is not None:
            raise parked

    def leads_to(self, handler: str) -> bool:
        """Whether its loop has a node of this type."""
        return any(node.handler == handler for node in self._graph.nodes.values())

    def choices(self, node: pipeline.Node) -> tuple[str, ...]:
        """The labels that a human gate offers."""
        return tuple(choice.label for choice in pipeline.choices(self._graph, node.id))

    async def events(self, kinds: Collection[type[AnyFact]] = ()) -> list[Event]:
        """The run's events of these kinds, oldest first; all without kinds."""
        names = {str(kind.__struct_config__.tag) for kind in kinds}
        return await self.place.record.journal.events(run=self.run.id, kinds=names or None)

    async def life(self) -> list[Event]:
        """The run's events since it was last restarted: what the conversation of now knows of."""
        return life_of(await self.events())

    async def since_entry(self) -> list[Event]:
        """The run's events since it entered the node it is in."""
        entered = last(await self.events([NodeEntered]), NodeEntered)
        return await self.place.record.journal.events(after=entered, run=self.run.id)

    async def answered(self, jam: JamClass) -> bool:
        """Whether a question of that kind was answered since the node was entered."""
        said = [event.fact.id for event in await self.since_entry() if isinstance(event.fact, EscalationAnswered)]
        return any(self.place.record.state.escalations[one].jam == jam for one in said)

    async def home(self) -> Cell:
        """The run's cell; a new one has the work tree as it was last kept, or as the seed brings it.

        Raises Parked where a live model's commands would lose the fence that they began with, or a twin breaks.
        """
        run = self.run
        if run.ledger == "live" and not (run.unfenced or self.place.cells.fenced):
            why = (
                "the cells here have no fence, and its model is live. Remedy: start the Docker engine, then this engine"
            )
            raise Parked("held", f"{why} again.", reason="config")
        try:
            return await self.place.home(self.scribe, self.seed_at(run.revision), run.tree, self._beginning)
        except (TwinFault, Mistakes) as trouble:
            why = f"its agent's cell cannot have its twins: {one_line(str(trouble))}"
            raise Parked("held", f"{why}. Remedy: mend the twin, and resume.", reason="config") from trouble

    @property
    def recipe(self) -> Recipe:
        """What the cells of the pass under way are made from. Raises Parked."""
        return self.seed_at(self.run.revision).recipe

    def _beginning(self) -> list[Entry]:
        return planted((one.path, one.data) for one in self.seed_at(self.run.revision).attachments)

    async def watch(self) -> Watch:
        """Who sees what the agent is about to be told, and holds the run where that is the vault's."""
        return await self.watch_with(self.run.revision, self.run.corpus)

    async def watch_with(self, revision: str, corpus: str) -> Watch:
        """The same, of an agent that is about to be told of that revision, and is judged by that corpus."""
        run = self.run
        told = dict.fromkeys((revision, run.revision, *(item.revision for item in run.passes)))
        made_from = (corpus, *told, *run.released)
        if self._watch is None or self._watched != made_from:
            library = self.place.library
            hidden = self._kept(library.corpus_at(run.seed, corpus), f"scenarios {corpus}")
            self._watch = await watch_over(
                in_prose(hidden) if self.leads_to("drafts") else hidden,
                [self.seed_at(one) for one in told],
                [library.standards(), *([drafting.manual()] if self.leads_to("drafts") else [])],
                run.released,
            )
            self._watched = made_from
        return self._watch

    @property
    def corpus(self) -> Corpus:
        """The scenarios that the pass under way began with. Raises Parked."""
        run = self.run
        return self._kept(self.place.library.corpus_at(run.seed, run.corpus), f"scenarios {run.corpus}")

    def seed_at(self, revision: str) -> Seed:
        """The run's seed at a revision that it uses. Raises Parked."""
        return self._kept(self.place.library.seed_at(self.run.seed, revision), f"revision {revision}")

    def _kept(self, found: T | None, what: str) -> T:
        if found is None:
            why = f"{what} of seed {self.run.seed} is neither on disk nor kept in .factory/revisions"
            raise Parked("held", f"{why}. Remedy: restore it, or stop this run and start a new one.", reason="config")
        return found

    async def snapshot(self) -> str:
        """Take the work tree as the current pass's output; the commit. Raises TreeUnfit."""
        cell, current = await self.home(), self.current
        began = time.monotonic()
        entries = await cell.tree(self.place.snapshots.known(cell.id))
        await look_through(await self.watch(), entries)
        taken = await self.place.snapshots.take(
            entries,
            cell=cell.id,
            parent=next((item.commit for item in reversed(self.run.lived[:-1]) if item.commit), self.run.base),
            message=f"Pass {current.number} of {self.run.id}",
            at=self.place.now(),
        )
        seconds = time.monotonic() - began
        await self.scribe.record(
            SnapshotTaken(current.number, taken.commit, taken.tree, taken.files, taken.size, seconds)
        )
        return taken.commit

    @property
    def current(self) -> Pass:
        """The pass that is under way. Raises Parked for a loop that judges before it generates."""
        if self.run.current is None:
            raise Parked("held", f"loop {self.run.loop} reaches {self.run.node} before it generated", reason="config")
        return self.run.current

    async def _leave(self, node: pipeline.Node, outcome: Outcome, facts: list[AnyFact]) -> None:
        run, tally = self.run, self.run.nodes[node.id]
        attempt = tally.in_pass if node.handler == "checkpoint" else tally.attempt
        decided = pipeline.step(
            self._graph,
            node.id,
            outcome,
            context=run.context,
            outcomes={name: Status(one.status) for name, one in run.nodes.items() if one.status},
            attempt=attempt,
            visits={name: one.visits for name, one in run.nodes.items()},
            chance=random.random(),  # noqa: S311 -- spreads retries, no secret
        )
        if isinstance(decided, pipeline.Retry):
            await asyncio.sleep(decided.delay_ms / 1000)
            left = self._left(node, outcome, node.id, None)
            entered = NodeEntered(node.id, node.handler, tally.visits, tally.attempt + 1)
            await self.scribe.record(*facts, left, entered)
            return
        if isinstance(decided, pipeline.Finish):
            await self.scribe.record(*facts, self._left(node, outcome, "", decided.record))
            raise self._end(decided)
        target = self._graph.nodes[decided.target]
        if decided.ends_pass:
            facts = [*facts, *await self._pass_ended(node)]
        visit = run.nodes[target.id].visits + 1 if target.id in run.nodes else 1
        left = self._left(node, outcome, target.id, decided.record)
        await self.scribe.record(*facts, left, NodeEntered(target.id, target.handler, visit))

    async def _back_to_work(self, node: pipeline.Node) -> None:
        """Nothing of this pass is left to look at: the agent has to know first, whatever the edges say."""
        entered = [event.fact for event in await self.life() if isinstance(event.fact, NodeEntered)]
        agent = next(fact.node for fact in reversed(entered) if fact.handler == "codergen")
        tally = self.run.nodes
        why = "the cell was lost with this pass's work"
        left = NodeLeft(node.id, tally[node.id].visits, "retry", agent, seconds=0.0, why=why)
        await self.scribe.record(left, NodeEntered(agent, "codergen", tally[agent].visits + 1))

    async def _pass_ended(self, node: pipeline.Node) -> list[AnyFact]:
        """How the pass ends; without a snapshot where there can be none, which the agent is told."""
        told: list[AnyFact] = []
        try:
            commit = self.current.commit or await self.snapshot()
        except TreeUnfit as unfit:
            commit = ""
            words = f"Nothing of this pass could be kept: {unfit}\n\nRemove what does not belong in the work tree."
            prompt = Prompt("checkpoint", ({"type": "text", "text": words},))
            told = [as_prompted(node.id, prompt, self.place.redact, await self.watch())]
        its = self.current
        return [*told, PassEnded(its.number, commit, its.feedback, its.vault, its.ship_low, its.faults)]

    def _left(self, node: pipeline.Node, outcome: Outcome, to: str, remembered: Status | None) -> NodeLeft:
        before = self.run.context
        after = {key: text_of(value) for key, value in pipeline.updated_context(before, node, outcome).items()}
        return NodeLeft(
            node=node.id,
            visit=self.run.nodes[node.id].visits,
            status=outcome.status.value,
            to=to,
            seconds=time.monotonic() - self._began,
            why=outcome.failure_reason or outcome.notes,
            remembered=remembered.value if remembered else None,
            context={key: value for key, value in after.items() if before.get(key) != value},
        )

    def _end(self, finish: pipeline.Finish) -> Exception:
        if finish.success and self.run.shipped:
            return Ended("shipped", f"shipped to {self.run.shipped}")
        if finish.success:
            return Ended("failed", f"loop {self.run.loop} reached its exit without shipping")
        if finish.stalled:
            asked = Question("jam", finish.reason, ("stop",), jam="stalled")
            return Parked("jammed", finish.reason, question=asked)
        return Ended("failed", finish.reason)


def warnings(graph: pipeline.Graph, file: str) -> list[str]:
    """What lint says against a loop that may run, by file, line and column."""
    found = pipeline.lint(graph, frozenset())
    return [f"{file}:{one}" for one in found if one.severity is pipeline.Severity.WARNING]
