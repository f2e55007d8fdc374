"""The codergen node: a pass begins, the agent works in the run's cell until it says it is done.

What the agent is told comes from the edge (symptoms, a failed checkpoint) and is in the journal by then; only the first
message is written here.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from factory_tui.agents.messages import MessagesAgent, as_prompted
from factory_tui.agents.prompt import RULES, Attachment, seed_prompt, system_prompt
from factory_tui.agents.protocol import Origin, Prompt
from factory_tui.config.reading import Mistakes
from factory_tui.config.recipe import of_cell
from factory_tui.domain.events import (
    Answered,
    AnyFact,
    Disputed,
    EscalationAnswered,
    Event,
    JamClass,
    NodeEntered,
    PassBegan,
    Prompted,
    RungClimbed,
    RunRestarted,
    SnapshotTaken,
    ToolCalled,
)
from factory_tui.domain.hostile import one_line
from factory_tui.domain.questions import STOP
from factory_tui.domain.ratchet import below
from factory_tui.engine import drafting
from factory_tui.engine.beginning import is_code
from factory_tui.engine.differing import difference
from factory_tui.engine.forking import inherited
from factory_tui.engine.guarding import look_at_seed
from factory_tui.engine.orders import ways_on
from factory_tui.engine.packet import packet
from factory_tui.engine.parking import Parked, Question
from factory_tui.engine.salvage import Safekeeper, last, life_of, recovery, work_is_lost
from factory_tui.harness.doubt import doubted
from factory_tui.pipeline.outcome import Outcome, Status
from factory_tui.policy import jams
from factory_tui.policy.jams import SAID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_tui.domain.state import Run
    from factory_tui.engine.walk import Done, Walk
    from factory_tui.pipeline import Node

RESEEDED = (
    "What is wanted has changed. Go on from the work tree as it is, and make it do what the text says now. "
    "This is how it changed:\n\n"
)
LET_ON = "{by}, who looks after this run, was asked about it and says: go on.\n\n{hint}"
HINTS: dict[JamClass | None, str] = {
    "oscillating": "What you did again and again did not help: go about it in another way.",
    "dispute": "The story stands: nobody waives one. Do what it asks for, and note in README.md what it is against.",
    "contradiction": "Nobody decided it for you: take the plain reading of the request, and note it in README.md.",
}
"""What an agent that stopped hears by the class of its jam, where the answer had no words for it."""
CALLS_SHOWN = 6
"""Of the agent's newest tool calls."""


async def codergen(walk: Walk, node: Node) -> Done:
    """Let the agent work; success when it says that it is done."""
    run = walk.run
    if run.current is None or run.current.ended:
        await _look_back(walk)
        # The image first: a pass that has begun on one that cannot be built would not hear of its being mended.
        await walk.place.mould(walk.scribe, walk.seed_at(walk.run.reseed or run.revision).recipe)
        await _begin_pass(walk, node)
    cell = await walk.home()
    past = await walk.events()
    events = life_of(past)
    place, watch = walk.place, await walk.watch()
    model = place.models(walk.run)  # it may have climbed
    agent = MessagesAgent(place.door, model, run.ledger, place.settings.agent, place.redact, watch=watch)
    keeper = Safekeeper(walk, cell, watch, events)
    try:
        generated = await agent.generate(
            walk.scribe,
            cell,
            [event.fact for event in past],
            node=node.id,
            prompt=await _due(walk, node, events, cell.work),
            gate=walk.gate,
            heed=lambda: _said(walk.run),
            beside=keeper.beside,
        )
    finally:
        await keeper.settle()
    if generated.status == "circling":
        raise await _stuck(walk, "oscillating", generated.why)
    if generated.status == "disputes":
        jam, against = _against(run, generated.why)
        said = f"its agent {against}: {one_line(generated.why)}"
        raise await _stuck(walk, jam, said, Disputed(node.id, generated.why))
    status = Status.SUCCESS if generated.status == "success" else Status.FAIL
    return Outcome(status=status, failure_reason=generated.why), []


