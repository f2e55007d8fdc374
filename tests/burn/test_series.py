"""Burn over time: whatever it is grouped by, groups sum to the total, and the ledgers stay apart."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.burn.book import KINDS, Book
from factory_tui.burn.series import REST, UNKNOWN, View, total
from factory_tui.burn.windows import GROUPINGS, WINDOWS, By, WindowName
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.money import DAY, Burn, Ledger, Tokens
from factory_tui.domain.reducer import fold
from tests.burn.telling import MINUTE, START, Journal, journals


def book_of(events: list[Event]) -> Book:
    book = Book()
    book.take_all(events)
    return book


def seen(journal: Journal | list[Event], window: WindowName = "all", ledger: Ledger = "live", by: By = "run") -> View:
    events = journal.events if isinstance(journal, Journal) else journal
    return book_of(events).series.view(window, events[-1].at, ledger, by, lambda _: True)


@settings(max_examples=30)
@given(journals(), st.sampled_from(GROUPINGS), st.sampled_from(("live", "rehearsal")))
def test_groups_sum_to_what_the_state_says_was_spent_to_the_last_digit(
    events: list[Event], by: By, ledger: Ledger
) -> None:
    view, state = seen(events, ledger=ledger, by=by), fold(events)
    spent = state.burn.get(ledger, Burn())
    assert view.total == spent
    assert total(view.groups.values()) == spent
    assert view.total == total(view.buckets)
    for run in state.runs.values() if by == "run" else ():
        found = view.groups.get(run.id, Burn())
        assert (found.money, found.tokens) == (
            (run.burn.money, run.burn.tokens) if run.ledger == ledger else (0, Tokens())
        )


@settings(max_examples=30)
@given(journals(), st.sampled_from(tuple(WINDOWS)), st.sampled_from(GROUPINGS))
def test_a_window_holds_what_was_settled_in_it_and_nothing_else(
    events: list[Event], window: WindowName, by: By
) -> None:
    view, scale = seen(events, window, by=by), WINDOWS[window]
    assert total(view.groups.values()) == view.total
    if scale.buckets:
        assert len(view.buckets) == scale.buckets
        live = {run.id for run in fold(events).runs.values() if run.ledger == "live"}
        paid = [event.fact for event in events if event.run in live and event.at >= view.begins]
        assert view.total.money == sum((one.money for one in paid if isinstance(one, e.CallSettled)), Decimal(0))


@settings(max_examples=30)
@given(journals(), st.data())
def test_it_is_the_same_whoever_brings_the_facts_and_in_whatever_pages(
    events: list[Event], data: st.DataObject
) -> None:
    book, at = Book(), 0
    wanted = [event for event in events if event.fact.__struct_config__.tag in KINDS]
    while at < len(wanted):
        until = data.draw(st.integers(at + 1, len(wanted)))
        book.take_all(wanted[data.draw(st.integers(0, at)) : until])  # pages may overlap
        at = until
    whole, now = book_of(events), events[-1].at
    for window in WINDOWS:
        assert list(book.series.cells(window, now)) == list(whole.series.cells(window, now))


def test_a_judges_call_is_its_scenarios_with_the_attempts_that_failed_before() -> None:
    journal = Journal()
    journal.queue("links-1")
    journal.say("links-1", e.NodeEntered("harness", "harness", 1))
    journal.call("links-1", -4, "0.02", purpose="judge", outcome="failed")
    journal.call("links-1", -5, "0.01", purpose="judge", outcome="failed")
    journal.judge("links-1", -4, "0.03", "expires")
    journal.call("links-1", 1, "0.5")
    journal.call("links-1", 1, "0.25", purpose="summary")
    groups = seen(journal, by="scenario").groups
    assert {name: burn.money for name, burn in groups.items()} == {
        "links/expires": Decimal("0.05"),
        REST["judge"]: Decimal("0.01"),
        REST["agent"]: Decimal("0.5"),
        REST["summary"]: Decimal("0.25"),
    }


def test_a_judgement_of_another_call_gets_nothing() -> None:
    journal = Journal()
    journal.queue("links-1")
    journal.queue("orders-1")
    journal.call("links-1", -4, "0.02", purpose="judge")
    journal.say("orders-1", e.Judged(1, 1, "expires", "vault", 0, 1, True, 0.9, "fine"))
    assert set(seen(journal, by="scenario").groups) == {REST["judge"]}


def test_calls_that_an_engines_end_left_are_not_those_of_the_same_number_after_it() -> None:
    journal = Journal()
    journal.queue("links-1")
    journal.call("links-1", -1, "0.02", purpose="judge", outcome="failed")
    journal.say("", e.EngineStarted("1", 1, "w", "process", False))
    journal.judge("links-1", -1, "0.03", "expires")
    groups = seen(journal, by="scenario").groups
    assert groups[REST["judge"]].money == Decimal("0.02")
    assert groups["links/expires"].money == Decimal("0.03")


def test_the_model_is_the_one_that_was_asked_and_the_phase_where_the_walk_was() -> None:
    journal = Journal()
    journal.queue("links-1")
    journal.say("links-1", e.NodeEntered("generate", "codergen", 1))
    journal.call("links-1", 1, "0.5", model="big")
    journal.say("links-1", e.NodeEntered("harness", "harness", 1))
    journal.judge("links-1", -1, "0.25", "expires")
    journal.say("links-1", e.CallSettled(9, 1, Tokens(1), Decimal(1), Decimal(1), 1.0, "possibly-paid-twice"))
    models, phases = seen(journal, by="model").groups, seen(journal, by="phase").groups
    assert {name: burn.money for name, burn in models.items()} == {
        "big": Decimal("0.5"),
        "small": Decimal("0.25"),
        UNKNOWN: Decimal(1),
    }
    assert set(phases) == {"agent in generate", "judge in harness", "agent in harness"}


def test_a_day_is_the_one_that_caps_count_a_call_for() -> None:
    journal = Journal(START + DAY - 1)
    journal.queue("links-1")
    yesterday = START // DAY
    journal.say("links-1", e.CallSettled(1, 1, Tokens(1), Decimal(1), Decimal(1), 1.0, "answered", day=yesterday))
    ((at, _, burn),) = book_of(journal.events).series.cells("all", journal.at)
    assert (at, burn.money) == (START, Decimal(1))


def test_a_window_holds_as_many_sums_as_it_has_buckets_however_long_it_goes_on() -> None:
    book, journal = Book(), Journal()
    journal.queue("links-1")
    for number in range(3000):
        journal.call("links-1", number, "0.01", after=4 * MINUTE)
    book.take_all(journal.events)
    for window, scale in WINDOWS.items():
        assert len(list(book.series.cells(window, journal.at))) <= (scale.buckets or 10)
    assert book.series.entries() < 330
    assert not book.accounts["links-1"].models


def test_a_clock_that_was_far_ahead_makes_no_endless_row_of_days() -> None:
    journal = Journal()
    journal.queue("links-1")
    journal.call("links-1", 1, "1")
    journal.say("links-1", e.CallSettled(2, 1, Tokens(1), Decimal(1), Decimal(1), 1.0, "answered", day=9_000_000))
    view = seen(journal)
    assert len(view.buckets) == 2
    assert view.total.money == 2
