"""Bounds: exact coverage by enumeration, and monotone as common sense asks."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.covering import exact
from factory_tui.domain.events import ScenarioSet, VerdictReached
from factory_tui.harness.satisfaction import PEOPLE, Count, Stratum, at_most, between, count, lower, upper


def verdict(scenario: str, satisfied: bool | None, index: int = 0, which: ScenarioSet = "vault") -> VerdictReached:
    return VerdictReached(1, 1, scenario, which, index, satisfied, 1.0 if satisfied else 0.0, "as wanted")


@pytest.mark.parametrize("level", [0.05, 0.01, 0.001])
@pytest.mark.parametrize("total", [1, 7, 32, 60])
@pytest.mark.parametrize("truth", [0.3, 0.5, 0.8, 0.9, 0.98])
def test_the_bound_covers_the_truth_as_often_as_it_says(truth: float, total: int, level: float) -> None:
    missed = sum(
        comb(total, k) * truth**k * (1 - truth) ** (total - k)
        for k in range(total + 1)
        if lower(k, total, level) > truth
    )
    assert missed <= level + 1e-12


@given(st.integers(1, 80), st.data())
def test_more_satisfied_never_lowers_the_bound(total: int, data: st.DataObject) -> None:
    satisfied = data.draw(st.integers(0, total - 1))
    assert lower(satisfied, total, PEOPLE) <= lower(satisfied + 1, total, PEOPLE)
    assert lower(satisfied, total, 0.001) <= lower(satisfied, total, PEOPLE)
    assert lower(satisfied, total, PEOPLE) <= satisfied / total <= upper(satisfied, total, PEOPLE)


@given(st.integers(1, 150), st.integers(0, 150), st.floats(0.01, 0.99))
def test_the_tail_is_the_sum_of_its_terms(total: int, failures: int, chance: float) -> None:
    exact = sum(comb(total, k) * chance**k * (1 - chance) ** (total - k) for k in range(min(failures, total) + 1))
    assert at_most(failures, total, chance) == pytest.approx(exact, abs=1e-9)


def test_known_figures() -> None:
    assert lower(29, 29, 0.05) == pytest.approx(0.05 ** (1 / 29), abs=1e-9)
    assert lower(8, 10, 0.025) == pytest.approx(0.4439, abs=1e-4)
    assert upper(8, 10, 0.025) == pytest.approx(0.9748, abs=1e-4)


def test_the_share_is_weighted_and_void_counts_for_nobody() -> None:
    strata = {"heavy": Stratum(3.0), "light": Stratum(1.0)}
    verdicts = [verdict("heavy", True), verdict("light", False), verdict("light", None, 1), verdict("other", False)]
    counted = count(verdicts, strata)
    assert (counted.share, counted.satisfied, counted.total, counted.void) == (0.75, 1, 2, 1)


def test_a_scenario_without_draws_is_one_observation_and_its_failure_costs_its_weight() -> None:
    strata = {"drawn": Stratum(1.0), "fixed": Stratum(1.0, drawn=False)}
    good = [verdict("drawn", True, index) for index in range(20)]
    twice = count([*good, verdict("fixed", True), verdict("fixed", True, 1)], strata)
    assert twice.total == 21
    flaky = count([*good, verdict("fixed", True), verdict("fixed", False, 1)], strata)
    assert flaky.fixed == 0.5
    assert flaky.low(0.001) <= twice.low(0.001) - 0.5 + 1e-9
    assert flaky.share == 0.5


def test_nothing_seen_is_nothing_known() -> None:
    nothing = count([], {"a": Stratum(1.0)}).satisfaction()
    assert (nothing.share, nothing.low, nothing.high, nothing.total) == (0.0, 0.0, 1.0, 0)


def test_the_interval_for_people_covers_nine_times_in_ten_and_is_little_wider_than_wilsons() -> None:
    points = list(exact(totals=(5, 6, 7, 8, 10, 16, 32)))
    assert min(point.coverage for point in points) >= 0.9 - 1e-9
    assert max(point.width for point in points) <= 1.25


@given(st.integers(1, 80), st.data())
def test_the_interval_for_people_lies_within_the_two_bounds_and_rises_with_what_satisfies(
    total: int, data: st.DataObject
) -> None:
    satisfied = data.draw(st.integers(0, total))
    low, high = between(satisfied, total, 2 * PEOPLE)
    assert lower(satisfied, total, PEOPLE) <= low <= satisfied / total <= high <= upper(satisfied, total, PEOPLE)
    if satisfied < total:
        above = between(satisfied + 1, total, 2 * PEOPLE)
        assert low <= above[0]
        assert high <= above[1]


@pytest.mark.parametrize(("satisfied", "total", "level"), [(3, 10, 0.05), (8, 10, 0.1), (5, 5, 0.1)])
def test_the_interval_is_what_blakers_test_does_not_reject(satisfied: int, total: int, level: float) -> None:
    def accepted(truth: float) -> bool:
        below = [at_most(k, total, truth) for k in range(-1, total + 1)]  # P(X <= k) stands at k + 1
        tails = (below[satisfied + 1], [1 - part for part in reversed(below)]), (1 - below[satisfied], below)
        near, others = min(tails, key=lambda tail: tail[0])
        return near + max(part for part in others if part <= near + 1e-12) > level

    kept = [step / 4000 for step in range(1, 4000) if accepted(step / 4000)]
    low, high = between(satisfied, total, level)
    assert kept[0] == pytest.approx(low, abs=0.0003)
    assert kept[-1] == pytest.approx(high, abs=0.0003)


@given(st.lists(st.tuples(st.sampled_from([0.5, 1.0, 2.0, 5.0]), st.integers(1, 9)), min_size=1, max_size=6))
def test_unequal_turns_tell_less_than_their_number_and_turns_by_weight_just_as_much(
    stories: list[tuple[float, int]],
) -> None:
    strata = {str(place): Stratum(weight) for place, (weight, _) in enumerate(stories)}

    def counted(turns: list[int]) -> Count:
        runs = zip(strata, turns, strict=True)
        return count([verdict(name, True, at) for name, often in runs for at in range(often)], strata)

    assert 1 <= counted([often for _, often in stories]).effective <= sum(often for _, often in stories)
    by_weight = counted([int(2 * weight) for weight, _ in stories])
    assert by_weight.effective == by_weight.total


@given(st.integers(1, 60), st.data())
def test_judges_that_err_widen_the_interval_and_lower_every_bound(total: int, data: st.DataObject) -> None:
    satisfied, error = data.draw(st.integers(0, total)), data.draw(st.floats(0.0, 0.4))
    sure = Count(satisfied, total, share=satisfied / total, effective=total)
    noisy = Count(satisfied, total, share=satisfied / total, effective=total, error=error, judged=1.0)
    assert sure.low(0.001) * (1 - error) + error >= sure.low(0.001) >= noisy.low(0.001) >= sure.low(0.001) - error
    assert noisy.satisfaction().low <= sure.satisfaction().low <= sure.satisfaction().high
    assert noisy.satisfaction().high >= sure.satisfaction().high
    assert Count(total, total, error=0.1).low(0.05) == lower(total, total, 0.05), "no scenario is judged by a model"
