"""What burn bought: scenarios, output, and whether it compounds; and whose it was."""

from decimal import Decimal

import pytest
from hypothesis import given, settings

from factory_tui.burn.book import Book
from factory_tui.burn.people import Targets, spent
from factory_tui.burn.series import total
from factory_tui.burn.worth import each, estimate, growth, satisfied, sizes, successions
from factory_tui.console.reckoning import goes
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.money import DAY, Burn
from factory_tui.domain.reducer import fold
from factory_tui.twins.messages.tokens import text_tokens
from tests.burn.telling import START, Journal, journals


def judged(journal: Journal, run: str, number: int, verdicts: dict[str, tuple[int, int]]) -> None:
    journal.say(run, e.PassBegan(number, "9f3c"))
    for name, (good, bad) in verdicts.items():
        for index in range(good + bad):
            fact = e.VerdictReached(1, number, name, "vault", index, index < good, 1.0, "")
            journal.say(run, fact)


def test_money_is_for_each_scenario_that_the_newest_judged_pass_satisfies() -> None:
    journal = Journal()
    journal.queue("links-1")
    journal.call("links-1", 1, "0.60")
    judged(journal, "links-1", 1, {"a": (3, 0), "b": (3, 0), "c": (3, 0)})
    judged(journal, "links-1", 2, {"a": (3, 0), "b": (2, 1), "c": (1, 2), "d": (1, 1), "e": (0, 0)})
    journal.say("links-1", e.PassBegan(3, "9f3c"))
    run = fold(journal.events).runs["links-1"]
    assert satisfied(run) == 2, "a and b; c and d by no majority; nothing is known of e and of pass 3"
    assert each(run) == Decimal("0.30")


def test_what_was_judged_under_a_fault_buys_nothing() -> None:
    journal = Journal()
    journal.queue("links-1")
    journal.call("links-1", 1, "0.60")
    judged(journal, "links-1", 1, {"a": (3, 0), "b": (3, 0), "c": (0, 3)})
    journal.say("links-1", e.PassBegan(2, "9f3c"))
    journal.say("links-1", e.VerdictReached(2, 2, "a", "vault", 0, True, 1.0, "", faults=("ledger 500",)))
    assert satisfied(fold(journal.events).runs["links-1"]) == 2


def test_what_satisfies_nothing_has_no_price_each() -> None:
    journal = Journal()
    journal.queue("links-1")
    journal.call("links-1", 1, "0.60")
    assert each(fold(journal.events).runs["links-1"]) is None


@pytest.mark.parametrize("octets", [0, 1, 4, 5, 1_000_001])
def test_the_estimate_is_by_the_twins_own_rule(octets: int) -> None:
    assert estimate(octets) == text_tokens("x" * octets)


def test_size_and_growth_of_each_pass_and_a_slope_that_one_odd_pass_does_not_bend() -> None:
    journal = Journal()
    journal.queue("links-1")
    for number, size in enumerate((4_000, 8_000, 400_000, 16_000, 20_000), 1):
        journal.say("links-1", e.PassBegan(number, "9f3c"))
        journal.end("links-1", number, 0.5, size)
    journal.say("links-1", e.PassBegan(6, "9f3c"))
    found = sizes(fold(journal.events).runs["links-1"].passes)
    assert [one.tokens for one in found] == [1_000, 2_000, 100_000, 4_000, 5_000]
    assert [one.growth for one in found] == [None, 1_000, 98_000, -96_000, 1_000]
    slope = growth(found)
    assert slope is not None
    assert slope.slope == 1_000


def shipped(*passes: int, seed: str = "links", journal: Journal | None = None) -> Journal:
    journal = journal or Journal()
    for number, count in enumerate(passes, 1):
        run = f"{seed}-{number}"
        journal.queue(run)
        for item in range(1, count + 1):
            journal.say(run, e.PassBegan(item, "9f3c"))
            journal.call(run, item, "0.10")
        journal.say(run, e.RunMoved("shipped"))
    return journal


def test_runs_of_a_loop_that_take_fewer_passes_each_compound_and_it_is_said() -> None:
    [loop] = successions(fold(shipped(7, 6, 5, 4, 3, 2).events))
    assert loop.passes == (7, 6, 5, 4, 3, 2)
    assert (loop.loop, loop.seed) == ("factory", "links")
    assert goes(loop.in_passes, "passes", str) == "passes fall by 1.0 a run (tau -1.00, p 0.0028, 6 runs)"
    assert goes(loop.in_money, "dollars", "{:.2f}".format).startswith("dollars fall by 0.10 a run (tau")


def test_chance_is_called_that_and_few_runs_tell_nothing() -> None:
    [loop] = successions(fold(shipped(3, 5, 2, 4, 3).events))
    assert goes(loop.in_passes, "passes", str).startswith("passes: no trend beyond chance (tau")
    [few] = successions(fold(shipped(5, 4, 3, 2).events))
    assert goes(few.in_passes, "passes", str) == "passes: 4 runs tell nothing, 5 may"
    [one] = successions(fold(shipped(5).events))
    assert goes(one.in_passes, "passes", str) == "passes: 1 run tells nothing, 5 may"


def test_a_loop_of_several_seeds_is_told_whole_and_by_seed_and_a_fork_in_neither() -> None:
    journal = shipped(2, 1, seed="orders", journal=shipped(3, 2))
    journal.queue("links-9")
    journal.say("links-9", e.RunForked("links-1", 2, "c2"), e.PassBegan(1, "9f3c"), e.RunMoved("shipped"))
    found = successions(fold(journal.events))
    assert [(one.seed, one.passes) for one in found] == [("", (3, 2, 2, 1)), ("links", (3, 2)), ("orders", (2, 1))]


@settings(max_examples=30)
@given(journals())
def test_operators_and_days_sum_to_the_ledger(events: list[Event]) -> None:
    book = Book()
    book.take_all(events)
    for ledger in ("live", "rehearsal"):
        told = spent(book, ledger, events[-1].at, Targets(Decimal(1)))
        whole = fold(events).burn.get(ledger, Burn())
        assert total(one.burn for one in told) == whole
        assert len({(one.day, one.operator) for one in told}) == len(told)


def test_a_call_counts_for_whoever_started_the_run_else_for_the_seeds_owner() -> None:
    journal = Journal(START)
    journal.queue("links-1", owner="ana", actor="bea")
    journal.queue("links-2", owner="ana")
    journal.call("links-1", 1, "3")
    journal.call("links-2", 1, "5", after=DAY)
    book = Book()
    book.take_all(journal.events)
    told = spent(book, "live", journal.at, Targets(Decimal(4), {"ana": Decimal("4.5")}))
    assert [(one.day - START // DAY, one.operator, one.over) for one in told] == [
        (1, "ana", Decimal("0.5")),
        (0, "bea", Decimal(-1)),
    ]
    assert [one.over for one in spent(book, "live", journal.at, Targets())] == [None, None]
