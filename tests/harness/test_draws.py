"""Draws: repeatable, different, and within their bounds."""

import base64
import datetime as dt
import urllib.parse
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from factory_tui.harness.draws import draw_one, inputs, render, text
from factory_tui.harness.shapes import BytesDraw, DateDraw, IntDraw, MoneyDraw, TextDraw, UrlDraw, WordDraw
from tests.harness.product import COUNT, TOTAL, scenario


@given(st.text(max_size=10), st.integers(0, 99), st.integers(0, 999))
def test_the_same_place_draws_the_same(run: str, visit: int, index: int) -> None:
    what = scenario(TOTAL)
    assert inputs(what, run, visit, index) == inputs(what, run, visit, index)


def test_every_index_visit_run_and_scenario_draws_anew() -> None:
    what, other = scenario(TOTAL), scenario(TOTAL, "other")
    drawn = [inputs(what, "r-1", 1, index)["file"] for index in range(60)]
    drawn += [inputs(what, "r-1", 2, 0)["file"], inputs(what, "r-2", 1, 0)["file"], inputs(other, "r-1", 1, 0)["file"]]
    assert len(set(drawn)) == len(drawn)


@given(st.integers())
def test_draws_keep_their_bounds(seed: int) -> None:
    source = Random(seed)
    assert 3 <= draw_one(IntDraw(3, 5), source) <= 5
    money = draw_one(MoneyDraw(Decimal("0.50"), Decimal("9.99")), source)
    assert Decimal("0.50") <= money <= Decimal("9.99")
    assert money.as_tuple().exponent == -2
    assert draw_one(WordDraw(2, 4), source).isalpha()
    drawn = draw_one(TextDraw(1, 12), source)
    assert 1 <= len(drawn) <= 12
    assert drawn == drawn.strip()
    assert "\n" not in drawn
    assert urllib.parse.urlsplit(draw_one(UrlDraw(), source)).scheme == "https"
    assert dt.date(2020, 1, 1) <= dt.date.fromisoformat(draw_one(DateDraw(), source)) <= dt.date(2029, 12, 31)
    assert 2 <= len(base64.b64decode(draw_one(BytesDraw(2, 3), source))) <= 3


def test_a_lone_template_keeps_its_type_and_a_longer_one_is_text() -> None:
    names = {"n": 3, "price": Decimal("1.10"), "rows": [{"a": 1}]}
    assert render({"x": ["{n}", "{rows}"], "{n}": 1.5}, names) == {"x": [3, [{"a": 1}]], "3": 1.5}
    assert render("{price} {{n}} {rows}", names) == '1.10 {n} [{"a": 1}]'
    assert text("{price}", names) == "1.10"


def test_let_sees_draws_in_order() -> None:
    drawn = inputs(scenario(COUNT), "r", 1, 0)
    assert drawn["after"] == drawn["n"] + 1
