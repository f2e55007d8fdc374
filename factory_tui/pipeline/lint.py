"""The lint rules of Attractor section 7.2. A rule takes a graph and the known handler types, and yields diagnostics.

What the factory asks on top is in `house_rules`.
"""

from collections.abc import Callable, Iterator, Sequence

from factory_tui.pipeline.conditions import read_condition
from factory_tui.pipeline.diagnostics import Diagnostic, Severity
from factory_tui.pipeline.graph import FIDELITIES, Attributed, Graph
from factory_tui.pipeline.house_rules import HOUSE_RULES
from factory_tui.pipeline.report import report
from factory_tui.pipeline.scan import ScanError
from factory_tui.pipeline.stylesheet import read_stylesheet

LintRule = Callable[[Graph, frozenset[str]], Iterator[Diagnostic]]
Found = Iterator[Diagnostic]


def lint(graph: Graph, handlers: frozenset[str], rules: Sequence[LintRule] = ()) -> list[Diagnostic]:
    """Every finding of every rule, own `rules` last, errors first and then in the order of the text."""
    weight = list(Severity)
    found = [diagnostic for rule in (*SPEC_RULES, *HOUSE_RULES, *rules) for diagnostic in rule(graph, handlers)]
    return sorted(found, key=lambda d: (weight.index(d.severity), d.line, d.column))


def start_node(graph: Graph, _: frozenset[str]) -> Found:
    """Exactly one start node."""
    yield from _exactly_one(graph, "start_node", "start", "start [shape=Mdiamond]")


def terminal_node(graph: Graph, _: frozenset[str]) -> Found:
    """Exactly one exit node."""
    yield from _exactly_one(graph, "terminal_node", "exit", "exit [shape=Msquare]")


def _exactly_one(graph: Graph, rule: str, handler: str, example: str) -> Found:
    nodes = [node for node in graph.nodes.values() if node.handler == handler]
    if not nodes:
        yield report(rule, f"the loop has no {handler} node", graph, fix=f"add: {example}")
    for extra in nodes[1:]:
        message = f"{extra.id} is a second {handler} node beside {nodes[0].id}"
        yield report(rule, message, extra, fix="keep one of the two")


def reachability(graph: Graph, _: frozenset[str]) -> Found:
    """Every node is reachable from the start, along edges or by a retry target."""
    queue = [node.id for node in graph.nodes.values() if node.handler == "start"]
    if not queue:
        return
    ways: dict[str, list[str]] = {
        node.id: list(graph.retry_targets(node, of_graph=True)) for node in graph.nodes.values()
    }
    for edge in graph.edges:
        ways.setdefault(edge.source, []).append(edge.target)
    seen = set(queue)
    for node_id in queue:
        fresh = [target for target in dict.fromkeys(ways.get(node_id, ())) if target not in seen]
        seen.update(fresh)
        queue += fresh
    for node in graph.nodes.values():
        if node.id not in seen:
            message = f"{node.id} cannot be reached from the start"
            yield report("reachability", message, node, fix=f"add an edge to {node.id}, or delete it")


def edge_target_exists(graph: Graph, _: frozenset[str]) -> Found:
    """Both ends of every edge are declared nodes."""
    for edge in graph.edges:
        for end in dict.fromkeys((edge.source, edge.target)):
            if end not in graph.nodes:
                message = f"the edge {edge.source} -> {edge.target} names {end}, which is declared nowhere"
                yield report("edge_target_exists", message, edge, fix=f"declare it: {end} [...]")


def start_no_incoming(graph: Graph, _: frozenset[str]) -> Found:
    """No edge leads to the start."""
    for edge in graph.edges:
        target = graph.nodes.get(edge.target)
        if target and target.handler == "start":
            yield report("start_no_incoming", f"{edge.source} leads back to the start", edge)


def exit_no_outgoing(graph: Graph, _: frozenset[str]) -> Found:
    """No edge leaves the exit."""
    for edge in graph.edges:
        source = graph.nodes.get(edge.source)
        if source and source.handler == "exit":
            yield report("exit_no_outgoing", f"an edge leaves the exit for {edge.target}", edge)


def condition_syntax(graph: Graph, _: frozenset[str]) -> Found:
    """Every condition parses."""
    for edge in graph.edges:
        try:
            read_condition(edge.condition)
        except ScanError as error:
            yield _in_text("condition_syntax", "condition", edge, error)


def stylesheet_syntax(graph: Graph, _: frozenset[str]) -> Found:
    """The model stylesheet parses."""
    try:
        read_stylesheet(graph.text("model_stylesheet"))
    except ScanError as error:
        yield _in_text("stylesheet_syntax", "model_stylesheet", graph, error)


def _in_text(rule: str, key: str, about: Attributed, error: ScanError) -> Diagnostic:
    message = f"{key}: expected {error.expected}, found {error.found}, at its line {error.line}, column {error.column}"
    return report(rule, message, about, key=key)


def type_known(graph: Graph, handlers: frozenset[str]) -> Found:
    """Every node has a handler. An error here: the specification lets a misspelt type become a model's word."""
    for node in graph.nodes.values():
        if node.handler not in handlers:
            fix = f"one of: {', '.join(sorted(handlers))}"
            yield report("type_known", f"nothing here runs a node of type {node.handler!r}", node, key="type", fix=fix)


def fidelity_valid(graph: Graph, _: frozenset[str]) -> Found:
    """Fidelity modes are known."""
    asked: list[tuple[Attributed, str]] = [(graph, "default_fidelity")]
    asked += [(item, "fidelity") for item in (*graph.nodes.values(), *graph.edges)]
    for item, key in asked:
        if item.text(key) not in {"", *FIDELITIES}:
            message = f"{key} is {item.text(key)!r}"
            fix = f"one of: {', '.join(FIDELITIES)}"
            yield report("fidelity_valid", message, item, key=key, severity=Severity.WARNING, fix=fix)


def retry_target_exists(graph: Graph, _: frozenset[str]) -> Found:
    """Retry targets are declared nodes."""
    for item in (graph, *graph.nodes.values()):
        for key in ("retry_target", "fallback_retry_target"):
            if item.text(key) and item.text(key) not in graph.nodes:
                message = f"{key} names {item.text(key)}, which is declared nowhere"
                yield report("retry_target_exists", message, item, key=key, severity=Severity.WARNING)


def goal_gate_has_retry(graph: Graph, _: frozenset[str]) -> Found:
    """A goal gate says where to go when it stays shut."""
    for node in graph.nodes.values():
        if node.text("goal_gate") == "true" and not graph.retry_targets(node, of_graph=True):
            message = f"the goal gate {node.id} has no retry_target: a run that reaches the exit without it fails"
            yield report("goal_gate_has_retry", message, node, severity=Severity.WARNING)


def prompt_on_llm_nodes(graph: Graph, _: frozenset[str]) -> Found:
    """A stage for a model has something to say to it."""
    for node in graph.nodes.values():
        if node.handler == "codergen" and not (node.text("prompt") or node.text("label")):
            message = f"{node.id} has neither prompt nor label: the model would be told {node.id!r}"
            yield report("prompt_on_llm_nodes", message, node, severity=Severity.WARNING, fix='add prompt="..."')


SPEC_RULES: tuple[LintRule, ...] = (
    start_node,
    terminal_node,
    reachability,
    edge_target_exists,
    start_no_incoming,
    exit_no_outgoing,
    condition_syntax,
    stylesheet_syntax,
    type_known,
    fidelity_valid,
    retry_target_exists,
    goal_gate_has_retry,
    prompt_on_llm_nodes,
)
