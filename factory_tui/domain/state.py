"""The full state: what the engine resumes from and what every console draws.

One struct, made only by the reducer. Traces are not in it: they are read from the journal.
"""

from decimal import Decimal
from typing import Literal

import msgspec

from factory_tui.domain.commands import Escalate, Pause, Reseed, Restart, Stop
from factory_tui.domain.events import (
    Flips,
    HeldReason,
    JamClass,
    RunState,
    ScenarioKind,
    ScenarioSet,
)
from factory_tui.domain.history import Visited
from factory_tui.domain.money import DAY, Burn, CapName, FloorCap, Ledger, RunCap
from factory_tui.domain.run_state import (
    CellView as CellView,
)
from factory_tui.domain.run_state import (
    Forked as Forked,
)
from factory_tui.domain.run_state import (
    Guidance as Guidance,
)
from factory_tui.domain.run_state import (
    NodeTally as NodeTally,
)
from factory_tui.domain.run_state import (
    OnTwin as OnTwin,
)
from factory_tui.domain.run_state import (
    OpenCall as OpenCall,
)
from factory_tui.domain.run_state import (
    Pass as Pass,
)
from factory_tui.domain.run_state import (
    Taken as Taken,
)
from factory_tui.domain.run_state import (
    Tally as Tally,
)
from factory_tui.domain.run_state import (
    Visit as Visit,
)

