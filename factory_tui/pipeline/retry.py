"""How often and after how long a node is tried again (Attractor sections 3.5 and 3.6)."""

from collections.abc import Mapping

from msgspec import Struct

from factory_tui.pipeline.graph import Graph, Node
from factory_tui.pipeline.outcome import Status

JUDGING = frozenset({"harness", "drafts", "checkpoint", "ship", "wait.human", "start", "exit", "conditional"})
"""Handlers whose FAIL is an answer, not an accident: asking the same again would only be another draw."""


class Backoff(Struct, frozen=True):
    """Milliseconds before the first retry, growth for each further one, and how many attempts in all."""

    initial_ms: float
    factor: float
    attempts: int
    max_ms: float = 60_000

    def delay_ms(self, retry: int, chance: float) -> float:
        """The wait before a retry, counted from 1; `chance` in [0, 1) spreads it over 0.5 to 1.5 times its length."""
        # The exponent is bounded since the cap is reached long before a float overflows.
        delay: float = min(self.initial_ms * self.factor ** min(retry - 1, 64), self.max_ms)
        return delay * (0.5 + chance)


POLICIES: Mapping[str, Backoff] = {
    "none": Backoff(0, 1, 1),
    "standard": Backoff(200, 2, 5),
    "aggressive": Backoff(500, 2, 5),
    "linear": Backoff(500, 1, 3),
    "patient": Backoff(2_000, 3, 3),
}


def backoff(graph: Graph, node: Node) -> Backoff:
    """The node's `retry_policy`, else the graph's, else the standard one."""
    return POLICIES[node.text("retry_policy") or graph.text("retry_policy") or "standard"]


def max_attempts(graph: Graph, node: Node) -> int:
    """Executions in all, at least 1: `max_retries` + 1 of the node, its own policy's, or those of the graph.

    An explicit `max_retries=0` means one attempt whatever the graph says. The default is no retry.
    """
    own = node.integer("max_retries")
    if own is None and (policy := node.text("retry_policy")):
        return POLICIES[policy].attempts
    if own is None:
        own = graph.integer("default_max_retries")
    if own is None:
        own = graph.integer("default_max_retry")
    return max(own or 0, 0) + 1


def wants_retry(node: Node, status: Status) -> bool:
    """Whether an attempt that ended so is repeated in place while attempts are left."""
    return status is Status.RETRY or (status is Status.FAIL and node.handler not in JUDGING)
