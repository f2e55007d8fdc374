"""Names sort, fit in a path and say what they name."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from factory_tui.domain.identifiers import escalation_id, run_id, ulid

MILLISECONDS = st.integers(0, 2**48 - 1)
ENTROPY = st.integers(0, 2**80 - 1)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@given(st.tuples(MILLISECONDS, ENTROPY), st.tuples(MILLISECONDS, ENTROPY))
def test_ulids_sort_by_time_then_by_entropy(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert (ulid(*one) < ulid(*other)) == (one < other)


@given(MILLISECONDS, st.integers(0))
def test_a_ulid_is_26_characters_that_hold_both(milliseconds: int, entropy: int) -> None:
    name = ulid(milliseconds, entropy)
    assert len(name) == 26
    value = 0
    for letter in name:
        value = value * 32 + CROCKFORD.index(letter)
    assert value == milliseconds << 80 | entropy % 2**80


def test_the_time_of_a_known_ulid() -> None:
    at = int(datetime(2016, 7, 30, 23, 54, 10, tzinfo=UTC).timestamp() * 1000) + 259
    assert ulid(at, 0).startswith("01ARZ3NDEK")


def test_names_say_what_they_name() -> None:
    assert (run_id("shortlinks", 7), escalation_id(31)) == ("shortlinks-7", "E-31")