OVER: frozenset[RunState] = frozenset({"shipped", "stopped", "failed"})
"""States that a run does not leave."""
GOES_ON: frozenset[RunState] = frozenset({"queued", "running"})
"""States that go on by themselves as soon as there is a slot."""


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """One seed going through one loop."""

    id: str
    seed: str
    revision: str
    corpus: str
    loop: str
    dot: str
    model: str
    ledger: Ledger
    owner: str
    ship_at: float
    alpha: float
    max_passes: int
    max_trajectories: int
    cap: Decimal | None
    scenarios: tuple[tuple[str, ScenarioSet], ...]
    unfenced: bool
    queued_at: int
    state: RunState = "queued"
    reason: HeldReason | None = None
    why: str = ""
    retry_at: int | None = None
    held_by: CapName | None = None
    """The cap that it was held for."""
    asked: Escalate | Pause | Restart | Stop | None = None
    """Taken, and not in effect yet: an engine that dies meanwhile does not forget it."""
    taken: tuple[Taken, ...] = ()
    """The newest commands about it, oldest first, but those that were taken back."""
    said: tuple[Guidance, ...] = ()
    """What people said that the agent has not been told yet, in order."""
    reseed: str = ""
    """The revision that the next pass is to use, where that is not the one of now."""
    origin: str = ""
    """The seed's revision that the run was queued with."""
    base: str = ""
    """The commit that the run was restarted or forked from; empty: from nothing, or never."""
    forked: Forked | None = None
    restarts: tuple[int, ...] = ()
    """At each restart, how many passes there were."""
    moved_at: int = 0
    changed_at: int = 0
    """UTC ms of the last event of this run: its age on the floor is the time since."""
    node: str = ""
    handler: str = ""
    nodes: dict[str, NodeTally] = {}
    context: dict[str, str] = {}
    passes: tuple[Pass, ...] = ()
    visits: int = 0
    """Harness visits begun, over the whole run."""
    visit: Visit | None = None
    steps: int = 0
    burn: Burn = Burn()
    step_burn: Burn = Burn()
    """Of the newest step."""
    judging: Burn = Burn()
    """What part of its burn judges had."""
    open_calls: dict[str, OpenCall] = {}
    """Calls in flight, by `step.attempt`."""
    at_work: str = ""
    """The tool call of its agent that has begun and not returned."""
    cells: dict[str, CellView] = {}
    escalation: str = ""
    """The open one, if any."""
    shipped: str = ""
    """Where it was handed over to."""
    commit: str = ""
    stations: tuple[str, ...] = ()
    """The loop's nodes, in the order declared."""
    tracks: tuple[tuple[str, str], ...] = ()
    """The loop's edges."""
    limits: dict[RunCap, Decimal] = {}
    """Its caps other than that of dollars for the whole of it."""
    rungs: tuple[str, ...] = ()
    """The models of its ladder, from the one that it began with up; none where somebody named its model."""
    climbed: int = 0
    """How many passes there were when it last took the next model."""
    group: str = ""
    """The first of the replicas that it is one of; empty: it is none."""
    leaks: tuple[str, ...] = ()
    """Digests of what of the vault was found on its way to the agent, and that nobody released."""
    released: tuple[str, ...] = ()
    """Digests of what somebody did."""
    revealed: dict[str, float] = {}
    """By scenario of the feedback set, how much of it the agent was told: a share of its words."""
    bits: float = 0.0
    """What the vault's numbers told it, at most."""
    faults: dict[str, OnTwin] = {}
    """What operators have its twins do, by their names."""
    tainted: int = 0
    """The newest pass that there was when something of the vault was found: none up to it ships."""
    snoozed: int = 0
    """UTC ms until which it calls nobody, while it is held; 0: it does."""
    snoozed_by: str = ""

    @property
    def caps(self) -> dict[RunCap, Decimal]:
        """All of them."""
        return self.limits if self.cap is None else {**self.limits, "run_cap": self.cap}

    def spent(self, name: CapName) -> Decimal:
        """What counts against a cap of that name by now."""
        if name.startswith("run"):
            return self.burn.of(name)
        if name.startswith("pass"):
            return (self.current.burn if self.current else Burn()).of(name)
        return self.step_burn.of(name)

    @property
    def asker(self) -> str:
        """Who asked what it is to stop by; of commands the newest are known."""
        kinds = (Restart, Reseed) if isinstance(self.asked, Restart) else type(self.asked)
        return next((one.by for one in reversed(self.taken) if isinstance(one.command, kinds)), "an operator")

    @property
    def rung_above(self) -> str:
        """The model that it takes when it stalls; empty: none is left."""
        if self.model not in self.rungs[:-1]:
            return ""
        return self.rungs[self.rungs.index(self.model) + 1]

    @property
    def current(self) -> Pass | None:
        """The newest pass."""
        return self.passes[-1] if self.passes else None

    @property
    def flips(self) -> Flips:
        """How often judgements of the same transcript disagreed, by the scenarios and the judges of now."""
        judges = next((item.judges for item in reversed(self.passes) if item.judges), ())
        return sum((item.flips for item in self.passes if item.judged_by(judges, self.corpus)), Flips())

    @property
    def measured(self) -> Pass | None:
        """The newest pass with a satisfaction that counts: by the scenarios of now, and under nobody's fault."""
        judged = (item for item in reversed(self.passes) if item.corpus in ("", self.corpus) and not item.faults)
        return next((item for item in judged if item.vault or item.feedback), None)

    @property
    def lived(self) -> tuple[Pass, ...]:
        """The passes since the last restart: what the conversation of now knows of."""
        return self.passes[self.restarts[-1] :] if self.restarts else self.passes

    @property
    def tree(self) -> str:
        """The commit that a new cell begins with; empty: with nothing."""
        return next(filter(None, (item.kept or item.commit for item in reversed(self.lived))), self.base)

    @property
    def beginning(self) -> str:
        """The commit that its first pass began with; empty: nothing, or what its seed brings."""
        return self.forked.commit if self.forked else ""

    @property
    def rehearsal(self) -> bool:
        """Whether its model is the twin playing a playbook."""
        return self.ledger == "rehearsal"


