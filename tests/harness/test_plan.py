"""The ship rule: probabilities are computed by dynamic programming, and drawn passes keep to them."""

import random
from math import sqrt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.noisy import Doubting, Judges
from bench.shipping import Deciding, plan_of, ships
from factory_tui.domain.events import ScenarioSet
from factory_tui.harness.plan import Plan, allowed, make_plan
from factory_tui.harness.satisfaction import Count
from factory_tui.harness.shapes import IntDraw, Scenario


def story(name: str, which: ScenarioSet = "vault", weight: float = 1.0, drawn: bool = True, wish: int = 0) -> Scenario:
    draw = {"n": IntDraw()} if drawn else {}
    return Scenario(name, "main", which, "a story of ten", weight, wish, "", draw, {}, (), ())  # type: ignore[arg-type]


@pytest.mark.parametrize("vault", [8, 10, 12])
def test_an_artefact_at_98_percent_ships_at_90_within_200_trajectories(vault: int) -> None:
    plan = plan_of(vault, ship_at=0.90, most=200)
    assert len(plan.feedback) + plan.last * len(plan.cycle) <= 200
    assert ships(plan, 0.98) >= 0.90
    assert ships(plan, 1.0) == pytest.approx(1.0)


@pytest.mark.parametrize("vault", [8, 9, 10, 12, 14])
def test_a_perfect_artefact_ships_for_sure_under_the_bundled_figures(vault: int) -> None:
    plan = plan_of(vault, ship_at=0.80, most=48)
    assert len(plan.feedback) + plan.last * len(plan.cycle) <= 48
    assert ships(plan, 1.0) == pytest.approx(1.0)


@given(
    st.integers(1, 12),
    st.sampled_from([0.5, 0.8, 0.9, 0.95]),
    st.integers(20, 200),
    st.sampled_from([0.01, 0.05]),
    st.integers(1, 10),
)
@settings(max_examples=25, deadline=None)
def test_what_is_not_good_enough_ships_with_probability_below_alpha_over_the_run(
    vault: int, ship_at: float, most: int, alpha: float, max_passes: int
) -> None:
    plan = plan_of(vault, ship_at=ship_at, most=most, alpha=alpha, max_passes=max_passes)
    assert sum(look.level for look in plan.looks) <= alpha / max_passes * (1 + 1e-9)
    a_pass = ships(plan, ship_at - 1e-9)
    assert 1 - (1 - a_pass) ** max_passes < alpha
    assert ships(plan, ship_at - 0.1) <= a_pass + 1e-12


@pytest.mark.parametrize("truth", [0.89, 0.95, 0.98])
def test_drawn_passes_ship_as_often_as_the_exact_figures_say(truth: float) -> None:
    plan, dice, turns = plan_of(8, ship_at=0.90, most=200), random.Random(48), 400
    deciding, chance = Deciding(plan), ships(plan, truth)
    shipped = sum(deciding.a_pass([truth] * 8, dice)[0] for _ in range(turns))
    assert abs(shipped - turns * chance) <= 4 * sqrt(turns * chance * (1 - chance)) + 1


def test_judges_that_flip_a_quarter_ship_nothing_bad_and_cost_power() -> None:
    plan, dice = plan_of(8, ship_at=0.90, most=200), random.Random(27)
    doubting, judges = Doubting(plan), Judges(0.27)
    assert not any(doubting.ships(0.85, judges, 3, dice) for _ in range(40))
    assert 20 < sum(doubting.ships(0.98, judges, 1, dice) for _ in range(40)) < 40


def test_near_the_line_the_harness_goes_on_from_look_to_look() -> None:
    plan = plan_of(8, ship_at=0.90, most=200)
    assert [look.cycles * 8 for look in plan.looks] == [96, 144, 192]
    assert plan.after_confirm(5, 12, Count(96, 96)) == "ship"
    assert plan.after_confirm(5, 12, Count(95, 96)) is None, "a look that does not settle it is not the last"
    assert plan.more_to_settle(Count(95, 96)) == 48
    assert plan.after_confirm(5, 18, Count(141, 144)) is None
    assert plan.after_confirm(5, 24, Count(185, 192)) == "ship"
    assert plan.after_confirm(5, 23, Count(175, 183), whole=False) == "unsatisfied", "eight may not fail"


