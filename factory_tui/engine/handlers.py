"""What each type of node does: one function a type, from a walk and a node to an outcome and facts to record with it.

A handler may be entered again after a kill, at the same visit: it looks at what the journal already has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory_tui.agents.messages import as_prompted
from factory_tui.agents.protocol import Prompt
from factory_tui.cells.protocol import CellDied
from factory_tui.domain.events import CellLacked, CheckpointRan, EscalationRaised
from factory_tui.domain.faults import words
from factory_tui.domain.hostile import clean_bytes, one_line
from factory_tui.engine.drafting import drafts
from factory_tui.engine.generating import codergen
from factory_tui.engine.judging import harness
from factory_tui.engine.parking import Parked, Question
from factory_tui.engine.shipping import ship
from factory_tui.pipeline import Outcome
from factory_tui.pipeline.outcome import Status

if TYPE_CHECKING:
    from factory_tui.engine.walk import Done, Handler, Walk
    from factory_tui.pipeline import Node

TIMEOUT = 300.0
"""Seconds a checkpoint or a tool may take where its node does not say."""
SHOWN = 6_000
"""Characters of a failed check's output that the agent is told."""


async def passed_through(_walk: Walk, _node: Node) -> Done:
    """Start, exit and conditional nodes do nothing themselves."""
    return Outcome(status=Status.SUCCESS), []


async def checkpoint(walk: Walk, node: Node) -> Done:
    """Run a named command in the run's cell; a failure is told to the agent on the edge back."""
    ran = await _command(walk, node)
    wanted_failure = node.text("expect") == "fail"
    passed = (ran.exit != 0) == wanted_failure
    fact = CheckpointRan(node.id, ran.command, ran.exit, ran.output, ran.seconds, passed)
    if passed:
        return Outcome(status=Status.SUCCESS), [fact]
    why = f"{node.label}: exit status {ran.exit}" + (", though it was to fail" if wanted_failure else "")
    told = (
        f"The checkpoint `{node.label}` failed with exit status {ran.exit}: `{one_line(ran.command)}`\n\n{ran.output}"
    )
    told += "".join(
        f"\n\nAn operator has the twin {twin} fail on purpose: it {words(one.fault)}. What fails by that alone is not "
        "asked of you, unless the request says that it has to be withstood."
        for twin, one in walk.run.faults.items()
        if twin in walk.seed_at(walk.run.revision).twins
    )
    prompt = Prompt("checkpoint", ({"type": "text", "text": told},))
    prompted = as_prompted(node.id, prompt, walk.place.redact, await walk.watch())
    return Outcome(status=Status.FAIL, failure_reason=why), [fact, prompted]


async def tool(walk: Walk, node: Node) -> Done:
    """Run a node's command in the run's cell; its exit status is the outcome."""
    ran = await _command(walk, node)
    fact = CheckpointRan(node.id, ran.command, ran.exit, ran.output, ran.seconds, ran.exit == 0)
    status = Status.SUCCESS if ran.exit == 0 else Status.FAIL
    updates = {"tool.output": ran.output}
    return Outcome(
        status=status, failure_reason=f"exit status {ran.exit}" if ran.exit else "", context_updates=updates
    ), [fact]


async def wait_human(walk: Walk, node: Node) -> Done:
    """Ask the owner, and go on along the edge that the answer names. Nothing but an answer opens this gate."""
    raised = [event.fact for event in await walk.since_entry() if isinstance(event.fact, EscalationRaised)]
    asked = [fact.id for fact in raised if fact.kind == "signoff"]
    answered = walk.place.record.state.escalations[asked[-1]] if asked else None
    if answered is None or not answered.answered_at:
        graph_choices = walk.choices(node)
        question = Question("signoff", node.text("prompt") or node.label, graph_choices)
        raise Parked("signoff", node.label, question=None if asked else question)
    return Outcome(status=Status.SUCCESS, preferred_label=answered.answer, notes=answered.text), []


async def _command(walk: Walk, node: Node) -> CheckpointRan:
    cell, watch = await walk.home(), await walk.watch()
    watch(f"the command of {node.label}", node.command)
    timeout = node.timeout_ms / 1000 if node.timeout_ms else TIMEOUT
    outcome = await cell.run(node.command, timeout=timeout, limit=SHOWN)
    if outcome.lost:
        raise CellDied(clean_bytes(outcome.stderr) or "the cell no longer knows the command")
    if outcome.lacked:
        told = [CellLacked(cell.id, lack.what, lack.limit, lack.where) for lack in outcome.lacked]
        await walk.scribe.record(*told)
    output = walk.place.redact(clean_bytes(outcome.stdout + outcome.stderr))
    if outcome.timed_out:
        output += f"\n(killed after {timeout:.0f} s)"
    watch(f"what {node.label} printed", output)
    output += "".join(f"\n({lack})" for lack in outcome.lacked)
    return CheckpointRan(node.id, node.command, outcome.exit, output, outcome.seconds, passed=False)


HANDLERS: dict[str, Handler] = {
    "start": passed_through,
    "exit": passed_through,
    "conditional": passed_through,
    "codergen": codergen,
    "checkpoint": checkpoint,
    "tool": tool,
    "harness": harness,
    "drafts": drafts,
    "ship": ship,
    "wait.human": wait_human,
}
