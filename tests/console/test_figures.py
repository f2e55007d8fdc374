"""Figures as people read them: what is rounded stays in its unit and its room."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.console.figures import count

UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (940, "940"),
        (999.4, "999"),
        (999.6, "1.0k"),
        (9_960, "10k"),
        (999_400, "999k"),
        (999_700, "1.0M"),
        (83_000, "83k"),
    ],
)
def test_a_count_goes_on_to_the_next_unit_where_it_is_rounded_up_to_it(number: float, said: str) -> None:
    assert count(number) == said


@given(st.integers(0, 10**12 - 10**9))
def test_a_count_takes_four_characters_and_is_near(number: int) -> None:
    found = re.fullmatch(r"([\d.]+)([kMG]?)", count(number))
    assert found
    assert len(found[0]) <= 4
    assert abs(float(found[1]) * UNITS[found[2]] - number) <= 0.06 * number + 0.5
