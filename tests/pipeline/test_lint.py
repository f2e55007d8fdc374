"""The lint rules: each finds its fault, names the place and the remedy, and leaves sound loops alone."""

from collections.abc import Iterator

import pytest

from factory_tui.pipeline import Diagnostic, Graph, LoopError, Severity, lint, prepare
from factory_tui.pipeline.report import report
from tests.pipeline.loops import HANDLERS, loop

SMOKE = """
digraph test_pipeline {
    graph [goal="Create a hello world Python script"]

    start       [shape=Mdiamond]
    plan        [shape=box, prompt="Plan how to create a hello world script for: $goal"]
    implement   [shape=box, prompt="Write the code based on the plan", goal_gate=true]
    review      [shape=box, prompt="Review the code for correctness"]
    done        [shape=Msquare]

    start -> plan
    plan -> implement
    implement -> review [condition="outcome=success"]
    implement -> plan   [condition="outcome=fail", label="Retry"]
    review -> done      [condition="outcome=success"]
    review -> implement [condition="outcome=fail", label="Fix"]
}
"""

BRANCH = """
digraph Branch {
    graph [goal="Implement and validate a feature"]
    rankdir=LR
    node [shape=box, timeout="900s"]

    start     [shape=Mdiamond, label="Start"]
    exit      [shape=Msquare, label="Exit"]
    plan      [label="Plan", prompt="Plan the implementation"]
    implement [label="Implement", prompt="Implement the plan"]
    validate  [label="Validate", prompt="Run tests"]
    gate      [shape=diamond, label="Tests passing?"]

    start -> plan -> implement -> validate -> gate
    gate -> exit      [label="Yes", condition="outcome=success"]
    gate -> implement [label="No", condition="outcome!=success"]
}
"""


@pytest.mark.parametrize("text", [SMOKE, BRANCH])
def test_the_specifications_own_loops_run_here(text: str) -> None:
    assert prepare(text, "spec.dot", HANDLERS).goal


PATH = "start -> a -> exit a [prompt=do]"
GATE = f"{PATH} a [type=harness, goal_gate=true, retry_target=a]"


@pytest.mark.parametrize(
    ("rule", "severity", "about", "body", "ends"),
    [
        ("start_node", "error", "", "exit", ""),
        ("start_node", "error", "Start", "start -> exit Start -> exit Start", "start exit"),
        ("terminal_node", "error", "", "start", ""),
        ("terminal_node", "error", "end", "start -> exit start -> end end", "start exit"),
        ("reachability", "error", "lost", f"{PATH} lost [prompt=x] lost -> exit", None),
        ("edge_target_exists", "error", ("a", "b"), f"{PATH} a -> b", None),
        ("edge_target_exists", "error", ("b", "a"), f"{PATH} b -> a", None),
        ("start_no_incoming", "error", ("a", "start"), f"{PATH} a -> start", None),
        ("exit_no_outgoing", "error", ("exit", "a"), f"{PATH} exit -> a", None),
        ("condition_syntax", "error", ("a", "exit"), f'{PATH} a -> exit [condition="outcome is fine"]', None),
        ("condition_syntax", "error", ("a", "exit"), f"{PATH} a -> exit [condition=outcome]", None),
        ("stylesheet_syntax", "error", "", f'{PATH} model_stylesheet="box {{ color: red }}"', None),
        ("type_known", "error", "a", f"{PATH} a [type=harnes]", None),
        ("fidelity_valid", "warning", "a", f"{PATH} a [fidelity=summary]", None),
        ("fidelity_valid", "warning", "", f"{PATH} default_fidelity=most", None),
        ("fidelity_valid", "warning", ("a", "exit"), f"{PATH} a -> exit [fidelity=most]", None),
        ("retry_target_exists", "warning", "a", f"{PATH} a [retry_target=b]", None),
        ("retry_target_exists", "warning", "", f"{PATH} fallback_retry_target=b", None),
        ("goal_gate_has_retry", "warning", "a", f"{PATH} a [type=harness, goal_gate=true]", None),
        ("prompt_on_llm_nodes", "warning", "a", "a start -> a -> exit", None),
        ("attribute_type", "error", "a", f"{PATH} a [max_retries=three]", None),
        ("attribute_type", "error", "a", f"{PATH} a [max_retries=-1]", None),
        ("attribute_type", "error", "a", f"{PATH} a [goal_gate=yes]", None),
        ("attribute_type", "error", "a", f"{PATH} a [timeout=900]", None),
        ("attribute_type", "error", "a", f"{PATH} a [timeout=-5s]", None),
        ("attribute_type", "error", "a", f"{PATH} a [retry_policy=eager]", None),
        ("attribute_type", "error", ("a", "exit"), f"{PATH} a -> exit [weight=heavy]", None),
        ("attribute_name", "warning", "a", f"{PATH} a [model=gpt]", None),
        ("attribute_name", "warning", "a", f"{PATH} a [promt=hello]", None),
        ("attribute_name", "warning", "a", f"{PATH} a [max_retires=3]", None),
        ("attribute_name", "warning", ("a", "exit"), f"{PATH} a -> exit [wieght=3]", None),
        ("shape_known", "warning", "a", f"{PATH} a [shape=ellipse]", None),
        ("goal_gate_earned", "warning", "a", f"{GATE} a [allow_partial=true]", None),
        ("goal_gate_earned", "warning", "a", f"{GATE} a [auto_status=true]", None),
        ("goal_gate_earned", "warning", "a", f"{PATH} a [goal_gate=true, retry_target=a]", None),
        ("dead_end", "warning", "b", f"{PATH} a -> b b [prompt=x]", None),
        ("decision_has_condition", "warning", "a", f"{PATH} a [shape=diamond]", None),
        ("parallel_joins", "error", "a", f"{PATH} a [shape=component]", None),
        ("command_given", "error", "a", f"{PATH} a [type=checkpoint]", None),
        ("command_given", "error", "a", f"{PATH} a [type=tool, command=ls]", None),
        ("command_given", "error", "a", f"{PATH} a [type=checkpoint, command=ls, expect=red]", None),
        (
            "ship_to",
            "error",
            "a",
            "start -> h h [type=harness, goal_gate=true] h -> a a [type=ship, to=twin] a -> exit",
            None,
        ),
        ("ship_behind_harness", "error", "a", f"{PATH} a [type=ship]", None),
        ("ship_behind_harness", "warning", "a", f"{PATH} a [type=harness]", None),
    ],
)
def test_a_fault_is_found(rule: str, severity: str, about: str | tuple[str, str], body: str, ends: str | None) -> None:
    graph = loop(body) if ends is None else loop(body, ends)
    found = [diagnostic for diagnostic in lint(graph, HANDLERS) if diagnostic.rule == rule]
    assert [(d.severity, d.edge or d.node) for d in found] == [(severity, about)]


