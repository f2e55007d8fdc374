"""Lint rules that the factory adds to those of the specification: what would fail open, or in the middle of a run."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches

from factory_tui.pipeline.diagnostics import Diagnostic, Severity
from factory_tui.pipeline.graph import SHAPES, Attributed, AttributeTypeError, Graph
from factory_tui.pipeline.report import report
from factory_tui.pipeline.retry import POLICIES
from factory_tui.pipeline.routing import fan_in_of

Found = Iterator[Diagnostic]

FLAGS = ("goal_gate", "auto_status", "allow_partial", "loop_restart")
NUMBERS = ("max_retries", "default_max_retries", "default_max_retry", "weight", "max_visits", "max_parallel")
TIMES = ("timeout", "manager.poll_interval")
MISTAKEN = {
    "model": "llm_model",
    "provider": "llm_provider",
    "retries": "max_retries",
    "max_retry": "max_retries",
    "goalgate": "goal_gate",
    "goal_gates": "goal_gate",
    "is_goal_gate": "goal_gate",
    "cond": "condition",
    "conditions": "condition",
}


KNOWN = frozenset(
    {
        *FLAGS,
        *NUMBERS,
        *TIMES,
        "label",
        "goal",
        "shape",
        "type",
        "prompt",
        "class",
        "condition",
        "command",
        "tool_command",
        "expect",
        "to",
        "model_stylesheet",
        "llm_model",
        "llm_provider",
        "reasoning_effort",
        "retry_target",
        "fallback_retry_target",
        "retry_policy",
        "fidelity",
        "default_fidelity",
        "thread_id",
        "join_policy",
        "human.default_choice",
        "manager.max_cycles",
        "manager.stop_condition",
        "manager.actions",
        "stack.child_dotfile",
        "stack.child_workdir",
        "stack.child_autostart",
        "tool_hooks.pre",
        "tool_hooks.post",
    }
)
"""Attributes that mean something to the specification or to the factory."""
DRAWN = frozenset({"height", "lheight", "labelloc", "labelURL", "xlabel", "stylesheet"})
"""Graphviz's own that look like a misspelt one of those."""
ALIKE = 0.75
"""Likeness, of 1, from which on a name is taken for a misspelt one: attributes of one's own are allowed."""


def attribute_type(graph: Graph, _: frozenset[str]) -> Found:
    """Attributes with a type hold that type; a time without its unit is neither seconds nor milliseconds."""
    for item in _items(graph):
        readers: list[tuple[tuple[str, ...], Callable[[str], object]]] = [
            (FLAGS, item.flag),
            (NUMBERS, item.integer),
            (TIMES, item.milliseconds),
        ]
        for keys, read in readers:
            for key in keys:
                try:
                    value = read(key)
                except AttributeTypeError as fault:
                    yield report("attribute_type", str(fault), item, key=key)
                    continue
                if keys is NUMBERS and key != "weight" and isinstance(value, int) and value < 0:
                    yield report("attribute_type", f"{key} must not be negative", item, key=key)
        if item.text("retry_policy") not in {"", *POLICIES}:
            fix = f"one of: {', '.join(POLICIES)}"
            message = f"retry_policy is {item.text('retry_policy')!r}"
            yield report("attribute_type", message, item, key="retry_policy", fix=fix)


def attribute_name(graph: Graph, _: frozenset[str]) -> Found:
    """Attributes may be freely added, so a known one under a wrong name would silently do nothing."""
    seen = set()  # a default stands on every node that it is for
    for item in _items(graph):
        for key in item.attrs.keys() - KNOWN - DRAWN:
            place = item.attrs[key].line, item.attrs[key].column
            alike = get_close_matches(key.lower(), KNOWN, 1, ALIKE)
            meant = MISTAKEN.get(key) or (alike[0] if alike else "")
            if meant and place not in seen:
                seen.add(place)
                message = f"the attribute {key!r} does nothing"
                fix = f"{meant!r} is what it is called"
                yield report("attribute_name", message, item, key=key, severity=Severity.WARNING, fix=fix)


def shape_known(graph: Graph, _: frozenset[str]) -> Found:
    """A shape without a meaning runs as a model's task."""
    for node in graph.nodes.values():
        if node.shape not in SHAPES and not node.text("type"):
            message = f"the shape {node.shape!r} stands for no handler, so {node.id} runs as {node.handler}"
            yield report("shape_known", message, node, key="shape", severity=Severity.WARNING)


