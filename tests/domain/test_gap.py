"""The overfit gap: exact chances against enumeration, and what a run's passes come to."""

from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.domain import events as e
from factory_tui.domain.events import Event, Satisfaction
from factory_tui.domain.gap import by_chance, gap_of
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import Pass


def share(satisfied: int, total: int) -> Satisfaction:
    return Satisfaction(satisfied / total if total else 0.0, 0, 1, satisfied, total)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int, int]:
    told, kept = draw(st.integers(1, 7)), draw(st.integers(1, 9))
    return draw(st.integers(0, told)), told, draw(st.integers(0, kept)), kept


@given(st.lists(tables(), min_size=1, max_size=3))
def test_the_chance_counts_every_way_in_which_so_many_could_be_satisfied(
    passes: list[tuple[int, int, int, int]],
) -> None:
    def ways(one: tuple[int, int, int, int]) -> list[tuple[int, int]]:
        good, told, fine, kept = one
        return [(n, comb(told, n) * comb(kept, good + fine - n)) for n in range(told + 1) if good + fine >= n]

    seen = sum(good for good, *_ in passes)
    whole, much = 0, 0
    for found in product(*map(ways, passes)):
        chance = 1
        for _, one in found:
            chance *= one
        whole += chance
        much += chance if sum(number for number, _ in found) >= seen else 0
    assert by_chance(tuple(passes)) == pytest.approx(much / whole)


def test_known_chances() -> None:
    assert by_chance(((5, 5, 0, 8),)) == pytest.approx(1 / 1287)
    assert by_chance(((3, 4, 1, 4),)) == pytest.approx(17 / 70), "the lady tasting tea"
    assert by_chance(((0, 5, 8, 8),)) == 1.0


def test_the_first_pass_counts_only_while_it_is_alone() -> None:
    told, kept = share(5, 5), share(3, 8)
    alone = gap_of([(told, kept)])
    assert alone is not None
    assert (alone.share, alone.passes) == (0.625, 1)
    later = gap_of([(told, kept), (None, None), (told, kept), (told, kept)])
    assert later is not None
    assert later.passes == 2
    assert later.chance == pytest.approx((56 / 1287) ** 2)
    assert gap_of([(told, share(0, 0))]) is None
    assert gap_of([]) is None


def test_a_run_reckons_over_passes_of_the_same_seed_and_scenarios() -> None:
    def judged(number: int, revision: str = "rev", corpus: str = "corpus") -> list[e.AnyFact]:
        ended = e.VisitEnded(number, number, "screen", share(5, 5), share(2, 8), 0.1, "unsatisfied", "")
        return [e.PassBegan(number, revision, corpus), ended]

    queued = e.RunQueued(
        "seed", "rev", "corpus", "factory", "", "m", "rehearsal", "ana", 0.9, 0.01, 10, 200, None, ()
    )  # fmt: skip
    facts = [queued, *judged(1), *judged(2), *judged(3), *judged(4, corpus="other"), *judged(5, "new"), *judged(6)]
    state = fold(Event(seq, str(seq), seq, fact, "run-1") for seq, fact in enumerate(facts, 1))

    def over(item: Pass) -> int:
        assert item.gap is not None
        return item.gap.passes

    assert [over(item) for item in state.runs["run-1"].passes] == [1, 1, 2, 1, 1, 3]


def test_of_more_trajectories_than_can_be_reckoned_with_no_gap_is_told() -> None:
    few, many = Satisfaction(0.5, 0.4, 0.6, 5, 10), Satisfaction(0.5, 0.4, 0.6, 2**40, 2**41)
    assert gap_of([(many, many)]) is None
    assert gap_of([(few, few), (many, few)]) == gap_of([(few, few)])
