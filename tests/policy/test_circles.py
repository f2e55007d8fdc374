"""When an agent's calls are a circle, and when they are not."""

from hypothesis import given
from hypothesis import strategies as st

from factory_tui.policy.circles import CALLS, circle, digest


@given(st.integers(1, 3), st.lists(st.sampled_from("abcdef"), max_size=20), st.integers(0, 20))
def test_calls_that_come_round_are_a_circle_whatever_came_before(period: int, before: list[str], more: int) -> None:
    calls = [*before, *(f"round {n % period}" for n in range(CALLS + more))]
    assert circle(calls) == period


@given(st.integers(1, 3), st.integers(0, CALLS - 1))
def test_one_other_call_among_them_is_none(period: int, place: int) -> None:
    calls = [f"round {n % period}" for n in range(CALLS)]
    calls[place] = "another"
    assert circle(calls) == 0
    assert circle(calls[1:]) == 0, "fewer are none"


def test_the_same_call_with_another_result_is_another() -> None:
    one = digest("bash", {"command": "make", "b": 1}, "3 left")
    assert one == digest("bash", {"b": 1, "command": "make"}, "3 left")
    assert len({one, digest("bash", {"command": "make"}, "2 left"), digest("edit", {"command": "make"}, "3 left")}) == 3
