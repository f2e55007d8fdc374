"""How a fault of a twin is spelt."""

import pytest

from factory_tui.domain.faults import LONGEST, against


@pytest.mark.parametrize("fault", ["429", "500", "latency=1", f"latency={LONGEST}"])
def test_what_is_a_fault(fault: str) -> None:
    assert against(fault) == ""


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (f"latency={LONGEST + 1}", "30001 ms are too long"),
        ("latency=0", "is no fault. Remedy: 429, 500, or latency=MS"),
        ("latency=\N{ARABIC-INDIC DIGIT FIVE}", "is no fault"),
        ("latency=1e3", "is no fault"),
        (f"latency={'9' * 5000}", "is no fault"),
        ("503", "is no fault"),
        ("", "is no fault"),
    ],
)
def test_what_is_none(fault: str, why: str) -> None:
    assert why in against(fault)
