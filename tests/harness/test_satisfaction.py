"""Bounds: exact coverage by enumeration, and monotone as common sense asks."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.domain.events import ScenarioSet, VerdictReached
from factory_tui.harness.satisfaction import PEOPLE, Stratum, at_most, count, lower, upper


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
