"""Expressions: what they can do, and that nothing gets out of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.harness.expressions import FUNCTIONS, Expression, ExpressionError

ROWS = [{"name": 'a "b", c', "qty": 2, "price": Decimal("1.10")}, {"name": "d", "qty": 3, "price": Decimal("0.35")}]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ('sum(row["qty"] * row["price"] for row in rows)', Decimal("3.25")),
        ('[row["name"].upper() for row in rows if row["qty"] > 2]', ["D"]),
        ('csv(rows, ["name", "price"])', 'name,price\n"a ""b"", c",1.10\nd,0.35\n'),
        ('sorted(rows, key="qty", reverse=True)[0]["name"]', "d"),
        ("cents(1 / 3)", Decimal("0.33")),
        ("round(0.125, 2)", Decimal("0.13")),
        ('json({"a": rows[0]["price"], "b": [1, "é"]})', '{"a": 1.1, "b": [1, "é"]}'),
        ('{row["name"]: row["qty"] for row in rows}["d"]', 3),
        ('"x" if len(rows) == 2 and not False_ else "y"', "x"),
        ('b64("é", "latin-1")', "6Q=="),
        ('quote("a b/ü")', "a%20b%2F%C3%BC"),
        ('distinct([1, 1, 2]) + [n for n, m in zip([1, 2], "ab")]', [1, 2, 1, 2]),
        ('[key for key, value in {"a": 1}.items()]', ["a"]),
        ('"a" in "abc" and 1 < 2 <= 2', True),
    ],
)
def test_what_an_expression_can_say(source: str, value: object) -> None:
    assert Expression(source).evaluate({"rows": ROWS, "False_": 0}) == value


@pytest.mark.parametrize(
    "hostile",
    [
        "__import__('os').system('true')",
        "().__class__.__bases__[0].__subclasses__()",
        "rows.__class__",
        "(lambda: 1)()",
        "[x := 1]",
        "open('/etc/passwd')",
        "f'{rows}'",
        "'{0.__class__}'.format(rows)",
        "str.format",
        "getattr(rows, 'x')",
        "[_ for _ in rows]",
        "2 ** 9999999",
        "1 << 99",
        "[*rows]",
        "{**rows}",
        "json(*rows)",
        "await rows",
        "rows if",
        "sum.__globals__",
        "''.join.__self__",
        "eval('1')",
        "b'x'",
        "(" * 500 + ")" * 500,
    ],
)
def test_hostile_expressions_are_refused_before_they_run(hostile: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(hostile)


@pytest.mark.parametrize(
    "greedy",
    [
        "'x' * 99999999",
        "[0] * 99999999",
        "range(99999999)",
        "[1 for a in range(9999) for b in range(9999)]",
        "'x'.zfill(99999999)",
        "('x' * 99999).replace('x', 'y' * 99999)",
        "[n * 99999999999999999999 for n in [10]][0] * 'x'",
        "','.join(['x' * 999999 for n in range(9)])",
        "rows[99]",
        "1 / 0",
        "'a' + 1",
        "decimal('x')",
        "rows[0]['none']",
        "min([])",
        "'%s' % rows",
    ],
)
def test_greed_and_failure_end_in_an_expression_error(greedy: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(greedy).evaluate({"rows": ROWS})


@given(st.text(max_size=60) | st.sampled_from(sorted(FUNCTIONS)).map(lambda name: f"{name}(rows, rows)"))
def test_any_text_is_a_value_or_an_expression_error(source: str) -> None:
    try:
        expression = Expression(source)
        expression.evaluate(dict.fromkeys(expression.names, 1) | {"rows": ROWS})
    except ExpressionError:
        pass
