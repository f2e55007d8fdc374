"""The model stylesheet: selectors, precedence, and the transforms that come before the checks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.pipeline import Graph, prepare
from factory_tui.pipeline.prepare import expand_goal
from factory_tui.pipeline.scan import ScanError
from factory_tui.pipeline.stylesheet import read_stylesheet, styled
from tests.pipeline.loops import HANDLERS, assert_inside, loop

SHEET = """
    #review { reasoning_effort: high }
    * { llm_model: claude-sonnet-4-5; llm_provider: anthropic; }
    .code { llm_model: claude-opus-4-6 }
    box { llm_model: shape-model; reasoning_effort: \\"low\\" }
    .code { llm_provider: later }
"""


def models(graph: Graph) -> dict[str, tuple[str, str, str]]:
    keys = ("llm_model", "llm_provider", "reasoning_effort")
    return {node.id: (node.text(keys[0]), node.text(keys[1]), node.text(keys[2])) for node in graph.nodes.values()}


def test_id_beats_class_beats_shape_beats_all_and_the_node_beats_them() -> None:
    graph = loop(
        f'model_stylesheet="{SHEET}" gate [shape=hexagon] plan write [class="x, code"] review [class=code]'
        " own [llm_model=mine]",
        "",
    )
    assert models(styled(graph)) == {
        "gate": ("claude-sonnet-4-5", "anthropic", ""),
        "plan": ("shape-model", "anthropic", "low"),
        "write": ("claude-opus-4-6", "later", "low"),
        "review": ("claude-opus-4-6", "later", "high"),
        "own": ("mine", "anthropic", "low"),
    }


def test_a_subgraphs_class_matches_and_defaults_count_as_the_nodes_own() -> None:
    graph = loop(
        'model_stylesheet=".loop-a { llm_model: styled }" subgraph { label="Loop A" a node [llm_model=default] b }', ""
    )
    assert [model for model, _, _ in models(styled(graph)).values()] == ["styled", "default"]


def test_the_graphs_own_value_is_the_last_resort() -> None:
    graph = loop('llm_model=last model_stylesheet="#a { llm_model: first }" a b', "")
    assert [model for model, _, _ in models(styled(graph)).values()] == ["first", "last"]


@pytest.mark.parametrize(
    ("sheet", "expected"),
    [
        ("{ llm_model: x }", "a selector"),
        ("* llm_model: x }", "'{'"),
        ("* { }", "llm_model"),
        ("* { model: x }", "llm_model"),
        ("* { llm_model = x }", "':'"),
        ("* { llm_model: }", "a word"),
        ("* { llm_model: x llm_provider: y }", "';'"),
        ("* { llm_model: x", "';'"),
        (".Code { llm_model: x }", "a class"),
    ],
)
def test_what_is_refused(sheet: str, expected: str) -> None:
    with pytest.raises(ScanError) as raised:
        read_stylesheet(sheet)
    assert expected in raised.value.expected


@given(
    st.lists(
        st.sampled_from(["*", "#", ".", "box", "a", "{", "}", "llm_model", ":", ";", "x", '"', "\\", "é", "\n"])
    ).map(" ".join)
)
def test_any_text_is_a_stylesheet_or_refused(text: str) -> None:
    try:
        read_stylesheet(text)
    except ScanError as error:
        assert_inside(text, error)


def test_the_goal_takes_its_place_in_prompts_and_stays_open_without_one() -> None:
    body = 'a [prompt="Do: $goal!"] b [label="$goal"]'
    filled = expand_goal(loop(f'goal="the \\\\1 job" {body}'))
    assert (filled.nodes["a"].prompt, filled.nodes["b"].label) == ("Do: the \\1 job!", "$goal")
    assert expand_goal(loop(body)).nodes["a"].prompt == "Do: $goal!"


def test_own_transforms_run_in_order_after_the_built_in_ones_and_before_the_checks() -> None:
    seen: list[str] = []

    def first(graph: Graph) -> Graph:
        seen.append(graph.nodes["a"].prompt)
        return loop("start -> exit")

    def second(graph: Graph) -> Graph:
        seen.append(",".join(graph.nodes))
        return graph

    text = 'digraph g { goal=x start exit a [prompt="$goal"] }'
    assert "a" not in prepare(text, "own.dot", HANDLERS, transforms=(first, second)).nodes
    assert seen == ["x", "start,exit"]
