"""What keeps a run from its exit, and what is tried once more: goal gates and retries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.pipeline import Finish, Go, Retry, Status
from factory_tui.pipeline.retry import POLICIES
from tests.pipeline.loops import after, failed, loop, took

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
