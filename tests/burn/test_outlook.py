"""When a run will satisfy: said by what was known, and held against what came."""

from decimal import Decimal
from math import ceil, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.burn.book import Book
from factory_tui.burn.outlook import MOST, NEED, POOL, Gain, Outlook, gain, miss, outlook, record
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from tests.burn.telling import MINUTE, Journal, journals

gains = st.lists(
    st.builds(Gain, st.floats(-0.5, 1), st.decimals(0, 5, places=4, allow_nan=False), st.integers(0, 10**7)),
    max_size=12,
)
CLOSES_HALF = [Gain(0.5, Decimal("0.10"), 600_000)] * 3


def told(events: list[Event]) -> Book:
    book = Book()
    book.take_all(events)
    return book


def test_half_of_what_is_missing_each_pass() -> None:
    found = outlook(0.5, 0.9, CLOSES_HALF, [])
    assert found is not None
    assert (found.passes, found.least, found.most) == (3, 3, 3), "0.5 to 0.75, 0.875, 0.9375"
    assert (found.money, found.took, found.known) == (Decimal("0.30"), 1_800_000, 3)


@pytest.mark.parametrize(("known", "share"), [(NEED - 1, 0.5), (NEED, 0.9), (NEED, 1.0)])
def test_nothing_is_foretold_of_too_little_or_of_what_is_there(known: int, share: float) -> None:
    assert outlook(share, 0.9, [CLOSES_HALF[0]] * known, []) is None


def test_a_run_that_gains_nothing_sees_no_end() -> None:
    found = outlook(0.5, 0.9, [*CLOSES_HALF[:1], *[Gain(0.0, Decimal(1), 1)] * 4], [])
    assert found is not None
    assert (found.passes, found.most) == (None, None)


def test_earlier_passes_of_the_loop_fill_up_what_its_own_leave_room_for() -> None:
    others = [Gain(0.1, Decimal(1), 1)] * 20
    two = outlook(0.5, 0.9, CLOSES_HALF[:2], others)
    assert two is not None
    assert two.known == POOL
    assert two == outlook(0.5, 0.9, CLOSES_HALF[:2], others[: POOL - 2])
    assert outlook(0.5, 0.9, CLOSES_HALF, others) == outlook(0.5, 0.9, CLOSES_HALF, []), "its own are enough"


def test_all_of_it_is_one_pass_and_a_share_of_one_is_reached() -> None:
    assert getattr(outlook(0.2, 1.0, [Gain(1.0, Decimal(1), 1)] * 3, []), "passes", None) == 1
    found = outlook(0.5, 1.0, CLOSES_HALF, [])
    assert found is not None
    assert found.passes == ceil(log(0.005 / 0.5) / log(0.5))


@settings(max_examples=40)
@given(st.floats(0, 0.99), st.floats(0.5, 1), gains)
def test_an_interval_holds_its_middle_and_nobody_waits_for_ever(
    share: float, ship_at: float, known: list[Gain]
) -> None:
    found = outlook(share, ship_at, known, [])
    if found is None or found.passes is None:
        return
    assert 1 <= found.passes <= MOST
    assert found.least is not None
    assert found.least <= found.passes
    assert found.most is None or found.passes <= found.most


@settings(max_examples=40)
@given(gains)
def test_in_which_order_passes_came_does_not_matter(known: list[Gain]) -> None:
    known = known[:POOL]
    assert outlook(0.3, 0.9, known, []) == outlook(0.3, 0.9, known[::-1], []) == outlook(0.3, 0.9, sorted(known), [])


def test_gains_are_shares_of_what_was_missing() -> None:
    assert gain(0.5, 0.75, Decimal(1), 5).closed == 0.5
    assert gain(0.5, 0.25, Decimal(1), 5).closed == -0.5
    assert gain(1.0, 0.5, Decimal(1), 5).closed == 0.0


def test_a_miss_is_by_amount_and_says_whether_the_interval_held() -> None:
    found = outlook(0.5, 0.9, CLOSES_HALF, [])
    assert found is not None
    wrong = miss(found, 5, Decimal("0.20"), 1_000_000)
    assert wrong is not None
    assert (wrong.passes, wrong.money, wrong.took, wrong.inside) == (2, Decimal("0.10"), 800_000, False)
    kept = record([wrong], 2, 1)
    assert kept is not None
    assert (kept.count, kept.passes, kept.inside, kept.never, kept.unseen) == (1, 2.0, 0, 2, 1)


@settings(max_examples=25)
@given(journals())
def test_the_back_test_is_a_replay_of_what_was_known_at_each_pass(events: list[Event]) -> None:
    """By a fresh book of all that came before, and nothing after, for each run and pass."""
    misses, never, unseen = list[tuple[object, object]](), 0, 0
    foretold: dict[str, list[tuple[int, Event, Decimal, Outlook]]] = {}
    for number, event in enumerate(events, 1):
        match event.fact:
            case e.RunQueued() | e.PassEnded():
                known = told(events[:number]).accounts[event.run]
                if known.reached:
                    for passes, then, money, outlook in foretold.pop(event.run, []):
                        spent = known.pace.money - money
                        found = miss(outlook, known.passes - passes, spent, event.at - then.at)
                        misses += [(event.seq, found)] if found else []
                        unseen += found is None
                elif known.outlook:
                    entry = known.passes, event, known.pace.money, known.outlook
                    foretold.setdefault(event.run, []).append(entry)
            case e.RunMoved(state="shipped" | "stopped"):
                never += sum(one[3].passes is not None for one in foretold.pop(event.run, []))
    book = told(events)
    loops = book.loops.values()
    assert sorted(map(repr, (one for loop in loops for one in loop.misses))) == sorted(repr(one) for _, one in misses)
    assert (sum(loop.never for loop in loops), sum(loop.unseen for loop in loops)) == (never, unseen)


