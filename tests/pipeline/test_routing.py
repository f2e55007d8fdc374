"""Where a run goes next: the five steps of edge selection, failures, gates, retries and ends."""

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
    Retry,
    Status,
    Step,
    choices,
    fan_in_of,
    step,
    updated_context,
)
from factory_tui.pipeline.retry import POLICIES
from factory_tui.pipeline.routing import normal_label, unsatisfied_gate
from tests.pipeline.loops import after, loop


def took(found: Step) -> tuple[str, str]:
    assert isinstance(found, Go), found
    return found.target, found.why


def failed(found: Step) -> str:
    assert isinstance(found, Finish), found
    assert not found.success
    return found.reason


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


# Goal gates

GATED = "goal_gate=true"


def test_the_exit_opens_when_every_gate_has_succeeded() -> None:
    graph = loop(f"a [{GATED}] b [{GATED}]")
    found = after(graph, "exit", outcomes={"a": Status.SUCCESS, "b": Status.PARTIAL_SUCCESS})
    assert isinstance(found, Finish)
    assert found.success


@pytest.mark.parametrize("status", [Status.FAIL, Status.RETRY, Status.SKIPPED, None])
def test_a_gate_that_failed_or_was_never_visited_keeps_the_exit_shut(status: Status | None) -> None:
    outcomes = {"a": status} if status else {}
    assert "goal gate a" in failed(after(loop(f"a [{GATED}]"), "exit", outcomes=outcomes))
    assert took(after(loop(f"a [{GATED}, retry_target=a]"), "exit", outcomes=outcomes)) == ("a", "goal gate a")


@pytest.mark.parametrize(
    ("gate", "of_graph", "expected"),
    [
        ("retry_target=b, fallback_retry_target=c", "", "b"),
        ("retry_target=typo, fallback_retry_target=c", "retry_target=d", "c"),
        ("retry_target=typo", "retry_target=d fallback_retry_target=b", "d"),
        ("label=x", "retry_target=typo fallback_retry_target=b", "b"),
    ],
)
def test_a_shut_gate_names_where_to_go(gate: str, of_graph: str, expected: str) -> None:
    graph = loop(f"{of_graph} a [{GATED}, {gate}] b c d")
    assert took(after(graph, "exit"))[0] == expected


def test_skipping_a_gate_does_not_open_it() -> None:
    graph = loop(f"a [{GATED}] a -> exit")
    found = after(graph, "a", Status.SKIPPED)
    assert isinstance(found, Go)
    assert (found.target, found.record) == ("exit", None)


# Retries


def test_nothing_is_retried_unless_asked_for() -> None:
    assert failed(after(loop("a a -> exit"), "a", Status.RETRY)) == "max retries exceeded"
    assert failed(after(loop("default_max_retries=2 a [max_retries=0] a -> exit"), "a", Status.FAIL))


@pytest.mark.parametrize("status", [Status.RETRY, Status.FAIL])
@pytest.mark.parametrize(
    "body",
    [
        "a [max_retries=2]",
        "default_max_retries=2 a",
        "default_max_retry=2 a",
        "default_max_retries=9 a [max_retries=2]",
    ],
)
def test_max_retries_counts_the_attempts_after_the_first(body: str, status: Status) -> None:
    graph = loop(f'{body} b a -> b [condition="outcome=fail"]')
    steps = [after(graph, "a", status, attempt=attempt) for attempt in (1, 2, 3)]
    assert [type(found) for found in steps] == [Retry, Retry, Go]
    assert took(steps[2]) == ("b", "condition")


@pytest.mark.parametrize("handler", ["harness", "ship", "wait.human", "checkpoint"])
def test_the_answer_of_who_judges_is_not_asked_for_twice(handler: str) -> None:
    graph = loop(f'a [type="{handler}", max_retries=5] b a -> b [condition="outcome=fail"]')
    assert took(after(graph, "a", Status.FAIL))[0] == "b"
    assert isinstance(after(graph, "a", Status.RETRY), Retry)


def test_partial_success_is_accepted_where_allowed_and_never_at_a_goal_gate() -> None:
    found = after(loop("a [allow_partial=true] a -> exit"), "a", Status.RETRY)
    assert isinstance(found, Go)
    assert found.record is Status.PARTIAL_SUCCESS
    assert failed(after(loop(f"a [allow_partial=true, {GATED}] a -> exit"), "a", Status.RETRY))


@pytest.mark.parametrize(
    ("policy", "delays"),
    [
        ("standard", [200, 400, 800, 1600]),
        ("aggressive", [500, 1000, 2000, 4000]),
        ("linear", [500, 500]),
        ("patient", [2000, 6000]),
        ("none", []),
    ],
)
def test_a_policy_sets_attempts_and_delays(policy: str, delays: list[int]) -> None:
    graph = loop(f"a [retry_policy={policy}] a -> exit")
    steps = [after(graph, "a", Status.RETRY, attempt=attempt) for attempt in range(1, len(delays) + 2)]
    assert [found.delay_ms for found in steps if isinstance(found, Retry)] == delays
    assert isinstance(steps[-1], Finish)


@given(st.sampled_from(sorted(POLICIES)), st.integers(1, 10**6), st.floats(0, 1, exclude_max=True))
def test_a_delay_is_spread_around_its_capped_length(policy: str, retry: int, chance: float) -> None:
    backoff = POLICIES[policy]
    middle = backoff.delay_ms(retry, 0.5)
    assert middle <= backoff.max_ms
    assert middle * 0.5 <= backoff.delay_ms(retry, chance) <= middle * 1.5


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
