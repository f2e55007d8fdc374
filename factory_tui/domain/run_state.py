"""What a run's state is made of: its passes, visits, nodes, cells, open calls. Part of `state`; import from there."""

from decimal import Decimal
from typing import Literal

import msgspec

from factory_tui.domain.commands import Command
from factory_tui.domain.events import (
    Flips,
    NodeStatus,
    Purpose,
    Satisfaction,
    VisitKind,
)
from factory_tui.domain.gap import Gap
from factory_tui.domain.money import Burn


class Tally(msgspec.Struct, frozen=True, omit_defaults=True):
    """Verdicts of one scenario in one pass: a cell of the verdict matrix."""

    satisfied: int = 0
    unsatisfied: int = 0
    void: int = 0
    near_miss: float = 0.0
    """Of the last unsatisfied one."""
    faulted: int = 0
    """How many of all were reached while a twin failed because an operator had it do so."""

    @property
    def judged(self) -> int:
        """Those that are not void."""
        return self.satisfied + self.unsatisfied


class Guidance(msgspec.Struct, frozen=True):
    """What a person told the agent: by steering, or as the answer to an escalation."""

    by: str
    text: str
    origin: Literal["answer", "steer"]
    at: int = 0


class Pass(msgspec.Struct, frozen=True, omit_defaults=True):
    """One pass of a run; what is not measured yet is None or empty."""

    number: int
    revision: str
    commit: str = ""
    files: int = 0
    size: int = 0
    feedback: Satisfaction | None = None
    vault: Satisfaction | None = None
    ship_low: float | None = None
    tallies: dict[str, Tally] = {}
    ended: bool = False
    began_at: int = 0
    steps: int = 0
    """Model steps of the agent in it."""
    burn: Burn = Burn()
    guidance: tuple[Guidance, ...] = ()
    """What people told the agent in it."""
    corpus: str = ""
    """Content hash of the scenarios that judge it."""
    image: str = ""
    """What the cells that it was judged in were made from."""
    image_id: str = ""
    kept: str = ""
    """The work tree as it was last kept in the middle of it, where its snapshot is not taken yet."""
    judges: tuple[str, ...] = ()
    """The models that judged transcripts in it."""
    flips: Flips = Flips()
    """How often judgements of the same transcript disagreed in it."""
    faults: tuple[str, ...] = ()
    """What operators had its twins do while it was judged, as `ledger 429`: it neither ships nor counts."""
    gap: Gap | None = None
    """How far it satisfies what its maker was told of better than the vault."""

    @property
    def satisfaction(self) -> Satisfaction | None:
        """The one that counts: the vault's, else the feedback set's."""
        return self.vault or self.feedback

    def alike(self, other: "Pass") -> bool:
        """Whether both were made from the same seed, and judged by the same scenarios."""
        return (self.revision, self.corpus) == (other.revision, other.corpus)

    def judged_by(self, judges: tuple[str, ...], corpus: str) -> bool:
        """Whether these models judged it by these scenarios: of others' noise it tells nothing."""
        return self.judges == judges and self.corpus in ("", corpus)


class Visit(msgspec.Struct, frozen=True):
    """A harness visit that is under way."""

    visit: int
    number: int
    kind: VisitKind
    commit: str
    trajectories: int
    done: int = 0
    tallies: dict[str, Tally] = {}
    faults: tuple[str, ...] = ()


class NodeTally(msgspec.Struct, frozen=True):
    """How often a node was entered, and how long it took in all."""

    visits: int = 0
    attempt: int = 0
    """Executions within the current visit."""
    in_pass: int = 0
    """Executions since the current pass began."""
    seconds: float = 0.0
    status: NodeStatus | None = None
    """The one remembered, which goal gates look at."""


class CellView(msgspec.Struct, frozen=True):
    """A cell that is up."""

    cell: str
    role: str
    kind: str
    fenced: bool
    image: str = ""
    recipe: str = ""
    """Digest of what the seed asked of it."""


class OpenCall(msgspec.Struct, frozen=True):
    """A model call in flight, with what is reserved for it."""

    money: Decimal
    tokens: int = 0
    purpose: Purpose = "agent"


class Taken(msgspec.Struct, frozen=True, omit_defaults=True):
    """A command about a run, with what has to be known to take it back."""

    id: str
    by: str
    at: int
    command: Command
    """Without its words."""
    cap: Decimal | None = None
    """The cap that it raised, as it was."""
    reseed: str = ""
    """The revision that the next pass was to use before it."""
    before: int = 0
    """The time that it changed, as it was."""


class OnTwin(msgspec.Struct, frozen=True):
    """A fault that somebody set on a twin of a run, as domain.faults spells it."""

    fault: str
    by: str
    at: int


class Forked(msgspec.Struct, frozen=True):
    """What a run was forked from: a pass of another run, and its snapshot."""

    run: str
    number: int
    commit: str

    def __str__(self) -> str:
        return f"pass {self.number} of {self.run}"
