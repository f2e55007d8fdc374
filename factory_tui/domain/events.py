"""Every fact the factory records: small frozen records, a closed and versioned set.

An `Event` is a fact with its place in the journal. Fields typed `Text` may hold what an agent, a model or a person
wrote; all others are metadata (a metadata-only viewer gets those alone). Text is cleaned of control sequences before
it becomes a fact. Long payloads are the journal's concern, not this module's.
"""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from factory_tui.domain.floor_facts import (
    CommandTaken as CommandTaken,
)
from factory_tui.domain.floor_facts import (
    CorpusConfirmed as CorpusConfirmed,
)
from factory_tui.domain.floor_facts import (
    CorpusRevised as CorpusRevised,
)
from factory_tui.domain.floor_facts import (
    EditMended as EditMended,
)
from factory_tui.domain.floor_facts import (
    EditRefused as EditRefused,
)
from factory_tui.domain.floor_facts import (
    EngineStarted as EngineStarted,
)
from factory_tui.domain.floor_facts import (
    EngineStopped as EngineStopped,
)
from factory_tui.domain.floor_facts import (
    Fact as Fact,
)
from factory_tui.domain.floor_facts import (
    FloorFrozen as FloorFrozen,
)
from factory_tui.domain.floor_facts import (
    FloorThawed as FloorThawed,
)
from factory_tui.domain.floor_facts import (
    Noticed as Noticed,
)
from factory_tui.domain.floor_facts import (
    ScenarioKind as ScenarioKind,
)
from factory_tui.domain.floor_facts import (
    ScenarioSet as ScenarioSet,
)
from factory_tui.domain.floor_facts import (
    SeedRevised as SeedRevised,
)
from factory_tui.domain.hostile import Text
from factory_tui.domain.money import Ledger, Tokens

SCHEMA = 1
"""Raised with every change that an older reader would not understand."""

RunState = Literal["queued", "running", "paused", "held", "jammed", "signoff", "shipped", "stopped", "failed"]
HeldReason = Literal["budget", "provider", "credential", "disk", "config", "fence"]
JamClass = Literal[
    "dead", "stalled", "oscillating", "contradiction", "judge-noise", "twin-fault", "dispute", "asked", "overfit"
]
VisitKind = Literal["screen", "confirm"]
NodeStatus = Literal["success", "partial_success", "retry", "fail", "skipped"]
CellRole = Literal["agent", "trajectory"]


class Satisfaction(msgspec.Struct, frozen=True):
    """The share of trajectories that satisfy, with its 90 % interval. Shares are 0..1."""

    share: float
    low: float
    high: float
    satisfied: int
    total: int
    void: int = 0


class RunQueued(Fact, frozen=True, tag="run-queued"):
    """A run exists, with everything it needs to walk the same way after a restart."""

    seed: str
    revision: str
    corpus: str
    """Content hash of the scenario corpus."""
    loop: str
    dot: Text
    """The loop's source as it was when the run began: a run keeps walking the graph it started on."""
    model: str
    ledger: Ledger
    owner: str
    ship_at: float
    alpha: float
    max_passes: int
    max_trajectories: int
    cap: Decimal | None
    """Dollars this run may spend; None: no cap of its own."""
    scenarios: tuple[tuple[str, ScenarioSet], ...] = ()
    unfenced: bool = False
    stations: tuple[str, ...] = ()
    """The loop's nodes in the order they were declared: what a console draws without reading DOT."""
    tracks: tuple[tuple[str, str], ...] = ()
    """The loop's edges, as pairs of stations."""


class RunReseeded(Fact, frozen=True, tag="run-reseeded"):
    """The run's next pass is to use this revision of its seed."""

    revision: str


class RunRestarted(Fact, frozen=True, tag="run-restarted"):
    """The run begins anew at its loop's start, with a new conversation and the work tree of a pass (0: empty)."""

    number: int
    commit: str = ""


class RunMoved(Fact, frozen=True, tag="run-moved"):
    """A run changed state. `held` has a reason."""

    state: RunState
    reason: HeldReason | None = None
    why: Text = ""
    retry_at: int | None = None
    """UTC ms at which a held run comes back by itself."""


class NodeEntered(Fact, frozen=True, tag="node-entered"):
    """The walk entered a node of the loop."""

    node: str
    handler: str
    visit: int
    attempt: int = 1


class NodeLeft(Fact, frozen=True, tag="node-left"):
    """A node ended; `to` is where the walk goes next ("" at the end, the node itself for a retry)."""

    node: str
    visit: int
    status: NodeStatus
    to: str
    seconds: float
    why: Text = ""
    remembered: NodeStatus | None = None
    """The status that goal gates will see; a decision has none of its own."""
    context: Annotated[dict[str, str], msgspec.Meta(extra={"class": "text"})] = {}  # noqa: RUF012 -- msgspec copies it
    """What changed in the pipeline's context."""


class PassBegan(Fact, frozen=True, tag="pass-began"):
    """A new turn of generate, checkpoints and harness."""

    number: int
    revision: str
    corpus: str = ""
    """Content hash of the scenarios that will judge it; empty: those that the run was queued with."""
    scenarios: tuple[tuple[str, ScenarioSet], ...] = ()


