"""Whether something goes up or down by more than chance: against all orders there are, counted one by one."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.burn.trend import by_chance, trend

values = st.lists(st.integers(0, 5), min_size=2, max_size=7)


def rises(row: tuple[int, ...]) -> int:
    return sum((b > a) - (b < a) for at, a in enumerate(row) for b in row[at + 1 :])


@settings(max_examples=30)
@given(values)
def test_the_chance_is_the_share_of_all_orders_that_go_as_far(row: list[int]) -> None:
    found, seen = trend(row), [rises(order) for order in permutations(row)]
    assert found is not None
    far = sum(abs(one) >= abs(rises(tuple(row))) for one in seen)
    assert found.chance == pytest.approx(far / len(seen))


@settings(max_examples=30)
@given(values)
def test_backwards_it_goes_the_other_way_by_the_same_chance(row: list[int]) -> None:
    one, other = trend(row), trend(row[::-1])
    assert one is not None
    assert other is not None
    assert (one.tau, one.chance) == pytest.approx((-other.tau, other.chance))
    assert one.slope == pytest.approx(-other.slope)


@settings(max_examples=30)
@given(values, st.integers(1, 9), st.integers(-50, 50))
def test_another_unit_changes_the_slope_alone(row: list[int], by: int, more: int) -> None:
    one, other = trend(row), trend([by * value + more for value in row])
    assert one is not None
    assert other is not None
    assert (one.tau, one.chance) == pytest.approx((other.tau, other.chance))
    assert other.slope == pytest.approx(by * one.slope)


def test_published_chances_of_short_series() -> None:
    """Kendall's own table (Rank Correlation Methods, appendix table 1): n = 8, S = 20 or more has 0.0071, one-sided."""
    assert by_chance(20, (1,) * 8) / 2 == pytest.approx(0.0071, abs=0.00005)
    assert by_chance(10, (1,) * 5) / 2 == pytest.approx(0.0083, abs=0.00005)
    assert by_chance(6, (1,) * 4) / 2 == pytest.approx(0.042, abs=0.0005)


def test_what_is_all_the_same_goes_nowhere_and_one_value_tells_nothing() -> None:
    same = trend([3, 3, 3])
    assert same is not None
    assert (same.tau, same.chance, same.goes) == (0.0, 1.0, False)
    assert trend([3]) is None


def test_forty_values_are_no_trouble() -> None:
    found = trend(list(range(100)))
    assert found is not None
    assert found.count == 40
    assert found.goes
    assert found.chance < 1e-40
