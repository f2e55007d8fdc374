"""Every fact the factory records: small frozen records, a closed and versioned set.

An `Event` is a fact with its place in the journal. Fields typed `Text` may hold what an agent, a model or a person
wrote; all others are metadata (a metadata-only viewer gets those alone). Text is cleaned of control sequences before
it becomes a fact. Long payloads are the journal's concern, not this module's.
"""

import msgspec

from factory_tui.domain.cell_facts import (
    CellClosed as CellClosed,
    CellLacked as CellLacked,
    CellRole as CellRole,
    CellStarted as CellStarted,
    CheckpointRan as CheckpointRan,
    ImageLogged as ImageLogged,
    ImageReady as ImageReady,
)
from factory_tui.domain.fact import Fact as Fact
from factory_tui.domain.floor_facts import (
    CapSet as CapSet,
    CommandTaken as CommandTaken,
    CommandUndone as CommandUndone,
    CorpusConfirmed as CorpusConfirmed,
    CorpusRevised as CorpusRevised,
    EditMended as EditMended,
    EditRefused as EditRefused,
    EngineStarted as EngineStarted,
    EngineStopped as EngineStopped,
    FloorFrozen as FloorFrozen,
    FloorThawed as FloorThawed,
    Noticed as Noticed,
    ScenarioKind as ScenarioKind,
    ScenarioSet as ScenarioSet,
    SeedRevised as SeedRevised,
)
from factory_tui.domain.run_facts import (
    BudgetMoved as BudgetMoved,
    EscalationAnswered as EscalationAnswered,
    EscalationPassedOn as EscalationPassedOn,
    EscalationRaised as EscalationRaised,
    ExpirySet as ExpirySet,
    HeldReason as HeldReason,
    JamClass as JamClass,
    LeakFound as LeakFound,
    LeakReleased as LeakReleased,
    NodeEntered as NodeEntered,
    NodeLeft as NodeLeft,
    NodeStatus as NodeStatus,
    PassBegan as PassBegan,
    PassEnded as PassEnded,
    RungClimbed as RungClimbed,
    RunForked as RunForked,
    RunMoved as RunMoved,
    RunQueued as RunQueued,
    RunReseeded as RunReseeded,
    RunRestarted as RunRestarted,
    RunState as RunState,
    Shipped as Shipped,
    SnapshotTaken as SnapshotTaken,
    Snoozed as Snoozed,
    WorkKept as WorkKept,
)
from factory_tui.domain.step_facts import (
    Answered as Answered,
    CallReserved as CallReserved,
    CallSettled as CallSettled,
    Disputed as Disputed,
    ConversationRebuilt as ConversationRebuilt,
    Prompted as Prompted,
    Purpose as Purpose,
    ToolCalled as ToolCalled,
    ToolReturned as ToolReturned,
)
from factory_tui.domain.visit_facts import (
    SETTLES as SETTLES,
    Revealed as Revealed,
    Flips as Flips,
    Judged as Judged,
    Satisfaction as Satisfaction,
    VerdictReached as VerdictReached,
    VisitBegan as VisitBegan,
    VisitEnded as VisitEnded,
    VisitKind as VisitKind,
)

SCHEMA = 5
"""Raised with every change that an older reader would not understand."""

AnyFact = (
    EngineStarted
    | EngineStopped
    | CommandTaken
    | CommandUndone
    | FloorFrozen
    | FloorThawed
    | CapSet
    | Noticed
    | SeedRevised
    | CorpusRevised
    | CorpusConfirmed
    | EditRefused
    | EditMended
    | RunQueued
    | RunReseeded
    | RunRestarted
    | RunForked
    | RungClimbed
    | RunMoved
    | BudgetMoved
    | LeakFound
    | LeakReleased
    | NodeEntered
    | NodeLeft
    | PassBegan
    | PassEnded
    | SnapshotTaken
    | WorkKept
    | CellStarted
    | CellClosed
    | CellLacked
    | ImageLogged
    | ImageReady
    | ConversationRebuilt
    | Prompted
    | CallReserved
    | CallSettled
    | Answered
    | Disputed
    | ToolCalled
    | ToolReturned
    | CheckpointRan
    | VisitBegan
    | Judged
    | VerdictReached
    | VisitEnded
    | Revealed
    | EscalationRaised
    | EscalationPassedOn
    | EscalationAnswered
    | Snoozed
    | ExpirySet
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
