"""A loop as data: graph, nodes, edges and their typed attributes (Attractor sections 2.5 to 2.8 and 5.4).

It knows what attributes mean; not how they are written, checked or walked.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from factory_tui.pipeline.scan import INTEGER

SHAPES: Mapping[str, str] = {
    "Mdiamond": "start",
    "Msquare": "exit",
    "box": "codergen",
    "hexagon": "wait.human",
    "diamond": "conditional",
    "component": "parallel",
    "tripleoctagon": "parallel.fan_in",
    "parallelogram": "tool",
    "house": "stack.manager_loop",
}
FIDELITIES = ("full", "truncate", "compact", "summary:low", "summary:medium", "summary:high")

_IDS = {"start": "start", "Start": "start", "exit": "exit", "end": "exit"}
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(-?[0-9]{1,12})(ms|s|m|h|d)")


class Duration(Struct, frozen=True):
    """A length of time as it was written."""

    text: str
    milliseconds: int

    @classmethod
    def read(cls, text: str) -> "Duration | None":
        """`900s`, `15m`, `2h`, `250ms`, `1d`; None for anything else, a number without a unit included."""
        match = _DURATION.fullmatch(text)
        return cls(text, int(match[1]) * _UNITS[match[2]]) if match else None


Value = str | int | float | bool | Duration


class Attr(Struct, frozen=True):
    """One attribute's value, and where its text starts."""

    value: Value
    line: int
    column: int


class AttributeTypeError(ValueError):
    """An attribute's value is not of the type that its key has."""

    def __init__(self, key: str, attr: Attr, expected: str) -> None:
        super().__init__(f"{key} must be {expected}, not {text_of(attr.value)!r}")
        self.key = key
        self.attr = attr
        self.expected = expected


def text_of(value: object) -> str:
    """A value as conditions compare it and people read it: true/false for booleans, nothing for None."""
    if isinstance(value, Duration):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


class Attributed(Struct, frozen=True, kw_only=True):
    """Something with attributes and a place in the text. A quoted value counts as the type its key wants."""

    attrs: Mapping[str, Attr]
    line: int
    column: int

    def text(self, key: str) -> str:
        """The attribute as text; empty when unset."""
        attr = self.attrs.get(key)
        return "" if attr is None else text_of(attr.value)

    def integer(self, key: str) -> int | None:
        """The attribute as a whole number; None when unset; raises AttributeTypeError."""
        attr = self.attrs.get(key)
        if attr is None:
            return None
        if not INTEGER.fullmatch(text_of(attr.value)):
            raise AttributeTypeError(key, attr, "a whole number")
        return int(text_of(attr.value))

    def flag(self, key: str) -> bool:
        """The attribute as true or false; false when unset; raises AttributeTypeError."""
        attr = self.attrs.get(key)
        if attr is None:
            return False
        if text_of(attr.value) not in {"true", "false"}:
            raise AttributeTypeError(key, attr, "true or false")
        return text_of(attr.value) == "true"

    def milliseconds(self, key: str) -> int | None:
        """The attribute as a time in milliseconds; None when unset; raises AttributeTypeError."""
        attr = self.attrs.get(key)
        if attr is None:
            return None
        duration = Duration.read(text_of(attr.value))
        if duration is None or duration.milliseconds <= 0:
            raise AttributeTypeError(key, attr, "a time above zero with its unit, like 900s, 15m or 250ms")
        return duration.milliseconds


class Node(Attributed, frozen=True, kw_only=True):
    """A stage of a loop. `derived` holds the classes of the subgraphs around it, outermost first."""

    id: str
    derived: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Its name for people."""
        return self.text("label") or self.id

    @property
    def shape(self) -> str:
        """Its Graphviz shape."""
        return self.text("shape") or "box"

    @property
    def handler(self) -> str:
        """What runs it: its type, else what its shape or its id (start, Start, exit, end) stands for, else codergen."""
        if self.text("type"):
            return self.text("type")
        if self.shape in SHAPES and self.shape != "box":
            return SHAPES[self.shape]
        return _IDS.get(self.id, "codergen")

    @property
    def prompt(self) -> str:
        """Its instruction; its label where it has none."""
        return self.text("prompt") or self.label

    @property
    def command(self) -> str:
        """What a checkpoint or a tool runs."""
        return self.text("tool_command" if self.handler == "tool" else "command")

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes for the model stylesheet."""
        own = (name.strip() for name in self.text("class").split(","))
        return (*self.derived, *(name for name in own if name))

    @property
    def goal_gate(self) -> bool:
        """Whether the run can only succeed once it has."""
        return self.flag("goal_gate")

    @property
    def timeout_ms(self) -> int | None:
        """How long it may run."""
        return self.milliseconds("timeout")


class Edge(Attributed, frozen=True, kw_only=True):
    """A way from one node to another."""

    source: str
    target: str

    @property
    def label(self) -> str:
        """Its caption, which is also what a preferred label is matched with."""
        return self.text("label")

    @property
    def condition(self) -> str:
        """Its guard; empty for an unconditional edge."""
        return self.text("condition").strip()

    @property
    def weight(self) -> int:
        """Its priority; higher wins."""
        return self.integer("weight") or 0

    @property
    def loop_restart(self) -> bool:
        """Whether taking it starts the run anew at its target."""
        return self.flag("loop_restart")


class Graph(Attributed, frozen=True, kw_only=True):
    """A loop. `name` is its file's, for messages; nodes and edges stand in the order of the text."""

    name: str
    id: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]

    @property
    def goal(self) -> str:
        """What `$goal` stands for."""
        return self.text("goal")

    @property
    def start(self) -> Node:
        """The first start node; raises LookupError in a graph that lint refuses for having none."""
        for node in self.nodes.values():
            if node.handler == "start":
                return node
        raise LookupError(f"{self.name} has no start node")

    def outgoing(self, node_id: str) -> tuple[Edge, ...]:
        """The edges that leave a node."""
        return tuple(edge for edge in self.edges if edge.source == node_id)

    def retry_targets(self, node: Node, *, of_graph: bool) -> tuple[str, ...]:
        """The existing nodes to jump to when `node` failed, best first; with those of the graph where asked."""
        keys = ("retry_target", "fallback_retry_target")
        named = [node.text(key) for key in keys] + [self.text(key) for key in keys if of_graph]
        return tuple(target for target in named if target in self.nodes)

    def fidelity(self, node: Node, edge: Edge | None) -> str:
        """How much context `node` is given when entered by `edge` (section 5.4)."""
        asked = edge.text("fidelity") if edge else ""
        return asked or node.text("fidelity") or self.text("default_fidelity") or "compact"

    def thread(self, node: Node, edge: Edge | None, previous: str) -> str:
        """The key of the conversation that `node` goes on with under `full` fidelity (section 5.4)."""
        named = node.text("thread_id") or (edge.text("thread_id") if edge else "") or self.text("thread_id")
        return named or (node.derived[-1] if node.derived else previous)
