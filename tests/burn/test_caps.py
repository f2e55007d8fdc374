"""How fast it burns of late, when that reaches a cap, and how wrong that was before."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.burn.book import Book
from factory_tui.burn.caps import of_run, reaches
from factory_tui.burn.pace import MOMENTS, Pace
from factory_tui.burn.windows import HOUR
from factory_tui.domain import events as e
from factory_tui.domain.money import DAY, Burn, Tokens
from factory_tui.domain.reducer import fold
from tests.burn.telling import MINUTE, START, Journal


def steady(minutes: int, money: str = "0.10", began: int = START) -> Pace:
    pace = Pace(began)
    for minute in range(1, minutes + 1):
        pace.pay(began + minute * MINUTE, Burn(Tokens(100), Decimal(money)))
    return pace


def test_a_rate_is_of_the_last_hour_or_of_as_much_as_there_was() -> None:
    rate = steady(30).rate(START + 30 * MINUTE)
    assert rate is not None
    assert (rate.hourly, rate.over) == (Decimal(6), 30 * MINUTE)
    late = steady(300).rate(START + 300 * MINUTE)
    assert late is not None
    assert (late.money, late.over) == (Decimal("6.0"), HOUR - MINUTE)
    assert Pace(START).rate(START + 9_000) is None, "nine seconds say nothing about an hour"


def test_it_says_when_a_cap_is_reached() -> None:
    rate = steady(30).rate(START + 30 * MINUTE)
    assert rate is not None
    assert rate.reaches(Decimal(3), tokens=False) == 30 * MINUTE
    assert rate.reaches(Decimal(1000), tokens=True) == 10 * MINUTE
    assert rate.reaches(Decimal(0), tokens=False) == 0
    assert Pace(START).rate(START + HOUR).reaches(Decimal(1), tokens=False) is None  # type: ignore[union-attr]


def test_what_burns_evenly_was_foretold_without_error() -> None:
    assert set(steady(30).errors()) <= {0, 1}


def test_what_came_to_a_halt_was_foretold_too_soon() -> None:
    pace = steady(10)
    pace.pay(START + 100 * MINUTE, Burn(Tokens(100), Decimal("1.00")))
    errors = pace.errors()
    assert max(errors) == 80 * MINUTE, "after ten minutes it would be ten more, and it was ninety"


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 4_000_000), st.decimals(0, 5, places=3, allow_nan=False)), max_size=150))
def test_it_holds_an_hour_and_no_more_and_its_rate_is_what_was_paid_in_it(paid: list[tuple[int, Decimal]]) -> None:
    pace, at, told = Pace(START), START, list[tuple[int, Decimal]]()
    for after, money in paid:
        at += after
        pace.pay(at, Burn(Tokens(1), money))
        told.append((at, money))
    assert len(pace.moments) <= MOMENTS
    rate = pace.rate(at)
    if rate:
        assert rate.money == sum((money for then, money in told if then >= at - rate.over), Decimal(0))
        assert rate.over <= HOUR
    assert pace.money == sum((money for _, money in told), Decimal(0))


def test_every_cap_of_a_run_and_of_the_floor_is_told_with_its_error() -> None:
    journal = Journal()
    journal.say("", e.CapSet("day_cap", Decimal(5), None), e.CapSet("factory_tokens", Decimal(100_000), None))
    journal.whole("links-1", [0.2] * 6)
    journal.queue("orders-1", cap=Decimal(1))
    for step in range(1, 7):
        journal.call("orders-1", step, "0.10", after=5 * MINUTE)
    book = Book()
    book.take_all(journal.events)
    found = {(one.run, one.cap): one for one in reaches(book, fold(journal.events), journal.at)}
    assert set(found) == {("", "day_cap"), ("", "factory_tokens"), ("orders-1", "run_cap")}
    mine = found["orders-1", "run_cap"]
    assert mine.spent == Decimal("0.60")
    assert mine.after == pytest.approx(20 * MINUTE, rel=0.01)
    assert mine.error is not None
    assert mine.moments > 6, "those of the run that is over, and its own"
    assert found["", "day_cap"].after is not None
    assert found["", "factory_tokens"].amount == 100_000


def test_a_days_cap_is_not_reached_on_another_day() -> None:
    journal = Journal(START + DAY - 30 * MINUTE)
    journal.say("", e.CapSet("day_cap", Decimal(5), None))
    journal.queue("orders-1")
    for step in range(1, 4):
        journal.call("orders-1", step, "0.10", after=5 * MINUTE)
    book = Book()
    book.take_all(journal.events)
    [day] = [one for one in reaches(book, fold(journal.events), journal.at) if one.cap == "day_cap"]
    assert (day.rated, day.after) == (True, None)


def test_a_cap_that_is_reached_is_reached_now_whatever_the_rate() -> None:
    journal = Journal()
    journal.queue("orders-1", cap=Decimal("0.10"))
    journal.call("orders-1", 1, "0.10")
    book = Book()
    book.take_all(journal.events)
    [run] = of_run(book, fold(journal.events), "orders-1", journal.at)
    assert (run.after, run.rated) == (0, False)


def test_days_that_are_over_are_held_against_what_was_said_of_them() -> None:
    journal = Journal()
    journal.queue("orders-1")
    for step in range(1, 60):
        journal.call("orders-1", step, "0.10", after=HOUR)
    book = Book()
    book.take_all(journal.events)
    assert book.day_lateness("live") is not None
    assert book.day_lateness("rehearsal") is None
    assert len(book.late_days["live"]) <= 64
    assert book.paces["live"].money == Decimal("0.10") * (59 - 47), "midnight begins anew"