def test_a_vault_of_eight_needs_32_of_the_48() -> None:
    plan = plan_of(8, ship_at=0.80, most=48)
    assert [look.cycles * 8 for look in plan.looks] == [32]
    assert plan.after_screen(2, Count(16, 16)) == "confirm"
    assert plan.more_to_settle(Count(16, 16)) == 16
    assert plan.after_screen(1, Count(7, 8)) == "unsatisfied"
    assert plan.after_confirm(2, 4, Count(32, 32)) == "ship"
    assert plan.after_confirm(2, 3, Count(23, 24)) == "unsatisfied"


def test_a_vault_too_large_for_its_trajectories_says_so_by_having_no_look() -> None:
    plan = plan_of(15, ship_at=0.80, most=48)
    assert plan.looks == ()
    assert plan.after_screen(1, Count(15, 15)) == "unsatisfied"


def test_a_screen_held_too_short_by_its_scenarios_has_no_look_either() -> None:
    def plan(wish: int) -> Plan:
        stories = [story(f"v{number}", wish=wish) for number in range(8)]
        return make_plan(stories, ship_at=0.8, alpha=0.01, max_passes=10, max_trajectories=48)

    assert plan(1).looks == ()
    assert plan(2).screen == 2
    assert ships(plan(2), 1.0) == pytest.approx(1.0)


def test_a_cycle_holds_scenarios_in_proportion_to_weight() -> None:
    stories = [story("a", weight=1.0), story("b", weight=0.5), story("c", weight=2.0), story("d", drawn=False)]
    plan = make_plan(stories, ship_at=0.8, alpha=0.01, max_passes=10, max_trajectories=100)
    assert plan.units == {"a": 2, "b": 1, "c": 4}
    assert plan.fixed == ("d",)
    screen = list(plan.screened())
    assert len({(draft.scenario, draft.index) for draft in screen}) == len(screen)
    start = plan.screen - 1
    assert {draft.scenario for draft in plan.confirmed(start)} == {"a", "b", "c", "d"}


def test_feedback_takes_an_eighth_at_most_but_each_story_runs() -> None:
    stories = [story(f"f{n}", "feedback", wish=6) for n in range(4)] + [story("v")]
    plan = make_plan(stories, ship_at=0.8, alpha=0.01, max_passes=10, max_trajectories=48)
    assert len(plan.feedback) <= 6
    assert {draft.scenario for draft in plan.feedback} == {"f0", "f1", "f2", "f3"}
    small = make_plan(stories, ship_at=0.8, alpha=0.01, max_passes=10, max_trajectories=8)
    assert len(small.feedback) == 4


def test_the_decisions_figures_are_those_of_the_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "decisions" / "0005-ship-rule.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert len(rows) >= 5
    for row in rows:
        vault, ship_at, most = (float(cell) for cell in row.strip("| ").split(" | ")[:3])
        plan, size = plan_of(int(vault), ship_at=ship_at, most=int(most)), int(vault)
        looks = ", ".join(
            f"{look.cycles * size} ({allowed(look.cycles * size, ship_at, look.level)})" for look in plan.looks
        )
        chances = [f"{ships(plan, truth):.4f}" for truth in (1.0, 0.99, 0.98, 0.95, ship_at)]
        cells = [str(size), f"{ship_at:.2f}", str(int(most)), str(plan.screen * size), looks, *chances]
        assert row == f"| {' | '.join(cells)} |"


def test_one_failure_is_allowed_from_42_trajectories_on() -> None:
    assert allowed(30, 0.8, 0.001) == -1
    assert allowed(31, 0.8, 0.001) == 0
    assert allowed(41, 0.8, 0.001) == 0
    assert allowed(42, 0.8, 0.001) == 1
    assert ships(plan_of(7, ship_at=0.80, most=48), 0.98) > 0.75
    assert ships(plan_of(8, ship_at=0.80, most=53), 0.98) > 0.75
