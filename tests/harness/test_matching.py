"""Matchers: what holds, what does not, and how near it was."""

import signal
import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.harness.matching import (
    ABSENT,
    PATIENCE,
    NotJson,
    distance,
    load_json,
    look_up,
    match,
    match_json,
    match_text,
    same,
    search,
)
from factory_tui.harness.shapes import Matcher

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def met(rule: dict[str, Any], observed: object, **names: object) -> bool:
    return all(check.met for check in match("it", msgspec.convert(rule, Matcher), observed, names))


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ({"equals": 3}, Decimal("3.0"), True),
        ({"equals": "3"}, "3", 3),
        ({"not": 0}, 1, 0),
        ({"any_of": [301, 302]}, 302, 200),
        ({"regex": "^a{{2}}$"}, "aa", "aaa"),
        ({"contains": "b"}, "abc", "ac"),
        ({"contains": ["a", "c"]}, "abc", "ab"),
        ({"contains": 2}, [1, 2], [1]),
        ({"excludes": "b"}, "ac", "abc"),
        ({"type": "integer"}, 3, Decimal("3.5")),
        ({"type": "number"}, Decimal("3.5"), "3.5"),
        ({"type": "null"}, None, 0),
        ({"min": 2, "max": 4}, 3, 5),
        ({"near": 10, "tolerance": 0.5}, Decimal("10.5"), Decimal("10.51")),
        ({"absent": True}, ABSENT, 1),
        ({"absent": False}, 1, ABSENT),
        ({"length": 2}, [1, 2], [1]),
        ({"length": {"min": 2}}, "abc", "a"),
        ({"unordered": [1, 2, 2]}, [2, 1, 2], [1, 1, 2]),
    ],
)
def test_each_rule_holds_and_fails(rule: dict[str, Any], good: object, bad: object) -> None:
    assert met(rule, good)
    assert not met(rule, bad)


@pytest.mark.parametrize("rule", ["equals", "regex", "contains", "type", "min", "near", "length", "not", "excludes"])
def test_nothing_satisfies_no_rule_but_absence(rule: str) -> None:
    value: object = {"type": "string", "min": 1, "near": 1, "length": 0}.get(rule, "x")
    assert not met({rule: value}, ABSENT)


@given(JSON, JSON)
def test_distance_is_zero_to_one_and_equality_is_symmetric(one: object, other: object) -> None:
    assert same(one, other) == same(other, one)
    assert same(one, one)
    assert 0.0 <= distance(one, other) <= 1.0


def test_a_nearer_answer_is_told_apart() -> None:
    assert distance(100, 99) < distance(100, 50)
    assert distance("hello", "hallo") < distance("hello", "bye")
    assert distance(1, "1") == 1.0


@pytest.mark.parametrize(
    "hostile", [b"{", b"\xff", b"[" * 100_000, b"1e999999999", b"NaN", b"9" * 5000, b"1e" + b"9" * 30]
)
def test_hostile_documents_are_no_json(hostile: bytes) -> None:
    with pytest.raises(NotJson):
        load_json(hostile)
    (check,) = match_json("body", {"a": 1}, hostile, {})
    assert not check.met


def test_paths_go_into_tables_and_lists() -> None:
    document = {"items": [{"qty": 3, "a.b": 1}]}
    assert look_up(document, "items.0.qty") == 3
    assert look_up(document, r"items.0.a\.b") == 1
    assert look_up(document, "items.1") is ABSENT
    assert look_up(document, "") == document


def test_text_forgives_one_line_break_at_its_end() -> None:
    assert all(check.met for check in match_text("stdout", "{n}", "7\n", {"n": "7"}))
    assert not all(check.met for check in match_text("stdout", "7", "7\n\n", {}))


def test_what_a_product_said_is_no_pattern_in_a_regex() -> None:
    (check,) = match("stdout", Matcher(regex="^{heard}$"), "anything", {"heard": ".*"})
    assert not check.met
    (check,) = match("stdout", Matcher(regex="^{heard}$"), "((", {"heard": "(("})
    assert check.met


@pytest.mark.parametrize("rule", [Matcher(any_of="{heard}"), Matcher(unordered="{heard}"), Matcher(regex="{heard}")])
@pytest.mark.parametrize("heard", [5, None, "[", ["x"], {"a": 1}])
def test_a_captured_value_of_any_type_can_be_compared_with(rule: Matcher, heard: object) -> None:
    for observed in ("text", 5, [1], None):
        (check,) = match("it", rule, observed, {"heard": heard})
        assert not check.met or heard == observed


@pytest.mark.parametrize(("pattern", "observed"), [(r"^(\w+ ?)+$", "a" * 60 + "!"), (r"x.*x.*x.*y", "x" * 200_000)])
def test_a_search_that_would_take_for_ever_finds_nothing_soon(pattern: str, observed: str) -> None:
    before, timer, began = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL), time.monotonic()
    (check,) = match("stdout", Matcher(regex=pattern), observed, {})
    assert not check.met
    assert time.monotonic() - began < 10 * PATIENCE
    assert signal.getsignal(signal.SIGALRM) is before
    assert (signal.getitimer(signal.ITIMER_REAL)[0] > 0) is (timer[0] > 0), "somebody else's alarm was taken away"
    assert search("a+", "baa")
