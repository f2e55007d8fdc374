"""What is known of each scenario of a seed, over its visits and its runs, as people look at it. Pure."""

from collections.abc import Collection

import msgspec

from factory_tui.domain.floor_facts import ScenarioKind, ScenarioSet
from factory_tui.domain.history import Power, flaky, powers
from factory_tui.domain.run_state import Tally
from factory_tui.domain.state import Run, SeedView


class Seen(msgspec.Struct, frozen=True):
    """What a visit found of a scenario; None: it was not played."""

    run: str
    number: int
    visit: int
    tally: Tally | None


class Story(msgspec.Struct, frozen=True):
    """One scenario, and what its verdicts were worth by now."""

    name: str
    set: ScenarioSet
    kind: ScenarioKind | None
    seen: tuple[Seen, ...]
    """In the newest visits, oldest first."""
    flaky: str
    """Why it is; empty: nothing speaks for it."""
    power: Power
    told: float | None
    """The share of its words that feedback told the run that knows most of it; None: of the vault nothing is told."""
    reviewed: str
    """The revision that somebody reviewed it for, as far as that is known."""
    stale: bool
    """Whether that is another one than the seed's of now."""


def stories(view: SeedView, runs: Collection[Run] = ()) -> list[Story]:
    """Those of a seed by name, the feedback set first. `runs`: of that seed, for what their agents were told."""
    shaky, told = flaky(view.visits, view.fixed), powers(view.visits)
    found = []
    for name, which in sorted(view.scenarios, key=lambda one: (one[1], one[0])):
        reviewed = view.reviewed.get(name, "")
        if view.confirmed and view.confirmed == view.revision:
            reviewed = view.confirmed
        shares = [run.revealed.get(name, 0.0) for run in runs]
        found.append(
            Story(
                name,
                which,
                view.kinds.get(name),
                tuple(Seen(one.run, one.number, one.visit, one.tallies.get(name)) for one in view.visits),
                shaky.get(name, ""),
                told.get(name, Power()),
                max(shares, default=0.0) if which == "feedback" else None,
                reviewed,
                reviewed != view.revision,
            )
        )
    return found
