"""What is said of replicas: how their figures lie apart, of which runs, and what it cannot say."""

from decimal import Decimal
from itertools import count

from msgspec.structs import replace

from factory_tui.console.mirror import Mirror
from factory_tui.console.replicas import groups, spreads
from factory_tui.domain.events import RunState, Satisfaction
from factory_tui.domain.money import Burn, Ledger
from factory_tui.domain.state import Forked, Pass, Run, State


def run(
    name: str, *shares: float | None, state: RunState = "shipped", ledger: Ledger = "live", spent: str = "1"
) -> Run:
    """A replica with a pass for each share; None: one that came to no visit."""
    numbers = count(1)
    return Run(
        *(name, "links", "one", "corpus", "factory", "", "default", ledger, "ana"),
        *(0.9, 0.01, 10, 200, None, (), False, 0),
        state=state,
        origin="one",
        group="links-1",
        burn=Burn(money=Decimal(spent)),
        passes=tuple(Pass(next(numbers), "one", vault=None if one is None else measured(one)) for one in shares),
    )


def measured(share: float) -> Satisfaction:
    return Satisfaction(share, share - 0.1, min(1.0, share + 0.1), 20, 20)


def test_figures_lie_between_the_least_and_the_most_of_those_that_have_one() -> None:
    (group,) = groups(
        [
            run("links-1", 0.5, 0.9, spent="1"),
            run("links-2", 0.7, spent="2"),
            run("links-3", None, 0.6, 0.8, 1.0, spent="6"),
            run("links-4", state="running", spent="3"),
        ]
    )
    satisfied, first = group.satisfaction, group.first_pass
    assert satisfied is not None
    assert first is not None
    assert (satisfied.runs, satisfied.least, satisfied.median, satisfied.most) == (3, 0.7, 0.9, 1.0)
    assert round(satisfied.mean, 4) == 0.8667
    assert round(satisfied.deviation or 0, 4) == 0.1528, "of a sample: over n - 1"
    assert (first.least, first.median, first.most) == (0.5, 0.6, 0.7), "the first that was judged"
    assert (group.passes.mean, group.passes.least, group.passes.most) == (1.75, 0, 4)
    assert (group.money.mean, group.money.runs) == (3.0, 4)
    assert (group.states, group.over) == ({"shipped": 3, "running": 1}, False)


def test_the_table_says_what_it_cannot_say() -> None:
    live = "\n".join(spreads([run("links-1", 0.9), run("links-2", state="running")]))
    assert "so far" in live
    assert "REHEARSAL" not in live
    other = run("links-2", 0.8)
    reseeded = replace(other, passes=(*other.passes, Pass(2, "two")))
    assert "counted all the same: links-2" in "\n".join(spreads([run("links-1", 0.9), reseeded]))
    assert "not measured" in "\n".join(spreads([run("links-1")]))
    assert "a spread of zero says nothing" in "\n".join(spreads([run("links-1", 0.9, ledger="rehearsal")]))
    assert spreads([replace(run("links-1", 0.9), group="")]) == []


def test_replicas_stand_together_on_the_floor_with_what_was_forked_from_them() -> None:
    alone = replace(run("links-4"), group="", queued_at=4)
    fork = replace(run("links-5"), group="", queued_at=5, forked=Forked("links-2", 1, "c0"))
    known = [run("links-1"), run("links-2", state="running"), alone, fork]
    mirror = Mirror()
    mirror.state = State(runs={one.id: one for one in known})
    assert [one.id for one in mirror.runs()] == ["links-1", "links-2", "links-5", "links-4"]
