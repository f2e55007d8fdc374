"""Floor 1: Attractor pipelines: DOT grammar, graph, lint, stylesheet, conditions, routing.

Pure: text in, graphs and decisions out. It never runs a node, opens a file or waits for anything.
`prepare` gives a loop that may run; `step` says, after each node, what follows.
"""

from factory_tui.pipeline.diagnostics import Diagnostic, DotError, LoopError, Severity
from factory_tui.pipeline.grammar import parse
from factory_tui.pipeline.graph import Edge, Graph, Node
from factory_tui.pipeline.lint import lint
from factory_tui.pipeline.outcome import Outcome, Status
from factory_tui.pipeline.prepare import prepare
from factory_tui.pipeline.routing import Choice, Finish, Go, Retry, Step, choices, fan_in_of, step, updated_context

__all__ = [
    "Choice",
    "Diagnostic",
    "DotError",
    "Edge",
    "Finish",
    "Go",
    "Graph",
    "LoopError",
    "Node",
    "Outcome",
    "Retry",
    "Severity",
    "Status",
    "Step",
    "choices",
    "fan_in_of",
    "lint",
    "parse",
    "prepare",
    "step",
    "updated_context",
]