def goal_gate_earned(graph: Graph, _: frozenset[str]) -> Found:
    """A goal gate that opens by itself is none."""
    for node in graph.nodes.values():
        if node.text("goal_gate") != "true":
            continue
        if node.text("auto_status") == "true":
            message = f"the goal gate {node.id} opens without any status (auto_status)"
            yield report("goal_gate_earned", message, node, key="auto_status", severity=Severity.WARNING)
        if node.text("allow_partial") == "true":
            message = f"allow_partial has no effect on the goal gate {node.id}"
            yield report("goal_gate_earned", message, node, key="allow_partial", severity=Severity.WARNING)
        if node.handler == "codergen":
            message = f"the goal gate {node.id} opens on whatever its model answers"
            fix = "put the gate on a checkpoint or a harness"
            yield report("goal_gate_earned", message, node, key="goal_gate", severity=Severity.WARNING, fix=fix)


def dead_end(graph: Graph, _: frozenset[str]) -> Found:
    """A run that reaches a node without a way out fails there."""
    leaving = {edge.source for edge in graph.edges}
    for node in graph.nodes.values():
        if node.id not in leaving and node.handler != "exit":
            message = f"no edge leaves {node.id}: a run that gets there fails"
            yield report("dead_end", message, node, severity=Severity.WARNING)


def decision_has_condition(graph: Graph, _: frozenset[str]) -> Found:
    """A conditional node decides by the conditions on its edges."""
    for node in graph.nodes.values():
        if node.handler == "conditional" and not any(edge.condition for edge in graph.outgoing(node.id)):
            message = f"no edge of {node.id} has a condition, so it decides nothing and no failure passes it"
            yield report("decision_has_condition", message, node, severity=Severity.WARNING)


def parallel_joins(graph: Graph, _: frozenset[str]) -> Found:
    """The branches of a parallel node meet again."""
    for node in graph.nodes.values():
        if node.handler == "parallel" and fan_in_of(graph, node.id) is None:
            message = f"the branches of {node.id} meet in no fan-in"
            fix = "lead each branch to one node with shape=tripleoctagon"
            yield report("parallel_joins", message, node, fix=fix)


def command_given(graph: Graph, _: frozenset[str]) -> Found:
    """A node that runs a command has one."""
    for node in graph.nodes.values():
        if node.handler in {"checkpoint", "tool"} and not node.command.strip():
            key = "tool_command" if node.handler == "tool" else "command"
            yield report("command_given", f"{node.id} has nothing to run", node, fix=f'add {key}="..."')
        if node.handler == "checkpoint" and node.text("expect") not in {"", "success", "fail"}:
            message = f"expect is {node.text('expect')!r}"
            yield report("command_given", message, node, key="expect", fix="success or fail")


def ship_to(graph: Graph, _: frozenset[str]) -> Found:
    """A ship node hands over, and promotes to a place that is known."""
    for node in graph.nodes.values():
        if node.handler == "ship" and node.text("to") not in {"", "twins"}:
            message = f"to is {node.text('to')!r}"
            yield report("ship_to", message, node, key="to", fix='"twins", or nothing')


def ship_behind_harness(graph: Graph, _: frozenset[str]) -> Found:
    """No way from the start to a ship node avoids every harness, and the harness is a goal gate."""
    queue = [node.id for node in graph.nodes.values() if node.handler == "start"]
    seen = set(queue)
    for node_id in queue:
        node = graph.nodes[node_id]
        if node.handler == "harness":
            if node.text("goal_gate") != "true":
                message = f"the harness {node.id} is no goal gate: a run may end without it"
                yield report("ship_behind_harness", message, node, severity=Severity.WARNING, fix="goal_gate=true")
            continue
        if node.handler == "ship":
            message = f"{node.id} can be reached without a harness"
            yield report("ship_behind_harness", message, node, fix="lead to it from a harness that succeeded")
        targets = [edge.target for edge in graph.outgoing(node_id)]
        for target in (*targets, *graph.retry_targets(node, of_graph=True)):
            if target in graph.nodes and target not in seen:
                seen.add(target)
                queue.append(target)


def _items(graph: Graph) -> Iterator[Attributed]:
    yield graph
    yield from graph.nodes.values()
    yield from graph.edges


HOUSE_RULES = (
    attribute_type,
    attribute_name,
    shape_known,
    goal_gate_earned,
    dead_end,
    decision_has_condition,
    parallel_joins,
    command_given,
    ship_to,
    ship_behind_harness,
)
