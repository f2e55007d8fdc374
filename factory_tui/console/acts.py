"""Who did what: an event as actor, verb, subject and detail. Pure. What others wrote goes through `one_line`."""

import msgspec

from factory_tui.console.glyphs import Tone
from factory_tui.console.trace import lines
from factory_tui.console.wording import describe
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.hostile import one_line

DETAIL = 400
"""Characters of a detail, at most."""
NAME = 40
"""Characters of an actor, a verb or a subject."""
_ROUTINE = (
    *(e.NodeEntered, e.NodeLeft, e.PassBegan, e.SnapshotTaken, e.WorkKept, e.CellStarted, e.CellClosed, e.ImageLogged),
    *(e.ConversationRebuilt, e.Prompted, e.CallReserved, e.CallSettled, e.Answered, e.ToolCalled, e.ToolReturned),
    *(e.CheckpointRan, e.VisitBegan, e.Judged, e.VerdictReached, e.Revealed),
)
"""What a run does all day: its trace tells of it."""


def tag(kind: type) -> str:
    """What a kind of fact is called in the journal."""
    return str(kind.__struct_config__.tag)  # type: ignore[attr-defined]


KINDS: tuple[str, ...] = tuple(sorted(tag(kind) for kind in e.AnyFact.__args__))
"""All there are."""
DEEDS: tuple[str, ...] = tuple(sorted({*KINDS} - {tag(kind) for kind in _ROUTINE}))
"""Those that change what people decide about: shown where nobody asks for others."""


_VERBS: dict[type, str] = {
    e.EngineStarted: "start",
    e.EngineStopped: "stop",
    e.FloorFrozen: "freeze",
    e.FloorThawed: "thaw",
    e.SeedRevised: "revise",
    e.CorpusRevised: "revise",
    e.CorpusConfirmed: "confirm",
    e.EditRefused: "refuse",
    e.EditMended: "mend",
    e.RunQueued: "queue",
    e.RunReseeded: "re-seed",
    e.RunRestarted: "restart",
    e.RunForked: "fork",
    e.RungClimbed: "climb",
    e.BudgetMoved: "budget",
    e.LeakFound: "leak",
    e.LeakReleased: "release",
    e.PassEnded: "pass",
    e.VisitEnded: "visit",
    e.Shipped: "ship",
    e.CellLacked: "lack",
    e.ImageReady: "image",
}
"""In one word; any other is called as its kind is."""


class Act(msgspec.Struct, frozen=True):
    """One event as a line."""

    seq: int
    at: int
    actor: str
    verb: str
    subject: str
    detail: str
    tone: Tone
    kind: str = ""
    """Of its fact."""
    run: str = ""
    """That it is about; empty: the floor."""


def act(event: e.Event) -> Act:
    """Of any event."""
    said = lines(event)
    verb, subject, detail = _parts(event, " ".join(line.text for line in said))
    return Act(
        event.seq,
        event.at,
        one_line(event.actor, NAME),
        one_line(verb, NAME),
        one_line(subject, NAME),
        one_line(detail, DETAIL),
        said[0].tone if said else "dim",
        tag(type(event.fact)),
        event.run,
    )


def _parts(event: e.Event, said: str) -> tuple[str, str, str]:
    fact = event.fact
    verb = _VERBS.get(type(fact), tag(type(fact)).replace("-", " "))
    match fact:
        case e.CommandTaken():
            return _command(fact.command)
        case e.CommandUndone():
            _, subject, _ = _command(fact.command)
            return "undo", subject, describe(fact.command).removesuffix(": ")
        case e.RunMoved():
            return fact.state, event.run, said.removeprefix(fact.state).removeprefix(": ").strip()
        case e.EscalationRaised():
            return "ask", event.run, said
        case e.EscalationAnswered():
            return "answer", event.run, f"{fact.id}: {fact.choice} {fact.text}"
        case e.EscalationPassedOn():
            return "pass on", event.run, said
        case e.SeedRevised() | e.CorpusRevised() | e.CorpusConfirmed():
            return verb, fact.seed, said or (fact.revision[:8] if isinstance(fact, e.SeedRevised) else "")
        case e.EditRefused() | e.EditMended():
            return verb, fact.file, said
        case e.Noticed():
            return fact.level, "", said
        case e.CapSet():
            return "cap", fact.cap, said
    return verb, event.run, said


def _command(command: c.Command) -> tuple[str, str, str]:
    """Its verb, whom it is about, and the rest of what was said."""
    verb = tag(type(command)).replace("-", " ")
    about = (getattr(command, name, "") for name in ("run", "escalation", "seed", "cap"))
    subject = next((one for one in about if isinstance(one, str) and one), "")
    said = describe(command)
    rest = said.partition(subject)[2] if subject else ""
    return verb, subject, rest.strip(" :,")
