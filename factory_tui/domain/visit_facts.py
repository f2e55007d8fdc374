"""Facts about the harness's visits to a pass's output: the verdicts, and the satisfaction they come to.

Part of the closed set that is `domain.events`; import from there.
"""

from typing import Annotated, Literal, Self

import msgspec

from factory_tui.domain.fact import Fact
from factory_tui.domain.floor_facts import ScenarioSet
from factory_tui.domain.hostile import Text

VisitKind = Literal["screen", "confirm"]
SETTLES = "more, all satisfied, would settle it"
"""What a visit that settled nothing ends its words with, behind a number."""


class Satisfaction(msgspec.Struct, frozen=True):
    """The share of trajectories that satisfy, with its 90 % interval. Shares are 0..1."""

    share: float
    low: float
    high: float
    satisfied: int
    total: int
    void: int = 0


class Flips(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often judgements of the same transcript disagree, and of how many that is known.

    Of a transcript with `m` judgements, `d` of which dissent, d(m - d) of m(m - 1)/2 pairs are flips; as its judgements
    are not so many independent pairs, they count as m/2.
    """

    flips: float = 0.0
    pairs: float = 0.0
    transcripts: int = 0

    @classmethod
    def of(cls, judgements: int, dissent: int) -> Self:
        """Those of one transcript; judged once, it tells nothing."""
        if judgements < 2:
            return cls()
        return cls(dissent * (judgements - dissent) / (judgements - 1), judgements / 2, 1)

    def __add__(self, other: "Flips") -> "Flips":
        return Flips(self.flips + other.flips, self.pairs + other.pairs, self.transcripts + other.transcripts)

    @property
    def rate(self) -> float:
        """The share of pairs that disagree."""
        return self.flips / self.pairs if self.pairs else 0.0


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
    twins: tuple[str, ...] = ()
    """The twins beside the product, each with the digest of what ran."""
    judges: tuple[str, ...] = ()
    """The models that judge transcripts, by name."""


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
    twin: str = ""
    """The twin by whose fault it is void."""
    judgements: int = 0
    """How often a model judged its transcript; 0: expectations alone decided."""
    dissent: int = 0
    """How many of them were of another mind than the verdict."""
    panel: int = 0
    """How many would have been asked, had no majority been reached before."""
    faults: tuple[str, ...] = ()
    """What operators had its twins do meanwhile, as `ledger 429`: it tells nothing of the product."""


class Judged(Fact, frozen=True, tag="judged"):
    """A model judged the transcript of a trajectory whose every act was as wanted."""

    visit: int
    number: int
    scenario: str
    set: ScenarioSet
    index: int
    nth: int
    """From 1; one that was no judgement is asked for again under the same number."""
    satisfied: bool | None
    """Whether `probability` reaches the rubric's threshold; None: what came was no judgement."""
    probability: float
    """That the user would be satisfied."""
    rationale: Text
    """In one line; or why it was no judgement."""
    quotes: Annotated[tuple[str, ...], msgspec.Meta(extra={"class": "text"})] = ()
    """What it points to in the transcript."""
    model: str = ""
    panel: int = 0
    """How many judgements were planned."""
    whole: bool = False
    """Whether all of them, though a majority is reached before."""
    transcript: Text = ""
    """What was judged; with the first judgement only."""
    faults: tuple[str, ...] = ()
    """What operators had the twins of its trajectory do, as `ledger 429`."""


class Revealed(Fact, frozen=True, tag="revealed"):
    """How much of its scenarios the run's feedback has told by now, over all of its passes."""

    number: int
    told: dict[str, float] = {}  # noqa: RUF012 -- msgspec copies it
    """By scenario of the feedback set: the share of its words, 0..1."""
    bits: float = 0.0
    """Of the vault, by its one number for each message: so many bits at most."""


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
