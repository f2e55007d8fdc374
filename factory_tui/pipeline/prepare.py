"""From text to a loop that may run: parse, transform, check, in that order (Attractor sections 3.1 and 9.1)."""

from collections.abc import Callable, Sequence

from msgspec import structs

from factory_tui.pipeline.diagnostics import LoopError, Severity
from factory_tui.pipeline.grammar import parse
from factory_tui.pipeline.graph import Attr, Graph
from factory_tui.pipeline.lint import LintRule, lint
from factory_tui.pipeline.scan import ScanError
from factory_tui.pipeline.stylesheet import styled

Transform = Callable[[Graph], Graph]


def prepare(
    text: str,
    name: str,
    handlers: frozenset[str],
    transforms: Sequence[Transform] = (),
    rules: Sequence[LintRule] = (),
) -> Graph:
    """Read a loop and refuse it unless it can run; own transforms and rules come after the built-in ones.

    Raises DotError for text outside the grammar, else LoopError with every error found.
    """
    graph = parse(text, name)
    for transform in (expand_goal, _styled, *transforms):
        graph = transform(graph)
    errors = [found for found in lint(graph, handlers, rules) if found.severity is Severity.ERROR]
    if errors:
        raise LoopError(name, errors)
    return graph


def expand_goal(graph: Graph) -> Graph:
    """Put the graph's goal in the place of `$goal` in prompts. Without a goal it stays, for the seed to fill in."""
    if not graph.goal:
        return graph
    nodes = dict(graph.nodes)
    for node in graph.nodes.values():
        if prompt := node.attrs.get("prompt"):
            filled = Attr(node.text("prompt").replace("$goal", graph.goal), prompt.line, prompt.column)
            nodes[node.id] = structs.replace(node, attrs={**node.attrs, "prompt": filled})
    return structs.replace(graph, nodes=nodes)


def _styled(graph: Graph) -> Graph:
    try:
        return styled(graph)
    except ScanError:
        return graph  # the rule stylesheet_syntax reports it, together with everything else