class Escalation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question to a named human."""

    id: str
    run: str
    kind: Literal["jam", "signoff"]
    jam: JamClass | None
    to: str
    question: str
    choices: tuple[str, ...]
    evidence: str
    raised_at: int
    answer: str = ""
    text: str = ""
    answered_by: str = ""
    answered_at: int = 0
    passed: tuple[str, ...] = ()
    """Who had it before, and did not answer in time."""
    passed_at: int = 0
    expires_at: int = 0
    """UTC ms at which policy refuses it, if nobody has answered; 0: never."""
    expired: bool = False
    """Policy did."""
    snoozed: int = 0
    """UTC ms until which it calls nobody; 0: it does."""
    snoozed_by: str = ""

    @property
    def since(self) -> int:
        """UTC ms from which on it waits for the one whose it is now."""
        return self.passed_at or self.raised_at

    @property
    def took(self) -> float:
        """Seconds from the question to its answer; 0 while it is open."""
        return max(0, self.answered_at - self.raised_at) / 1000 if self.answered_at else 0.0


class SeedView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A seed of the workspace: its newest good revision, and the scenarios that judge it."""

    name: str
    revision: str = ""
    revised_at: int = 0
    diff: str = ""
    """From the revision before, when it changed under an engine's eyes; its first lines."""
    corpus: str = ""
    scenarios: tuple[tuple[str, ScenarioSet], ...] = ()
    kinds: dict[str, ScenarioKind] = {}
    """By a scenario's name."""
    unlabelled: tuple[str, ...] = ()
    """Scenarios with a rubric of whose bias no human label tells."""
    twins: tuple[tuple[str, str], ...] = ()
    """Those that its scenarios ask for, each with what is known of its fidelity, in a word."""
    hosts: dict[str, str] = {}
    """By a twin's name, the host of the service that it stands for."""
    fidelity: dict[str, str] = {}
    """By a twin's name, what is known of how true it is to that, in a line."""
    beside: tuple[str, ...] = ()
    """Twins that its agent's cell has."""
    reviewed: dict[str, str] = {}
    """By a scenario's name, the revision that its file says it was reviewed for."""
    fixed: tuple[str, ...] = ()
    """Scenarios without draws."""
    visits: tuple[Visited, ...] = ()
    """The newest that ended, oldest first."""
    confirmed: str = ""
    """The revision that somebody last reviewed the scenarios for."""
    confirmed_by: str = ""


class SetCap(msgspec.Struct, frozen=True):
    """A cap of the floor, and what config.toml said of it when it was set."""

    amount: Decimal | None
    configured: Decimal | None


class Notice(msgspec.Struct, frozen=True):
    """A line for the operator."""

    at: int
    level: Literal["info", "warning", "error"]
    text: str
    remedy: str


class Engine(msgspec.Struct, frozen=True):
    """The engine that wrote last."""

    version: str = ""
    pid: int = 0
    workspace: str = ""
    cells: str = ""
    fenced: bool = True
    why: str = ""
    started_at: int = 0
    up: bool = False
    seeds: tuple[str, ...] = ()
    """Seeds that a run can be started from."""
    slots: int = 0
    """Runs that may be running at once, as it was when the engine started; 0: not known."""


class State(msgspec.Struct, frozen=True):
    """Everything, at `seq`."""

    seq: int = 0
    at: int = 0
    engine: Engine = Engine()
    frozen: bool = False
    frozen_by: str = ""
    runs: dict[str, Run] = {}
    counts: dict[str, int] = {}
    """Runs ever queued, by seed: the next run's number is one more."""
    escalations: dict[str, Escalation] = {}
    seeds: dict[str, SeedView] = {}
    edits: dict[str, str] = {}
    """Files that cannot be used as they are, and why; the last good version of each is in use."""
    burn: dict[Ledger, Burn] = {}
    day: int = 0
    """Days since 1970, in UTC, of what was settled last."""
    furthest: int = 0
    """The latest of all such days: more than `day` where a clock was ahead."""
    today: dict[Ledger, Burn] = {}
    """What was settled on that day."""
    caps: dict[FloorCap, SetCap] = {}
    """What all live runs together may spend."""
    notices: tuple[Notice, ...] = ()
    """The newest few, newest last."""

    def spent(self, name: FloorCap, now: int) -> Decimal:
        """What counts against that cap at `now`, UTC ms: of live runs, ever or on that day."""
        today = self.today if self.day >= now // DAY else {}
        return (today if name.startswith("day") else self.burn).get("live", Burn()).of(name)