@pytest.mark.parametrize(
    "body",
    [
        f"{PATH} a [retry_target=spare] spare [prompt=x] spare -> a",
        GATE,
        f"{PATH} a [timeout=15m, max_retries=2, allow_partial=true, color=red]",
        "start -> fan fan [shape=component] fan -> a -> join fan -> b -> join a [label=A] b [label=B] "
        "join [shape=tripleoctagon] join -> exit",
        "start -> h h [type=harness, goal_gate=true, retry_target=h] h -> s s [type=ship] s -> exit",
    ],
)
def test_sound_loops_are_left_alone(body: str) -> None:
    assert lint(loop(body), HANDLERS) == []


def test_a_ship_beside_the_harness_is_found_even_when_another_way_leads_through_it() -> None:
    graph = loop("start -> h -> s -> exit start -> s h [type=harness, goal_gate=true, retry_target=h] s [type=ship]")
    assert [found.rule for found in lint(graph, HANDLERS)] == ["ship_behind_harness"]


def test_a_handler_that_the_engine_lacks_is_found_by_type_and_by_shape() -> None:
    graph = loop(f"{PATH} a -> b -> exit a [shape=house] b [type=ship]")
    known = HANDLERS - {"stack.manager_loop", "ship"}
    assert [found.node for found in lint(graph, known) if found.rule == "type_known"] == ["a", "b"]


def test_all_errors_come_at_once_with_file_place_and_remedy() -> None:
    text = "digraph g {\n start -> typo\n start -> a\n a [\n  timeout=900]\n}"
    with pytest.raises(LoopError) as raised:
        prepare(text, "loops/mine.dot", HANDLERS)
    assert {found.rule for found in raised.value.diagnostics} == {
        "start_node",
        "terminal_node",
        "edge_target_exists",
        "attribute_type",
    }
    assert "loops/mine.dot:5:11: error: timeout must be a time above zero with its unit" in str(raised.value)
    assert "(add: exit [shape=Msquare]) [terminal_node]" in str(raised.value)


def test_own_rules_run_too() -> None:
    def no_robots(graph: Graph, _: frozenset[str]) -> Iterator[Diagnostic]:
        yield from (report("no_robots", "no", node) for node in graph.nodes.values() if node.id == "a")

    with pytest.raises(LoopError, match="no_robots"):
        prepare(f"digraph g {{ start exit {PATH} }}", "x.dot", HANDLERS, rules=(no_robots,))


def test_the_worst_comes_first() -> None:
    severities = [found.severity for found in lint(loop("a start -> a -> exit a [type=tool, fidelity=x]"), HANDLERS)]
    assert severities == [Severity.ERROR, Severity.WARNING]
