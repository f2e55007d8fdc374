"""Facts about a run as a whole: its states, its walk, its passes, its questions to people, its end.

Part of the closed set that is `domain.events`; import from there.
"""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from factory_tui.domain.fact import Fact
from factory_tui.domain.floor_facts import ScenarioSet
from factory_tui.domain.hostile import Text
from factory_tui.domain.money import CapName, Ledger, RunCap
from factory_tui.domain.visit_facts import Satisfaction

RunState = Literal["queued", "running", "paused", "held", "jammed", "signoff", "shipped", "stopped", "failed"]
HeldReason = Literal["budget", "provider", "credential", "disk", "config", "fence"]
JamClass = Literal[
    "dead", "stalled", "oscillating", "contradiction", "judge-noise", "twin-fault", "dispute", "asked", "overfit"
]
NodeStatus = Literal["success", "partial_success", "retry", "fail", "skipped"]


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
    limits: dict[RunCap, Decimal] = {}  # noqa: RUF012 -- msgspec copies it
    """Its other caps, by name: tokens, and what a pass or a step may spend."""
    rungs: tuple[str, ...] = ()
    """Models from `model` up, of which it takes the next one when it stalls; none where somebody named its model."""
    group: str = ""
    """The first of the replicas that it was started with; empty: it was started alone."""


class RunReseeded(Fact, frozen=True, tag="run-reseeded"):
    """The run's next pass is to use this revision of its seed."""

    revision: str


class RunRestarted(Fact, frozen=True, tag="run-restarted"):
    """The run begins anew at its loop's start, with a new conversation and the work tree of a pass (0: empty)."""

    number: int
    commit: str = ""
    ratchet: bool = False
    """It went back to its best pass by itself."""


class RunForked(Fact, frozen=True, tag="run-forked"):
    """The run begins with the output of a pass of another run, which does not change by that."""

    origin: str
    """That run."""
    number: int
    commit: str


class RunMoved(Fact, frozen=True, tag="run-moved"):
    """A run changed state. `held` has a reason."""

    state: RunState
    reason: HeldReason | None = None
    why: Text = ""
    retry_at: int | None = None
    """UTC ms at which a held run comes back by itself."""
    cap: CapName | None = None
    """The cap that holds it, where it is held for its budget."""


class LeakFound(Fact, frozen=True, tag="leak-found"):
    """Something of the vault was on its way to the run's agent, and was kept from it."""

    where: Text
    """What held it."""
    what: tuple[str, ...]
    """Canaries, names and words, by the scenario that they are of; never the words themselves."""
    digests: tuple[str, ...]
    """Of the parts of those scenarios that it was found by."""


class LeakReleased(Fact, frozen=True, tag="leak-released"):
    """What was found of the vault may reach the run's agent; the actor of the event says so."""

    digests: tuple[str, ...]


class RungClimbed(Fact, frozen=True, tag="rung-climbed"):
    """The run stalled, and goes on with the next model of its ladder in place of a question to its owner."""

    before: str
    model: str
    why: Text
    evidence: Text = ""
    """A line for each pass by then, as of a jam."""


class BudgetMoved(Fact, frozen=True, tag="budget-moved"):
    """The run may spend so many dollars more, and the run of `origin` so many less."""

    origin: str
    amount: Decimal


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
    faults: tuple[str, ...] = ()
    """What operators had its twins do while it was judged, as `ledger 429`: its figures do not count."""


class SnapshotTaken(Fact, frozen=True, tag="snapshot-taken"):
    """The work tree as a git commit that only the engine writes."""

    number: int
    commit: str
    tree: str
    files: int
    size: int
    seconds: float


class WorkKept(Fact, frozen=True, tag="work-kept"):
    """The work tree in the middle of a pass, for the cell that may have to be rebuilt: nobody judges or ships it."""

    number: int
    step: int
    """The last step whose tools had all returned when it was read."""
    commit: str
    files: int
    size: int
    seconds: float


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
    expires: int = 0
    """UTC ms at which policy refuses it, if nobody has answered; 0: never."""


class EscalationPassedOn(Fact, frozen=True, tag="escalation-passed-on"):
    """Nobody answered in time: the question is another person's now."""

    id: str
    to: str


class EscalationAnswered(Fact, frozen=True, tag="escalation-answered"):
    """The human answered; the actor of the event is who."""

    id: str
    choice: str
    text: Text
    expired: bool = False
    """Nobody did in time, and policy refused."""


class Snoozed(Fact, frozen=True, tag="snoozed"):
    """A question or a held run calls nobody until then."""

    item: str
    """The escalation, or the run."""
    until: int
    """UTC ms; 0: it does again."""


class ExpirySet(Fact, frozen=True, tag="expiry-set"):
    """Somebody said when policy refuses a question that nobody answers."""

    id: str
    at: int
    """UTC ms; 0: never."""


class Shipped(Fact, frozen=True, tag="shipped"):
    """Handed over: a path inside the workspace's state folder, its last commit, and its provenance's digest."""

    path: str
    commit: str
    provenance: str
    promoted: str = ""
    """Where in the workspace it lies as well, by the loop's word."""
