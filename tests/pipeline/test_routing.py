"""Where a run goes next: the five steps of edge selection, failures, people, branches and ends."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from factory_tui.pipeline import (
    Finish,
    Go,
    Graph,
    Outcome,
    Status,
    choices,
    fan_in_of,
    step,
    updated_context,
)
from factory_tui.pipeline.routing import normal_label, unsatisfied_gate
from tests.pipeline.loops import after, failed, loop, took

# The five steps


def test_a_condition_that_holds_wins_over_weight_label_and_suggestion() -> None:
    graph = loop('a b c d a -> b [weight=9] a -> c [label=go, weight=9] a -> d [condition="outcome=success"]')
    outcome = Outcome(status=Status.SUCCESS, preferred_label="go", suggested_next_ids=("b",))
    assert took(after(graph, "a", outcome)) == ("d", "condition")


def test_of_several_conditions_that_hold_weight_then_name_decides() -> None:
    ok = 'condition="outcome=success"'
    assert took(after(loop(f"a b c a -> b [{ok}] a -> c [{ok}, weight=1]"), "a"))[0] == "c"
    assert took(after(loop(f"a b c a -> c [{ok}] a -> b [{ok}]"), "a"))[0] == "b"


def test_a_preferred_label_wins_over_suggestion_and_weight() -> None:
    graph = loop('a b c d a -> b [weight=9] a -> c [label="[F] Fix it"] a -> d')
    outcome = Outcome(status=Status.SUCCESS, preferred_label="f) FIX IT ", suggested_next_ids=("d",))
    assert took(after(graph, "a", outcome)) == ("c", "preferred label")


def test_a_preferred_label_or_a_suggestion_never_opens_a_guarded_edge() -> None:
    graph = loop('a b c a -> b [label=ship, condition="outcome=fail"] a -> c')
    outcome = Outcome(status=Status.SUCCESS, preferred_label="ship", suggested_next_ids=("b",))
    assert took(after(graph, "a", outcome)) == ("c", "weight")


def test_suggestions_are_tried_in_their_own_order() -> None:
    graph = loop("a b c a -> b [weight=9] a -> c")
    outcome = Outcome(status=Status.SUCCESS, suggested_next_ids=("nowhere", "c", "b"))
    assert took(after(graph, "a", outcome)) == ("c", "suggested id")


def test_weight_breaks_ties_then_the_name_of_the_target() -> None:
    assert took(after(loop("a b c a -> b a -> c [weight=1]"), "a")) == ("c", "weight")
    assert took(after(loop("a b c a -> c a -> b [weight=-1]"), "a")) == ("c", "weight")
    assert took(after(loop("a b c a -> c a -> b"), "a")) == ("b", "weight")


@pytest.mark.parametrize("label", ["[Y] Yes, deploy", "Y) Yes, deploy", "Y - Yes, deploy", "  yes, DEPLOY "])
def test_labels_are_compared_without_accelerator_case_and_margin(label: str) -> None:
    assert normal_label(label) == "yes, deploy"


def test_a_label_that_is_nothing_but_an_accelerator_matches_no_unlabelled_edge() -> None:
    graph = loop("a b c a -> c a -> b [weight=1]")
    assert took(after(graph, "a", Outcome(status=Status.SUCCESS, preferred_label="[Y] "))) == ("b", "weight")


# Failures


def test_a_failure_takes_the_edge_that_asks_for_it() -> None:
    graph = loop('a b c a -> b a -> c [condition="outcome=fail"] a [retry_target=b]')
    assert took(after(graph, "a", Status.FAIL)) == ("c", "condition")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("retry_target=b, fallback_retry_target=c", "b"),
        ("retry_target=nowhere, fallback_retry_target=c", "c"),
        ("fallback_retry_target=c", "c"),
    ],
)
def test_a_failure_without_such_an_edge_jumps_to_a_retry_target_that_exists(attributes: str, expected: str) -> None:
    graph = loop(f"retry_target=exit a [{attributes}] b c a -> exit")
    found = after(graph, "a", Status.FAIL)
    assert took(found) == (expected, "retry target")
    assert isinstance(found, Go)
    assert found.edge is None


@pytest.mark.parametrize(
    "edge", ["", "[weight=9]", "[label=go]", '[condition="context.x!=y"]', '[condition="outcome=success"]']
)
def test_a_failure_passes_no_edge_that_did_not_ask_for_it(edge: str) -> None:
    graph = loop(f"retry_target=exit a a -> exit {edge}")
    outcome = Outcome(status=Status.FAIL, failure_reason="broken", preferred_label="go", suggested_next_ids=("exit",))
    assert failed(after(graph, "a", outcome)) == "broken"


def test_a_failure_reaches_a_diamond_that_decides_and_the_diamond_sees_it() -> None:
    graph = loop(
        'a gate [shape=diamond] a -> gate gate -> exit [condition="outcome=success"] '
        'gate -> a [condition="outcome!=success"]'
    )
    assert took(after(graph, "a", Status.FAIL)) == ("gate", "weight")
    assert took(after(graph, "gate", context={"outcome": "fail"})) == ("a", "condition")
    assert took(after(graph, "gate", context={"outcome": "success"})) == ("exit", "condition")
    assert took(after(graph, "gate", context={})) == ("a", "condition")


def test_no_failure_passes_a_diamond_that_decides_nothing() -> None:
    graph = loop("a gate [shape=diamond] a -> gate -> exit")
    assert failed(after(graph, "a", Status.FAIL))
    assert failed(after(graph, "gate", context={"outcome": "fail"}))
    assert took(after(graph, "gate", context={"outcome": "success"}))[0] == "exit"


def test_a_dead_end_is_no_success() -> None:
    graph = loop('a b a -> b [condition="outcome=fail"]')
    assert failed(after(graph, "a")) == "no edge leaves a for outcome success"
    assert failed(after(graph, "b")) == "no edge leaves b for outcome success"


# People, branches, bounds


def test_a_gate_for_people_offers_its_edges_under_keys_of_their_own() -> None:
    graph = loop(
        'a [shape=hexagon] b c d e a -> b [label="[A] Approve"] a -> c [label="F) Fix"] a -> d [label=Ask] a -> e'
    )
    offered = choices(graph, "a")
    assert [(choice.key, choice.label, choice.target) for choice in offered] == [
        ("A", "[A] Approve", "b"),
        ("F", "F) Fix", "c"),
        ("3", "Ask", "d"),
        ("E", "e", "e"),
    ]


def test_only_an_answer_that_names_an_edge_passes_a_gate_for_people() -> None:
    graph = loop('a [shape=hexagon] fixes a -> exit [label="[A] Approve", weight=9] a -> fixes [label="[F] Fix"]')
    assert took(after(graph, "a", Outcome(status=Status.SUCCESS, preferred_label="[F] Fix")))[0] == "fixes"
    assert took(after(graph, "a", Outcome(status=Status.SUCCESS, suggested_next_ids=("fixes",))))[0] == "fixes"
    for answer in ("", "maybe", "[A]"):
        assert failed(after(graph, "a", Outcome(status=Status.SUCCESS, preferred_label=answer)))
    assert failed(after(graph, "a", Outcome(status=Status.FAIL, preferred_label="Approve")))


FAN = """fan [shape=component] a b join [shape=tripleoctagon] far [shape=tripleoctagon]
         fan -> a -> join fan -> b -> join -> far -> exit a -> far"""


def test_after_a_fan_out_the_run_goes_to_the_fan_in_of_all_branches() -> None:
    graph = loop(FAN)
    assert fan_in_of(graph, "fan") == "join"
    assert took(after(graph, "fan")) == ("join", "fan-in")
    assert failed(after(graph, "fan", Status.FAIL)) == "fan failed"
    assert (
        fan_in_of(loop("fan [shape=component] a b join [shape=tripleoctagon] fan -> a -> join fan -> b"), "fan") is None
    )


def test_a_run_that_goes_round_too_often_has_stalled() -> None:
    graph = loop("max_visits=3 a b a -> b")
    assert took(after(graph, "a", visits={"b": 2}))[0] == "b"
    found = after(graph, "a", visits={"b": 3})
    assert isinstance(found, Finish)
    assert (found.success, found.stalled) == (False, True)
    assert took(after(loop("a b a -> b"), "a", visits={"b": 199}))[0] == "b"
    assert isinstance(after(loop("a b a -> b"), "a", visits={"b": 200}), Finish)


# Context


def test_a_nodes_updates_are_seen_by_its_own_edges_and_by_the_next_node() -> None:
    graph = loop('a b c a -> b [condition="context.mood=good"] a -> c')
    outcome = Outcome(status=Status.SUCCESS, context_updates={"mood": "good"})
    assert took(after(graph, "a", outcome))[0] == "b"
    assert updated_context({"old": 1}, graph.nodes["a"], outcome) == {
        "old": 1,
        "mood": "good",
        "outcome": "success",
        "preferred_label": "",
    }


def test_a_node_cannot_set_the_engines_own_keys() -> None:
    updates = {"outcome": "success", "graph.goal": "x", "internal.retry_count.a": 0, "current_node": "b", "mine": 1}
    outcome = Outcome(status=Status.FAIL, context_updates=updates)
    changed = updated_context({}, loop("a").nodes["a"], outcome)
    assert changed == {"mine": 1, "outcome": "fail", "preferred_label": ""}


def test_a_diamond_is_told_what_an_exhausted_retry_came_to() -> None:
    graph = loop("a b [allow_partial=true] gate [shape=diamond] a -> gate b -> gate -> exit")
    spent = Outcome(status=Status.RETRY)
    told = {name: updated_context({}, graph.nodes[name], spent)["outcome"] for name in "ab"}
    assert told == {"a": "fail", "b": "partial_success"}


def test_a_label_of_one_node_does_not_reach_the_diamond_after_the_next() -> None:
    graph = loop("a b gate [shape=diamond]")
    context = updated_context({}, graph.nodes["a"], Outcome(status=Status.SUCCESS, preferred_label="Fix"))
    assert updated_context(context, graph.nodes["gate"], Outcome(status=Status.SUCCESS))["preferred_label"] == "Fix"
    assert updated_context(context, graph.nodes["b"], Outcome(status=Status.SUCCESS))["preferred_label"] == ""


# Properties over any loop

NAMES = ("start", "a", "b", "c", "exit")
kinds = st.sampled_from(["box", "diamond", "hexagon", "component", "tripleoctagon", "parallelogram"])
guards = st.sampled_from(
    ["", "outcome=success", "outcome!=success", "outcome=fail", "context.x=1", "preferred_label=go"]
)
wires = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), guards, st.integers(-2, 2)), max_size=8)
outcomes = st.builds(
    Outcome,
    status=st.sampled_from(Status),
    preferred_label=st.sampled_from(["", "go", "stop"]),
    suggested_next_ids=st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
)
contexts = st.dictionaries(st.sampled_from(["x", "outcome"]), st.sampled_from(["1", "success", "fail"]))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    nodes = " ".join(
        f"{name} [shape={draw(kinds)}, goal_gate={draw(st.sampled_from(['true', 'false']))}, "
        f"max_retries={draw(st.integers(0, 2))}]"
        for name in "abc"
    )
    edges = " ".join(
        f'{source} -> {target} [condition="{guard}", weight={weight}, label=go]'
        for source, target, guard, weight in draw(wires)
    )
    return loop(f"{nodes} {edges}")


@given(
    graphs(),
    st.sampled_from(NAMES),
    outcomes,
    contexts,
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(Status)),
)
def test_a_step_is_determined_and_succeeds_only_at_an_exit_with_open_gates(
    graph: Graph, node: str, outcome: Outcome, context: dict[str, object], known: dict[str, Status]
) -> None:
    before = dict(context)
    found = step(graph, node, outcome, context=context, outcomes=known)
    assert found == step(graph, node, outcome, context=context, outcomes=known)
    assert context == before
    if isinstance(found, Finish) and found.success:
        assert node == "exit"
        assert unsatisfied_gate(graph, known) is None
    if isinstance(found, Go):
        assert found.target in graph.nodes
        assert found.edge is None or (found.edge.source, found.edge.target) == (node, found.target)


@given(graphs(), outcomes, contexts, st.randoms(use_true_random=False))
def test_the_order_of_edges_matters_to_labels_only(
    graph: Graph, outcome: Outcome, context: dict[str, object], random: Random
) -> None:
    plain = structs.replace(outcome, preferred_label="")
    edges = list(graph.edges)
    random.shuffle(edges)
    shuffled = structs.replace(graph, edges=tuple(edges))
    for node in "abc":
        one = step(graph, node, plain, context=context, outcomes={})
        two = step(shuffled, node, plain, context=context, outcomes={})
        assert (type(one), getattr(one, "target", "")) == (type(two), getattr(two, "target", ""))
