"""What an operator may ask of the factory: a closed set.

Every change of a run is one of these, carried with who asked. An agent can issue none.
"""

from decimal import Decimal
from typing import Literal

import msgspec

from factory_tui.domain.hostile import Text
from factory_tui.domain.money import FloorCap, Ledger, RunCap

Role = Literal["viewer", "operator", "admin"]


class StartRun(msgspec.Struct, frozen=True, tag="start"):
    """Queue a new run of a seed. Empty loop or model: what the seed or the config says."""

    seed: str
    loop: str = ""
    model: str = ""
    ledger: Ledger | None = None
    """None: live when the model has a key, else rehearsal."""
    unfenced: bool = False
    """The operator insists on a live model in a cell without a fence."""
    replicas: int = 1
    """So many runs of it at once, to see how far they come out alike."""


class Pause(msgspec.Struct, frozen=True, tag="pause"):
    """Pause after the current step, or now: the model stream is cancelled and the cell frozen."""

    run: str
    now: bool = False


class Resume(msgspec.Struct, frozen=True, tag="resume"):
    """Let a paused or held run go on."""

    run: str


class Release(msgspec.Struct, frozen=True, tag="release"):
    """Let what was found of the vault reach a run's agent: the run goes on, and no pass of it by then ships."""

    run: str


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """End a run for good; its passes and its trace stay."""

    run: str
    reason: Text = ""


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """Answer an escalation by one of its choices, or in free text."""

    escalation: str
    choice: str = ""
    text: Text = ""


class Snooze(msgspec.Struct, frozen=True, tag="snooze"):
    """Have a question or a held run call nobody until then. Whom it goes to if nobody answers, and when, stays."""

    item: str
    """The escalation, or the run."""
    until: int
    """UTC ms; 0: it is wanted again now."""


class SetExpiry(msgspec.Struct, frozen=True, tag="set-expiry"):
    """Have a question refused by policy at that time, if nobody answers it by then."""

    escalation: str
    at: int
    """UTC ms; 0: never."""


class Steer(msgspec.Struct, frozen=True, tag="steer"):
    """Say something to the agent before its next step."""

    run: str
    text: Text


class Escalate(msgspec.Struct, frozen=True, tag="escalate"):
    """Park a run, and ask its owner."""

    run: str
    text: Text = ""


class Reseed(msgspec.Struct, frozen=True, tag="reseed"):
    """Use the newest good revision of the run's seed: at its next pass, or anew from the beginning."""

    run: str
    restart: bool = False


class Restart(msgspec.Struct, frozen=True, tag="restart"):
    """Begin a new conversation from the output of a pass; 0: from nothing."""

    run: str
    number: int = 0


class Fork(msgspec.Struct, frozen=True, tag="fork"):
    """Queue a run that begins with the output of a pass of another, which is left as it is."""

    run: str
    number: int | None = None
    """The pass; None: the last one that is over and has an output."""
    seed: str = ""
    """A seed as it is now; empty: the revision that the pass used."""
    model: str = ""
    """Empty: that of the run."""


class Undo(msgspec.Struct, frozen=True, tag="undo"):
    """Take back the last command that whoever asks gave about a run, if it has no effect yet that stays."""

    run: str


class RaiseCap(msgspec.Struct, frozen=True, tag="raise-cap"):
    """Set what a run, each of its passes or steps may spend: more than now. A run held for its budget goes on."""

    run: str
    cap: Decimal
    """Dollars or tokens."""
    name: RunCap = "run_cap"


class MoveBudget(msgspec.Struct, frozen=True, tag="move-budget"):
    """Let a run spend dollars that are left of another one's cap. Held for its budget, it goes on."""

    run: str
    origin: str
    """The run that they are taken from."""
    amount: Decimal


class SetCap(msgspec.Struct, frozen=True, tag="set-cap"):
    """Set what all live runs together may spend; it stands until config.toml says something else than now."""

    cap: FloorCap
    amount: Decimal


class OpenShell(msgspec.Struct, frozen=True, tag="open-shell"):
    """Say who looks around by hand in the agent's cell, or in a copy of what a pass left; they open it themselves."""

    run: str
    number: int | None = None
    """The pass; None: the agent's cell."""


class SetFault(msgspec.Struct, frozen=True, tag="set-fault"):
    """Have a twin of a run fail, in all of its cells, until it is told otherwise: what is judged then never ships."""

    run: str
    twin: str
    fault: str = ""
    """As domain.faults spells it; empty: it answers as it is again."""


class ConfirmCorpus(msgspec.Struct, frozen=True, tag="confirm-corpus"):
    """Say that a seed's scenarios judge its newest revision; what waits for that goes on."""

    seed: str


class EmergencyStop(msgspec.Struct, frozen=True, tag="emergency-stop"):
    """Freeze the whole floor at once; nothing is lost."""


class Thaw(msgspec.Struct, frozen=True, tag="thaw"):
    """Undo an emergency stop."""


class StopEngine(msgspec.Struct, frozen=True, tag="stop-engine"):
    """Stop the engine; runs go on from where they are at its next start."""


Command = (
    StartRun
    | Pause
    | Resume
    | Release
    | Stop
    | Answer
    | Snooze
    | SetExpiry
    | Steer
    | Escalate
    | Reseed
    | Restart
    | Fork
    | Undo
    | RaiseCap
    | OpenShell
    | MoveBudget
    | SetCap
    | SetFault
    | ConfirmCorpus
    | EmergencyStop
    | Thaw
    | StopEngine
)

LEAST_ROLE: dict[type, Role] = {
    StartRun: "operator",
    Pause: "operator",
    Resume: "operator",
    Stop: "operator",
    Answer: "operator",
    Snooze: "operator",
    SetExpiry: "operator",
    Steer: "operator",
    Escalate: "operator",
    Reseed: "operator",
    Restart: "operator",
    Fork: "operator",
    Undo: "operator",
    RaiseCap: "operator",
    OpenShell: "operator",
    MoveBudget: "operator",
    SetFault: "operator",
    ConfirmCorpus: "operator",
    EmergencyStop: "operator",
    Release: "admin",
    SetCap: "admin",
    Thaw: "admin",
    StopEngine: "admin",
}
RANK: dict[Role, int] = {"viewer": 0, "operator": 1, "admin": 2}
"""A higher one may all that a lower one may."""


def may(role: Role, command: Command) -> bool:
    """Whether an operator of this role may issue the command."""
    return RANK[role] >= RANK[LEAST_ROLE[type(command)]]


def refusal(role: Role, command: Command) -> str:
    """What somebody of this role is told who may not issue the command."""
    kind = type(command)
    who = f"a {role}" if role == "viewer" else f"an {role}"
    return f"{who} may not {str(kind.__struct_config__.tag).replace('-', ' ')}; ask an {LEAST_ROLE[kind]}"