def _against(run: Run, said: str) -> tuple[JamClass, str]:
    """What a dispute is against: stories that failed, where it names them, else the request itself."""
    failed = run.measured.tallies.items() if run.measured else ()
    told = {name for name, kind in run.scenarios if kind == "feedback"}
    told &= {name for name, tally in failed if tally.unsatisfied}
    named = sorted(name for name in told if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", said))
    return ("dispute", f"disputes {', '.join(named)}") if named else ("contradiction", "finds a contradiction")


async def _begin_pass(walk: Walk, node: Node) -> None:
    """A pass uses the newest scenarios, and the revision it was re-seeded with unless that is taken back meanwhile."""
    revision, facts = "", list[AnyFact]()
    while revision != (walk.run.reseed or walk.run.revision):
        revision = walk.run.reseed or walk.run.revision
        facts = await _beginning(walk, node, revision)
    await walk.scribe.record(*facts)
    walk.place.budget.pass_began(walk.run.id)


async def _beginning(walk: Walk, node: Node, revision: str) -> list[AnyFact]:
    """How a pass with this revision of the seed begins: its agent is told what changed."""
    run, library = walk.run, walk.place.library
    try:
        corpus = library.corpus(run.seed)
    except Mistakes:  # there was a good one, and it is kept
        corpus = walk.corpus
    facts: list[AnyFact] = [
        PassBegan(len(run.passes) + 1, revision, corpus.hash, tuple((one.name, one.set) for one in corpus.scenarios))
    ]
    before, after = walk.seed_at(run.revision), walk.seed_at(revision)
    watch = await walk.watch_with(revision, corpus.hash)
    await look_at_seed(watch, after)
    if revision != run.revision and any(isinstance(event.fact, Prompted) for event in await walk.life()):
        told = Prompt("reseed", ({"type": "text", "text": RESEEDED + difference(before, after)},))
        facts.append(as_prompted(node.id, told, walk.place.redact, watch))
    return facts


async def _due(walk: Walk, node: Node, events: Sequence[Event], work: str) -> Prompt | None:
    """What is said to the agent now; None when the conversation goes on from where it is."""
    prompts = [event for event in events if isinstance(event.fact, Prompted)]
    if not prompts:
        return await _first(walk, node, work)
    if work_is_lost(walk.run, events):
        return recovery(walk.run, events)
    entered = last(events, NodeEntered)
    answered = last(events, Answered)
    if answered > prompts[-1].seq and (silent := _let_on(walk, events, answered)):
        return silent
    if answered > max(entered, prompts[-1].seq) or prompts[-1].seq > answered:
        return None
    return Prompt("seed", ({"type": "text", "text": node.prompt},))


def _let_on(walk: Walk, events: Sequence[Event], answered: int) -> Prompt | None:
    """What the agent hears that stopped in the middle of a pass, when somebody let it go on without a word."""
    given = [event.fact for event in events if event.seq > answered]
    asked = [walk.place.record.state.escalations[fact.id] for fact in given if isinstance(fact, EscalationAnswered)]
    if not asked or asked[-1].text or asked[-1].jam not in HINTS:
        return None
    text = LET_ON.format(by=asked[-1].answered_by, hint=HINTS[asked[-1].jam])
    return Prompt("answer", ({"type": "text", "text": text},))


def _said(run: Run) -> Prompt | None:
    """What people said since the agent was last told, as one message."""
    if not run.said:
        return None
    text = "\n\n".join(f"{one.by}, who looks after this run, says:\n{one.text.strip()}" for one in run.said)
    origin: Origin = "answer" if any(one.origin == "answer" for one in run.said) else "steer"
    return Prompt(origin, ({"type": "text", "text": text},), told=len(run.said))


async def _first(walk: Walk, node: Node, work: str) -> Prompt:
    seed, told = walk.seed_at(walk.run.revision), walk.place.library.standards()
    shown = [one for one in seed.attachments if not is_code(one.path) and not of_cell(one.path)]
    attachments, rules = [Attachment(one.path, one.data) for one in shown], RULES
    if walk.leads_to("drafts"):
        attachments, rules = [*attachments, *await asyncio.to_thread(drafting.briefing, walk)], drafting.RULES
    timeout = walk.place.settings.agent.command_timeout
    system = system_prompt(work, timeout=timeout, standards=told, rules=rules)
    left, wanting = await inherited(walk)
    prompt = seed_prompt(left + node.prompt.replace("$goal", seed.prose), attachments, system)
    return replace(prompt, content=(*prompt.content, *wanting))


async def _look_back(walk: Walk) -> None:
    """Whether another pass is worth it: a run that stalled may have it with the next model of its ladder.

    Raises Parked with a question to the owner where it is not.
    Whoever says something, answers a jam or has the seed changed is owed at least one more pass.
    """
    run = walk.run
    used_up = len(run.passes) >= run.max_passes
    if not used_up and (run.said or run.reseed or len(run.lived) < 2):
        return
    events = await walk.events((PassBegan, SnapshotTaken, EscalationAnswered))
    trees = {fact.number: fact.tree for fact in (event.fact for event in events) if isinstance(fact, SnapshotTaken)}
    feedback = {name for name, kind in run.scenarios if kind == "feedback"}
    table = walk.place.settings
    jam_of = partial(
        jams.classify,
        run.lived,
        feedback=feedback,
        trees=trees,
        stall_after=table.policy.stall_after,
        level=run.alpha / run.max_passes,
        doubted=doubted(run.flips, table.harness.judge_error, table.harness.judge_most),
    )
    if used_up:
        measured = run.measured
        share = f"{measured.vault.share:.0%} of the vault" if measured and measured.vault else "nothing measured"
        why = f"{len(run.passes)} passes are used up ({share} satisfied, {run.ship_at:.0%} wanted)"
        tried = jams.evidence(run.passes, feedback=feedback, trees=trees)
        told = await packet(walk, tried, jams.flat_since(run.passes))
        jam = jam_of()
        why = f"{why}; {jam.why}" if jam else why
        raise Parked("jammed", why, question=Question("jam", why, (STOP,), told, jam=jam.kind if jam else "stalled"))
    answered = [(event.seq, event.fact) for event in events if _answers_a_jam(walk, event)]
    if answered and answered[-1][0] > last(events, PassBegan):
        return
    await _ratchet(walk)
    silent = [seq for seq, fact in answered if isinstance(fact, EscalationAnswered) and not fact.text]
    rested = sum(isinstance(event.fact, PassBegan) and event.seq < silent[-1] for event in events) if silent else 0
    rested = max(rested, run.climbed)
    jam = jam_of(rested=rested)
    if jam is not None and jam.kind == "stalled" and run.rung_above:
        await walk.scribe.record(RungClimbed(run.model, run.rung_above, jam.why, jam.evidence))
    elif jam is not None:
        told = await packet(walk, jam.evidence, jam.since)
        question = Question("jam", jam.why, ways_on(run), told, jam=jam.kind)
        raise Parked("jammed", jam.why, question=question)


async def _ratchet(walk: Walk) -> None:
    """Go back to the best pass by itself, once in a run that may, when two passes in a row fell below it.

    Raises Parked for the run to begin anew from there.
    """
    run = walk.run
    wanted = walk.seed_at(run.revision).ratchet
    top = below(run, times=2)
    if top is None or not (walk.place.settings.policy.ratchet if wanted is None else wanted):
        return
    if any(isinstance(event.fact, RunRestarted) and event.fact.ratchet for event in await walk.events([RunRestarted])):
        return
    why = f"two passes in a row fell clearly below pass {top.number}, its best: it goes back to that"
    raise Parked("queued", why, facts=[RunRestarted(top.number, top.commit, ratchet=True)])


async def _stuck(walk: Walk, jam: JamClass, why: str, *facts: AnyFact) -> Parked:
    """A question to the owner in the middle of a pass, with the agent's newest calls."""
    called = [event.fact for event in await walk.life() if isinstance(event.fact, ToolCalled)]
    tried = "\n".join(f"  {one.tool}: {one_line(one.brief)[:SAID]}" for one in called[-CALLS_SHOWN:])
    told = f"its newest tool calls:\n{tried}" if tried else "it called no tool"
    question = Question("jam", why, ways_on(walk.run), await packet(walk, told, len(walk.run.passes) - 1), jam=jam)
    return Parked("jammed", why, question=question, facts=facts)


def _answers_a_jam(walk: Walk, event: Event) -> bool:
    if not isinstance(event.fact, EscalationAnswered):
        return False
    return walk.place.record.state.escalations[event.fact.id].kind == "jam"