class PassEnded(Fact, frozen=True, tag="pass-ended"):
    """One turn of generate, checkpoints and harness is over. Unmeasured sets are None.

    `commit` is empty where no snapshot could hold the work tree.
    """

    number: int
    commit: str
    feedback: Satisfaction | None
    vault: Satisfaction | None
    ship_low: float | None = None


class SnapshotTaken(Fact, frozen=True, tag="snapshot-taken"):
    """The work tree as a git commit that only the engine writes."""

    number: int
    commit: str
    tree: str
    files: int
    size: int
    seconds: float


class CellStarted(Fact, frozen=True, tag="cell-started"):
    """A cell is up."""

    cell: str
    role: CellRole
    kind: Literal["docker", "process"]
    fenced: bool
    seconds: float


class CellClosed(Fact, frozen=True, tag="cell-closed"):
    """A cell is gone: closed by us, or lost."""

    cell: str
    lost: bool = False
    why: Text = ""


class Prompted(Fact, frozen=True, tag="prompted"):
    """A user message joined the agent's conversation. `content` is the JSON list of its blocks, as sent."""

    node: str
    origin: Literal["seed", "feedback", "checkpoint", "recovery", "answer", "steer", "reseed", "nudge"]
    content: Text
    system: Text = ""
    """The system prompt, on the first message of a conversation only."""
    told: int = 0
    """How many of the things that people said are in it."""


class CallReserved(Fact, frozen=True, tag="call-reserved"):
    """A model call is about to be sent; `money` is its worst case."""

    step: int
    attempt: int
    model: str
    purpose: Literal["agent", "judge"]
    money: Decimal


class CallSettled(Fact, frozen=True, tag="call-settled"):
    """A model call ended and was paid for; a failed one without usage at its reservation."""

    step: int
    attempt: int
    tokens: Tokens
    money: Decimal
    released: Decimal
    """The reservation this settles."""
    seconds: float
    outcome: Literal["answered", "failed", "cancelled", "possibly-paid-twice"]
    why: Text = ""


class Answered(Fact, frozen=True, tag="answered"):
    """The model's finished message: the JSON list of its content blocks, exactly as received."""

    step: int
    model: str
    content: Text
    stop_reason: str
    seconds: float


class ToolCalled(Fact, frozen=True, tag="tool-called"):
    """A tool the model asked for begins."""

    step: int
    call: str
    """The model's id for this call; also the id of the command in the cell."""
    tool: str
    brief: Text
    """One line for the trace: the command, or what is edited."""


class ToolReturned(Fact, frozen=True, tag="tool-returned"):
    """A tool's result, as the next user message will carry it."""

    step: int
    call: str
    output: Text
    failed: bool = False
    exit: int | None = None
    seconds: float = 0.0
    cut: int = 0
    """Bytes left out of the middle."""


class CheckpointRan(Fact, frozen=True, tag="checkpoint-ran"):
    """A checkpoint ended."""

    node: str
    command: Text
    exit: int
    output: Text
    seconds: float
    passed: bool


class VisitBegan(Fact, frozen=True, tag="visit-began"):
    """The harness looks at a pass's output. Draws are seeded by (run, visit, scenario, index)."""

    visit: int
    number: int
    kind: VisitKind
    commit: str
    trajectories: int


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


class EscalationRaised(Fact, frozen=True, tag="escalation-raised"):
    """A question to a named human."""

    id: str
    kind: Literal["jam", "signoff"]
    jam: JamClass | None
    to: str
    """The operator it is for: the seed's owner first."""
    question: Text
    choices: tuple[str, ...] = ()
    evidence: Text = ""


class EscalationAnswered(Fact, frozen=True, tag="escalation-answered"):
    """The human answered; the actor of the event is who."""

    id: str
    choice: str
    text: Text


class Shipped(Fact, frozen=True, tag="shipped"):
    """Handed over: a path inside the workspace's state folder, its last commit, and its provenance's digest."""

    path: str
    commit: str
    provenance: str


AnyFact = (
    EngineStarted
    | EngineStopped
    | CommandTaken
    | FloorFrozen
    | FloorThawed
    | Noticed
    | SeedRevised
    | CorpusRevised
    | CorpusConfirmed
    | EditRefused
    | EditMended
    | RunQueued
    | RunReseeded
    | RunRestarted
    | RunMoved
    | NodeEntered
    | NodeLeft
    | PassBegan
    | PassEnded
    | SnapshotTaken
    | CellStarted
    | CellClosed
    | Prompted
    | CallReserved
    | CallSettled
    | Answered
    | ToolCalled
    | ToolReturned
    | CheckpointRan
    | VisitBegan
    | VerdictReached
    | VisitEnded
    | EscalationRaised
    | EscalationAnswered
    | Shipped
)


class Draft(msgspec.Struct, frozen=True):
    """A fact on its way to the journal: about which run ("" for the floor) and by whom."""

    fact: AnyFact
    run: str = ""
    actor: str = "engine"


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fact in the journal. Order is `seq`; `at` is UTC milliseconds, for people."""

    seq: int
    id: str
    at: int
    fact: AnyFact
    run: str = ""
    actor: str = "engine"
