"""What a seed's scenarios were found to be over visits, and which are flaky."""

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.domain import events as e
from factory_tui.domain.events import Event, Satisfaction
from factory_tui.domain.history import PAIRS, VISITS, Power, Visited, flaky, powers
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import Tally

SHARE = Satisfaction(1, 0, 1, 1, 1)


def visited(visit: int, commit: str, **tallies: tuple[int, int]) -> Visited:
    found = {name: Tally(good, bad) for name, (good, bad) in tallies.items()}
    return Visited("run-1", 1, visit, "screen", "rev", commit, found)


def test_without_draws_both_verdicts_of_a_snapshot_are_flaky_and_of_two_snapshots_are_not() -> None:
    visits = [visited(1, "c1", fixed=(1, 0), drawn=(1, 0)), visited(2, "c1", fixed=(0, 1), drawn=(0, 1))]
    assert flaky(visits, {"fixed"}) == {
        "fixed": "satisfied and not satisfied without any draw of the same snapshot, "
        "in visits 1 of run-1 and 2 of run-1"
    }
    assert flaky([visits[0], visited(2, "c2", fixed=(0, 1))], {"fixed"}) == {}


def test_with_draws_shares_have_to_lie_further_apart_than_chance_puts_them() -> None:
    apart = [visited(1, "c1", far=(8, 0), near=(4, 2)), visited(2, "c1", far=(1, 9), near=(2, 4))]
    assert list(flaky(apart, ())) == ["far"]


def test_the_newest_visits_of_a_seed_are_remembered_over_runs() -> None:
    facts: list[tuple[str, e.AnyFact]] = [("", e.SeedRevised("hello", "rev", "")), ("", e.CorpusRevised(
        "hello", "corpus", (("greets", "vault"),), {}, (), (), ("greets",)
    ))]  # fmt: skip
    for run in ("hello-1", "hello-2"):
        facts.append((run, e.RunQueued(
            "hello", "rev", "corpus", "factory", "", "m", "rehearsal", "ana", 0.9, 0.01, 30, 200, None, ()
        )))  # fmt: skip
        for number in range(1, VISITS):
            facts += [
                (run, e.PassBegan(number, "rev")),
                (run, e.VisitBegan(number, number, "screen", f"c{number}", 1)),
                (run, e.VerdictReached(number, number, "greets", "vault", 0, run == "hello-1", 1.0, "")),
                (run, e.VisitEnded(number, number, "screen", SHARE, SHARE, 0.1, "unsatisfied", "")),
            ]
    view = fold(Event(seq, str(seq), seq, fact, run) for seq, (run, fact) in enumerate(facts, 1)).seeds["hello"]
    assert len(view.visits) == VISITS
    assert view.visits[-1] == Visited("hello-2", 19, 19, "screen", "rev", "c19", {"greets": Tally(0, 1)})
    assert list(flaky(view.visits, view.fixed)) == ["greets"], "the run before it had the same snapshot 19"


def passes(*tallies: dict[str, tuple[int, int]], faults: tuple[str, ...] = ()) -> list[Visited]:
    """A visit each, of one pass after the other."""
    made = [visited(number, f"c{number}", **one) for number, one in enumerate(tallies, 1)]
    return [msgspec.structs.replace(one, number=one.visit, faults=faults) for one in made]


def test_a_scenario_that_ranks_passes_as_the_others_do_has_power_and_one_that_never_changes_has_none() -> None:
    rising = [(0, 4), (1, 3), (2, 2), (4, 0)]
    seen = passes(*({"tells": one, "b": one, "c": one, "always": (4, 0), "against": one[::-1]} for one in rising))
    found = powers(seen)
    assert found["tells"] == Power(1.0, PAIRS)
    assert found["always"] == Power(0.0, PAIRS)
    assert found["against"] == Power(-1.0, PAIRS)
    assert str(found["against"]) == "-1.00"


def test_of_too_few_passes_nothing_is_said() -> None:
    few = passes(*({"tells": one, "other": one} for one in [(0, 4), (1, 3), (2, 2)]))
    assert powers(few)["tells"] == Power(None, 3)
    assert str(powers(few)["tells"]) == "too few visits"
    alone = passes(*({"tells": one} for one in [(0, 4), (1, 3), (2, 2), (4, 0)]))
    assert powers(alone)["tells"] == Power(None, 0), "there is nothing to hold it against"


def test_a_screen_and_its_confirm_are_one_pass() -> None:
    twice = [msgspec.structs.replace(one, number=1) for one in passes(*({"a": one, "b": one} for one in [(0, 4)] * 9))]
    assert powers(twice)["a"].pairs == 0


def test_what_was_judged_while_an_operator_had_a_twin_fail_tells_nothing() -> None:
    rising = [{"a": one, "b": one} for one in [(0, 4), (1, 3), (2, 2), (4, 0)]]
    assert powers(passes(*rising, faults=("ledger 429",)))["a"] == Power(None, 0)
    both = [visited(1, "c1", fixed=(1, 0)), msgspec.structs.replace(visited(2, "c1", fixed=(0, 1)), faults=("x 500",))]
    assert flaky(both, {"fixed"}) == {}


SHARES = st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=4)


@given(st.lists(SHARES, max_size=9), st.randoms())
def test_power_lies_between_one_against_and_one_for_whatever_the_order_of_the_visits(
    tallies: list[dict[str, tuple[int, int]]], chance: Random
) -> None:
    seen = passes(*tallies)
    found = powers(seen)
    assert found.keys() == {name for one in tallies for name in one}
    assert all(one.value is None or -1 <= one.value <= 1 for one in found.values())
    assert all((one.value is None) == (one.pairs < PAIRS) for one in found.values())
    turned = powers(
        [
            msgspec.structs.replace(one, tallies={n: Tally(t.unsatisfied, t.satisfied) for n, t in one.tallies.items()})
            for one in seen
        ]
    )
    assert {n: one.pairs for n, one in turned.items()} == {n: one.pairs for n, one in found.items()}
    mixed = list(seen)
    chance.shuffle(mixed)
    assert powers(mixed) == found
