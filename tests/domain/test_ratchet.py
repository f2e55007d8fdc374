"""Which pass is a run's best, and when it has clearly fallen below it."""

import pytest
from msgspec.structs import replace

from factory_tui.domain.events import Satisfaction
from factory_tui.domain.ratchet import below, best
from factory_tui.domain.state import Pass, Run


def judged(number: int, share: float, low: float | None = None, *, wide: float = 0.1, corpus: str = "now") -> Pass:
    vault = Satisfaction(share, share - wide, share + wide, round(20 * share), 20)
    bound = share - 0.2 if low is None else low
    return Pass(number, "one", commit=f"c{number}", vault=vault, ship_low=bound, corpus=corpus, ended=True)


def run(*passes: Pass, restarts: tuple[int, ...] = ()) -> Run:
    return Run(
        *("links-1", "links", "one", "now", "factory", "", "default", "live", "ana"),
        *(0.9, 0.01, 10, 200, None, (), False, 0),
        passes=passes,
        restarts=restarts,
    )


@pytest.mark.parametrize(
    ("passes", "number"),
    [
        ((), None),
        ((judged(1, 0.6), judged(2, 0.8), judged(3, 0.7)), 2),
        ((judged(1, 0.9, low=0.5), judged(2, 0.8, low=0.6)), 2),
        ((judged(1, 0.9, low=0.5), judged(2, 0.8, low=0.5)), 1),
        ((judged(1, 0.8), judged(2, 0.8)), 2),
        ((judged(1, 0.9, corpus="then"), judged(2, 0.5)), 2),
        ((replace(judged(1, 0.9), commit=""), judged(2, 0.5)), 2),
        ((judged(1, 0.5), replace(judged(2, 0.9), vault=None)), 1),
    ],
)
def test_the_best_is_what_the_ship_rule_would_read_highest(passes: tuple[Pass, ...], number: int | None) -> None:
    found = best(run(*passes))
    assert (found.number if found else None) == number


def test_a_fall_is_one_whose_whole_interval_lies_below() -> None:
    assert below(run(judged(1, 0.9), judged(2, 0.75))) == judged(1, 0.9)
    assert below(run(judged(1, 0.9), judged(2, 0.75, wide=0.2))) is None, "it may be chance"
    assert below(run(judged(1, 0.9), judged(2, 0.5), judged(3, 0.85))) is None, "it came back by itself"
    assert below(run(judged(1, 0.9))) is None


def test_two_falls_are_two_in_a_row_since_it_last_began_anew() -> None:
    fell = (judged(1, 0.9), judged(2, 0.5), judged(3, 0.5))
    assert below(run(*fell), times=2) == judged(1, 0.9)
    assert below(run(*fell[:2]), times=2) is None
    assert below(run(judged(1, 0.9), judged(2, 0.5), judged(3, 0.85), judged(4, 0.5)), times=2) is None
    assert below(run(*fell, restarts=(3,))) is None, "it has gone back"
    assert below(run(*fell, judged(4, 0.5), restarts=(3,))) == judged(1, 0.9)
    assert below(run(*fell, judged(4, 0.5), restarts=(3,)), times=2) is None


def test_what_was_measured_before_the_vault_leaked_is_no_measure() -> None:
    leaked = replace(run(judged(1, 0.9), judged(2, 0.8), judged(3, 0.5), judged(4, 0.6)), tainted=2)
    assert best(leaked) == judged(4, 0.6)
    assert below(leaked) is None
