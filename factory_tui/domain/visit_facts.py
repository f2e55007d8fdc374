"""Facts about the harness's visits to a pass's output: the verdicts, and the satisfaction they come to.

Part of the closed set that is `domain.events`; import from there.
"""

from typing import Literal

import msgspec

from factory_tui.domain.fact import Fact
from factory_tui.domain.floor_facts import ScenarioSet
from factory_tui.domain.hostile import Text

VisitKind = Literal["screen", "confirm"]


class Satisfaction(msgspec.Struct, frozen=True):
    """The share of trajectories that satisfy, with its 90 % interval. Shares are 0..1."""

    share: float
    low: float
    high: float
    satisfied: int
    total: int
    void: int = 0


class VisitBegan(Fact, frozen=True, tag="visit-began"):
    """The harness looks at a pass's output. Draws are seeded by (run, visit, scenario, index)."""

    visit: int
    number: int
    kind: VisitKind
    commit: str
    trajectories: int
    image: str = ""
    """What its cells are made from, by the name it was asked for; empty: process cells, or an older journal."""
    image_id: str = ""
    """The same, by the container engine's own id."""


class VerdictReached(Fact, frozen=True, tag="verdict-reached"):
    """One trajectory judged; `satisfied` is None when the verdict is void."""

    visit: int
    number: int
    scenario: str
    set: ScenarioSet
    index: int
    satisfied: bool | None
    probability: float
    evidence: Text
    near_miss: float = 0.0
    """0 far off .. 1 just missed; 1 when satisfied."""
    seconds: float = 0.0


class VisitEnded(Fact, frozen=True, tag="visit-ended"):
    """`ship_low` is the one-sided bound over the vault that the ship rule reads, screen and confirm pooled."""

    visit: int
    number: int
    kind: VisitKind
    feedback: Satisfaction
    vault: Satisfaction
    ship_low: float
    decision: Literal["unsatisfied", "confirm", "ship"]
    why: Text
    """In words: what decided, and how many more trajectories would settle it."""
