"""Judge noise: what flips tell of errors, how often a transcript is judged, and that no bound promises too much."""

import random
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.domain.events import Flips
from factory_tui.harness.noise import (
    LEARN,
    Panel,
    beyond,
    error_of,
    error_of_verdicts,
    fewest,
    high,
    low,
    majority_error,
    panel,
    pooled,
    unfit,
)
from factory_tui.harness.satisfaction import off

MOST, WANTED = 11, 0.01


def judged(panel: Panel, dice: random.Random, error: float) -> list[bool]:
    """Judgements of one transcript that should be a yes, until its panel is done."""
    said: list[bool] = []
    while panel.verdict(said) is None:
        said.append(dice.random() >= error)
    return said


def told(dice: random.Random, error: float, transcripts: int) -> tuple[Flips, list[int], int, int]:
    """The flips of so many, the size of each panel, how many verdicts are wrong, and how often judges were asked."""
    flips, sizes, wrong, asked = Flips(), list[int](), 0, 0
    for _ in range(transcripts):
        chosen = panel(flips, WANTED, MOST)
        said = judged(chosen, dice, error)
        flips += Flips.of(len(said), min(said.count(True), said.count(False)))
        sizes.append(chosen.size)
        wrong += chosen.verdict(said) is False
        asked += len(said)
    return flips, sizes, wrong, asked


@given(st.floats(0, 0.5))
def test_the_error_is_the_one_that_flips_so_often(error: float) -> None:
    assert error_of(2 * error * (1 - error)) == pytest.approx(error, abs=1e-7)


@given(st.floats(0, 0.5), st.sampled_from([1, 3, 5, 7, 9, 11]))
def test_a_majority_errs_as_often_as_its_terms_say(error: float, size: int) -> None:
    terms = (comb(size, k) * error**k * (1 - error) ** (size - k) for k in range(size // 2 + 1, size + 1))
    assert majority_error(error, size) == pytest.approx(sum(terms), abs=1e-9)
    assert majority_error(error, size + 2) <= majority_error(error, size) + 1e-12


@given(st.lists(st.booleans(), min_size=11, max_size=11), st.sampled_from([3, 5, 7, 9, 11]))
def test_judges_who_differ_are_all_heard_and_stopping_at_their_majority_changes_no_verdict(
    said: list[bool], size: int
) -> None:
    early, late = Panel(size, MOST), Panel(size, MOST, whole=True)
    stopped = next(n for n in range(1, MOST + 1) if early.verdict(said[:n]) is not None)
    one_mind = len(set(said[:size])) == 1
    assert stopped <= size if one_mind else stopped > size // 2
    wanted = said[0] if one_mind else 2 * sum(said) > MOST
    assert early.verdict(said[:stopped]) == wanted
    assert late.verdict(said[: size if one_mind else MOST]) == wanted
    assert late.verdict(said[: (size if one_mind else MOST) - 1]) is None


@pytest.mark.parametrize(("rate", "size"), [(0.0, 1), (0.05, 3), (0.15, 5), (0.27, 9)])
def test_the_fewest_judgements_for_an_error_of_one_in_a_hundred(rate: float, size: int) -> None:
    assert fewest(error_of(rate), WANTED, MOST) == size
    assert fewest(error_of(rate), WANTED, size - 1) is None
    assert fewest(error_of(0.5), WANTED, 99) is None


def test_one_judge_tells_nothing_and_two_that_differ_are_one_flip() -> None:
    assert Flips.of(1, 0) == Flips()
    assert Flips.of(2, 1) == Flips(1.0, 1.0, 1)
    assert pooled([Flips.of(4, 1), Flips.of(4, 0)]) == Flips(1.0, 4.0, 2)
    assert pooled([Flips.of(4, 1), Flips.of(4, 0)]).rate == 0.25


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.27])
def test_the_flip_rate_is_measured_without_bias_and_bounded_from_above(rate: float) -> None:
    dice, rates, covered = random.Random(7), list[float](), 0
    for _ in range(40):
        flips, *_ = told(dice, error_of(rate), 25)
        rates.append(flips.rate)
        covered += low(flips) <= rate <= high(flips)
    assert sum(rates) / len(rates) == pytest.approx(rate, abs=0.025)
    assert covered >= 0.9 * 40


@pytest.mark.parametrize("rate", [0.05, 0.15, 0.27])
def test_verdicts_err_no_more_than_is_wanted(rate: float) -> None:
    flips, sizes, wrong, asked = told(random.Random(11), error_of(rate), 600)
    assert wrong <= WANTED * 600
    assert error_of_verdicts(flips, sizes) <= 1.2 * WANTED
    assert asked <= 7.5 * 600
    assert not unfit(flips, WANTED, MOST)


def test_judges_that_toss_a_coin_are_found_out() -> None:
    flips, *_ = told(random.Random(3), 0.5, 20)
    assert beyond(flips, WANTED, MOST)
    assert unfit(flips, WANTED, MOST)


def test_while_nothing_is_known_nothing_is_promised_and_all_are_asked() -> None:
    assert high(Flips()) == 0.5
    assert error_of_verdicts(Flips(), [MOST]) == pytest.approx(0.5)
    assert panel(Flips(), WANTED, MOST) == Panel(MOST, MOST, whole=True)
    assert not beyond(Flips(), WANTED, MOST)
    assert error_of_verdicts(Flips(), []) == 0.0


@given(st.floats(0, 200), st.floats(LEARN, 200))
def test_more_flips_never_make_a_smaller_panel(flips: float, pairs: float) -> None:
    fewer = Flips(min(flips, pairs) / 2, pairs, 1)
    more = Flips(min(flips, pairs), pairs, 1)
    assert high(fewer) <= high(more)
    assert 3 <= panel(fewer, WANTED, MOST).size <= panel(more, WANTED, MOST).size <= MOST


@given(st.data(), st.floats(0, 0.5))
def test_whatever_way_judges_lean_no_more_is_added_than_is_taken_off(data: st.DataObject, error: float) -> None:
    some = data.draw(st.integers(1, 6))
    truths = data.draw(st.lists(st.floats(0, 1), min_size=some, max_size=some))
    weights = data.draw(st.lists(st.integers(1, 10), min_size=some, max_size=some))
    by_model = data.draw(st.lists(st.booleans(), min_size=some, max_size=some))
    leans = [(data.draw(st.floats(0, error)), data.draw(st.floats(0, error))) for _ in range(some)]
    truth = observed = share = 0.0
    for chance, weight, model, (yes, no) in zip(truths, weights, by_model, leans, strict=True):
        part = weight / sum(weights)
        truth += part * chance
        observed += part * (chance + (1 - chance) * yes - chance * no if model else chance)
        share += part * model
    assert observed - off(observed, error, share) <= truth + 1e-9
