"""Where a run goes after a node: another attempt, the next node, or the end (Attractor sections 3.2 to 3.7).

Pure and deterministic: the clock, the random number and what happened before come in as arguments.
Where the specification is silent or at odds with itself this fails closed; docs/decisions/0003-attractor-holes.md.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, structs

from factory_tui.pipeline.conditions import holds, read_condition
from factory_tui.pipeline.graph import Edge, Graph, Node, text_of
from factory_tui.pipeline.outcome import Outcome, Status
from factory_tui.pipeline.retry import backoff, max_attempts, wants_retry

DEFAULT_MAX_VISITS = 200

_ACCELERATOR = re.compile(r"\[([^\]]*)\]\s*|([A-Za-z0-9])\)\s*|([A-Za-z0-9])\s+-\s+")
_RESERVED = re.compile(r"outcome|preferred_label|current_node|graph\..*|internal\..*", re.DOTALL)


class Go(Struct, frozen=True, kw_only=True):
    """Walk on to `target`: along `edge`, or by a jump when it is None. `why` says which rule chose.

    `record` is the status to remember for the node just left; None: remember nothing. `ends_pass` says that
    the node closes the pass.
    """

    target: str
    edge: Edge | None
    why: str
    record: Status | None
    ends_pass: bool = False


class Retry(Struct, frozen=True):
    """Run the same node again after a delay."""

    delay_ms: float


class Finish(Struct, frozen=True, kw_only=True):
    """The run has reached an end. `stalled` tells one that went round too often from one that failed."""

    success: bool
    reason: str
    record: Status | None
    stalled: bool = False


class Choice(Struct, frozen=True):
    """What a human may answer at a gate: a key to press, the edge's label, and where it leads."""

    key: str
    label: str
    target: str


Step = Go | Retry | Finish


def step(
    graph: Graph,
    node_id: str,
    outcome: Outcome,
    *,
    context: Mapping[str, object],
    outcomes: Mapping[str, Status],
    attempt: int = 1,
    visits: Mapping[str, int] | None = None,
    chance: float = 0.5,
) -> Step:
    """Decide what follows one execution of a node.

    Args:
        graph: a prepared loop.
        node_id: the node that ran.
        outcome: what came of it. A conditional node passes on the outcome before it, which it takes from `context`.
        context: as it was before this node; `updated_context` gives the one after it.
        outcomes: the statuses remembered so far (`record` of earlier steps).
        attempt: which execution this was, from 1: of this visit, or for a checkpoint of this pass.
        visits: how often each node has been entered.
        chance: a random number in [0, 1) for the delay of a retry.
    """
    node = graph.nodes[node_id]
    attempts = max_attempts(graph, node)
    if wants_retry(node, outcome.status) and attempt < attempts:
        return Retry(backoff(graph, node).delay_ms(attempt, chance))
    if node.handler == "conditional":
        final, record = _passed_on(context), None
    else:
        final = _settled(node, outcome)
        record = None if final.status is Status.SKIPPED else final.status
    if node.handler == "exit":
        found = _leave(graph, outcomes)
    else:
        found = _route(graph, node, final, updated_context(context, node, final))
    if isinstance(found, str):
        return Finish(success=not found, reason=found or "the exit is reached", record=record)
    target, edge, why = found
    limit = graph.integer("max_visits") or DEFAULT_MAX_VISITS
    if (visits or {}).get(target, 0) >= limit:
        reason = f"{target} has been visited {limit} times"
        return Finish(success=False, reason=reason, record=record, stalled=True)
    failed_checkpoint = node.handler == "checkpoint" and not final.status.good and attempt >= attempts
    ends_pass = node.handler in {"harness", "drafts"} or failed_checkpoint
    return Go(target=target, edge=edge, why=why, record=record, ends_pass=ends_pass)


def select_edge(
    edges: Sequence[Edge], outcome: Outcome, context: Mapping[str, object], *, by_weight: bool = True
) -> tuple[Edge, str] | None:
    """The five steps of section 3.3: condition, preferred label, suggested id, weight, lexical order.

    Labels and ids are matched on unconditional edges only. Without `by_weight` the last two steps are left out.
    """
    if matched := [edge for edge in edges if edge.condition and holds(edge.condition, outcome, context)]:
        return _best(matched), "condition"
    free = [edge for edge in edges if not edge.condition]
    if wanted := normal_label(outcome.preferred_label):
        for edge in free:
            if normal_label(edge.label) == wanted:
                return edge, "preferred label"
    for suggested in outcome.suggested_next_ids:
        for edge in free:
            if edge.target == suggested:
                return edge, "suggested id"
    return (_best(free), "weight") if free and by_weight else None


def normal_label(label: str) -> str:
    """A label as it is compared: lower case, trimmed, without its accelerator (`[Y] `, `Y) `, `Y - `)."""
    label = label.strip()
    match = _ACCELERATOR.match(label)
    return (label[match.end() :] if match else label).strip().lower()


