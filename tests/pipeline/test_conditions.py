"""The condition language: what holds, what is missing, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.pipeline import Outcome, Status
from factory_tui.pipeline.conditions import holds, read_condition
from factory_tui.pipeline.scan import ScanError
from tests.pipeline.loops import assert_inside

CONTEXT = {
    "context.tests_passed": True,
    "tries": 3,
    "context.state": "a && b",
    "context.tries": None,
    "context.deep.path": "x",
    "satisfaction": 0.5,
}
OUTCOME = Outcome(status=Status.PARTIAL_SUCCESS, preferred_label="Fix")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("", True),
        ("   ", True),
        ("outcome=partial_success", True),
        ("outcome=success", False),
        ("outcome!=success", True),
        ("preferred_label=Fix", True),
        ("preferred_label=fix", False),
        ("preferred_label=ship", False),
        ("context.tests_passed=true", True),
        ("context.tests_passed!=true", False),
        ("context.tries=3", True),
        ('context.satisfaction="0.5"', True),
        ("context.deep.path=x", True),
        ("context.missing=x", False),
        ("context.missing!=x", True),
        ('context.missing=""', True),
        ('context.state="a && b"', True),
        ("outcome=partial_success && context.tries=3 && preferred_label=Fix", True),
        ("outcome=partial_success&&context.tries=4", False),
    ],
)
def test_what_holds(condition: str, expected: bool) -> None:
    assert holds(condition, OUTCOME, CONTEXT) is expected


@pytest.mark.parametrize(
    ("condition", "column", "expected"),
    [
        ("outcome", 8, "'='"),
        ("tests_passed=true", 1, "'outcome'"),
        ("context=x", 1, "'context.'"),
        ("outcomes=fail", 1, "'outcome'"),
        ("outcome==success", 9, "a word"),
        ("outcome=SUCCESS", 9, "partial_success"),
        ("outcome!=failure", 10, "fail"),
        ("outcome=fail || outcome=retry", 14, "'&&'"),
        ("outcome=fail &&", 16, "'outcome'"),
        ("outcome=fail && && outcome=fail", 17, "'outcome'"),
        ("context.n>3", 10, "'='"),
        ("context.n=0.9", 12, "'&&'"),
        ('context.n="x', 11, "closing"),
    ],
)
def test_what_is_refused_is_named_with_its_place(condition: str, column: int, expected: str) -> None:
    with pytest.raises(ScanError) as raised:
        read_condition(condition)
    assert raised.value.column == column
    assert expected in raised.value.expected


@given(
    st.lists(
        st.sampled_from(
            ["outcome", "preferred_label", "context.", "x", "=", "!=", "&&", '"', "\\", "1", "success", "é", "\n"]
        )
    ).map("".join)
)
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        read_condition(text)
    except ScanError as error:
        assert_inside(text, error)