def test_what_was_foretold_of_a_run_is_held_against_what_came() -> None:
    journal = Journal()
    for number in (1, 2):
        journal.whole(f"links-{number}", [0.5, 0.75, 0.875])  # closes half each time
    journal.queue("orders-1")
    book = told(journal.events)
    first = book.accounts["orders-1"].outlook
    assert first is not None
    assert first.passes == 3, "0.5, 0.75, 0.875 reach 0.8"
    assert first.money == Decimal("0.30")
    for number, share in enumerate((0.5, 0.9), 1):
        journal.call("orders-1", number, "0.10", after=10 * MINUTE)
        journal.end("orders-1", number, share)
    kept = told(journal.events).loop(book.accounts["orders-1"]).record()
    assert kept is not None
    # links-2 at its beginning (right), after its passes 1 and 2 (right); orders-1 at its own (one too many), after 1.
    assert (kept.count, kept.passes, kept.never, kept.unseen) == (5, 0.0, 0, 0)
    assert kept.inside == 3
    assert told(journal.events).accounts["orders-1"].outlook is None, "it satisfies"


def test_a_run_that_ends_without_counts_against_what_was_foretold() -> None:
    journal = Journal()
    journal.whole("links-1", [0.5, 0.75, 0.875])
    journal.whole("links-2", [0.1], over="stopped")
    book = told(journal.events)
    kept = book.loop(book.accounts["links-2"]).record()
    assert kept is not None
    assert (kept.count, kept.never) == (0, 2)


def test_rehearsals_tell_nothing_of_live_runs_nor_one_loop_of_another() -> None:
    journal = Journal()
    journal.whole("links-1", [0.5, 0.75, 0.875])
    journal.queue("orders-1", ledger="rehearsal")
    journal.queue("orders-2", loop="bugfix")
    book = told(journal.events)
    assert book.accounts["orders-1"].outlook is None
    assert book.accounts["orders-2"].outlook is None


def test_a_fork_goes_on_from_what_its_origin_had_and_a_restart_from_where_it_goes_back_to() -> None:
    journal = Journal()
    journal.whole("links-1", [0.5, 0.75, 0.875])
    journal.queue("links-2")
    journal.say("links-2", e.RunForked("links-1", 2, "c2"))
    forked = told(journal.events).accounts["links-2"]
    assert forked.outlook is not None
    assert forked.outlook.passes == 1
    assert len(forked.foretold) == 1
    journal.call("links-2", 1, "0.1")
    journal.end("links-2", 1, 0.5)
    journal.say("links-2", e.RunRestarted(0))
    journal.call("links-2", 2, "0.1")
    journal.end("links-2", 2, 0.5)
    assert [round(one.closed, 3) for one in told(journal.events).accounts["links-2"].gains] == [-1.0, 0.5]


def test_a_pass_that_nobody_measured_gained_nothing() -> None:
    journal = Journal()
    journal.queue("links-1")
    journal.end("links-1", 1, 0.5)
    journal.end("links-1", 2, None)
    account = told(journal.events).accounts["links-1"]
    assert [one.closed for one in account.gains] == [0.5, 0.0]
    assert account.share == 0.5


def test_a_pass_that_was_judged_under_a_fault_neither_gained_nor_satisfied() -> None:
    journal = Journal()
    journal.whole("links-1", [0.5, 0.75, 0.875])
    journal.queue("links-2")
    journal.call("links-2", 1, "0.1")
    journal.end("links-2", 1, 1.0, faults=("ledger 500",))
    book = told(journal.events)
    account = book.accounts["links-2"]
    assert (account.gains, account.share, account.reached, account.passes) == ([], 0.0, False, 1)
    assert account.outlook is not None
    assert account.outlook.passes == 3, "as from the beginning"
    assert book.loop(account).record() is None, "nothing came that could be held against what was told"


def test_a_run_that_begins_anew_is_foretold_from_what_it_begins_with() -> None:
    journal = Journal()
    journal.whole("links-1", [0.5, 0.75, 0.875])
    journal.queue("links-2")
    journal.end("links-2", 1, 0.75)
    before = told(journal.events).accounts["links-2"].outlook
    journal.say("links-2", e.RunRestarted(0))
    after = told(journal.events).accounts["links-2"]
    assert before is not None
    assert after.outlook is not None
    assert after.outlook.passes is not None
    assert before.passes == 1 < after.outlook.passes
    assert len(after.foretold) == 2, "at its beginning, and after its pass"