def choices(graph: Graph, node_id: str) -> tuple[Choice, ...]:
    """The answers that a human gate offers, in the order of its edges; a key that is taken becomes a number."""
    found: list[Choice] = []
    for number, edge in enumerate(graph.outgoing(node_id), 1):
        label = edge.label.strip() or edge.target
        match = _ACCELERATOR.match(label)
        key = next((group for group in match.groups() if group), "") if match else ""
        key = (key.strip() or label[0]).upper()
        if any(choice.key == key for choice in found):
            key = str(number)
        found.append(Choice(key, label, edge.target))
    return tuple(found)


def updated_context(context: Mapping[str, object], node: Node, outcome: Outcome) -> dict[str, object]:
    """The context after a node's last attempt, so that RETRY is told as what it came to.

    A conditional or skipped node changes nothing of the outcome that is passed on.
    Updates to the engine's own keys (outcome, preferred_label, current_node, graph.*, internal.*) are ignored.
    """
    allowed = {key: value for key, value in outcome.context_updates.items() if not _RESERVED.fullmatch(key)}
    merged = {**context, **allowed}
    if node.handler != "conditional" and outcome.status is not Status.SKIPPED:
        merged |= {"outcome": str(_settled(node, outcome).status), "preferred_label": outcome.preferred_label}
    return merged


def unsatisfied_gate(graph: Graph, outcomes: Mapping[str, Status]) -> Node | None:
    """The first goal gate of the graph that has not succeeded; one that was never visited has not."""
    for node in graph.nodes.values():
        if node.goal_gate and not (node.id in outcomes and outcomes[node.id].good):
            return node
    return None


def fan_in_of(graph: Graph, node_id: str) -> str | None:
    """The nearest fan-in that every branch of a parallel node can reach; None if there is none."""
    reached = [_distances(graph, edge.target) for edge in graph.outgoing(node_id)]
    joins = [
        (max(distances[node.id] for distances in reached), node.id)
        for node in graph.nodes.values()
        if node.handler == "parallel.fan_in" and reached and all(node.id in distances for distances in reached)
    ]
    return min(joins)[1] if joins else None


Found = tuple[str, Edge | None, str] | str
"""A target with its edge and the rule that chose it, or why the run ends here: empty for success."""


def _leave(graph: Graph, outcomes: Mapping[str, Status]) -> Found:
    gate = unsatisfied_gate(graph, outcomes)
    if gate is None:
        return ""
    for target in graph.retry_targets(gate, of_graph=True):
        return target, None, f"goal gate {gate.id}"
    return f"goal gate {gate.id} is not satisfied, and no retry target is set"


def _route(graph: Graph, node: Node, outcome: Outcome, context: Mapping[str, object]) -> Found:
    failed = outcome.status is Status.FAIL
    if node.handler == "parallel" and not failed:
        join = fan_in_of(graph, node.id)
        return (join, None, "fan-in") if join else f"the branches of {node.id} meet in no fan-in"
    edges = _eligible(graph, node, failed=failed)
    # A human's answer names its edge; no weight may stand in for it.
    if chosen := select_edge(edges, outcome, context, by_weight=node.handler != "wait.human"):
        return chosen[0].target, chosen[0], chosen[1]
    if failed:
        for target in graph.retry_targets(node, of_graph=False):
            return target, None, "retry target"
        return outcome.failure_reason or f"{node.id} failed"
    return f"no edge leaves {node.id} for outcome {outcome.status}"


def _eligible(graph: Graph, node: Node, *, failed: bool) -> list[Edge]:
    """The edges that may be taken: after a failure those that ask for the outcome, or lead to a decision."""
    edges = graph.outgoing(node.id)
    if node.handler == "parallel":
        return []
    if not failed or _decides(graph, node):
        return list(edges)
    return [
        edge
        for edge in edges
        if any(clause.key == "outcome" for clause in read_condition(edge.condition))
        or _decides(graph, graph.nodes.get(edge.target))
    ]


def _decides(graph: Graph, node: Node | None) -> bool:
    """Whether a node is a conditional with at least one condition to decide by."""
    return node is not None and node.handler == "conditional" and any(e.condition for e in graph.outgoing(node.id))


def _settled(node: Node, outcome: Outcome) -> Outcome:
    """What the last attempt counts as: RETRY has become FAIL, or partial success where that may be accepted."""
    if outcome.status is not Status.RETRY:
        return outcome
    if node.flag("allow_partial") and not node.goal_gate:
        return structs.replace(outcome, status=Status.PARTIAL_SUCCESS, notes="retries exhausted, partial accepted")
    return structs.replace(outcome, status=Status.FAIL, failure_reason=outcome.failure_reason or "max retries exceeded")


def _passed_on(context: Mapping[str, object]) -> Outcome:
    """The outcome before a conditional node; a context that holds none counts as a failure."""
    known = text_of(context.get("outcome"))
    status = Status(known) if known in set(Status) else Status.FAIL
    return Outcome(status=status, preferred_label=text_of(context.get("preferred_label")))


def _best(edges: Iterable[Edge]) -> Edge:
    return min(edges, key=lambda edge: (-edge.weight, edge.target))


def _distances(graph: Graph, start: str) -> dict[str, int]:
    seen = {start: 0}
    queue = [start]
    for node_id in queue:
        for edge in graph.outgoing(node_id):
            if edge.target not in seen:
                seen[edge.target] = seen[node_id] + 1
                queue.append(edge.target)
    return seen
