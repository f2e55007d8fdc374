"""Commands and the marks of runs in words, the same wherever they show. Pure."""

from factory_tui.console.figures import day, moment
from factory_tui.domain import commands as c
from factory_tui.domain import ratchet
from factory_tui.domain.money import of_cap
from factory_tui.domain.state import OVER, Run


def describe(command: c.Command) -> str:
    """A command as a phrase: `start shortlinks`, `stop shortlinks-1`."""
    match command:
        case c.StartRun():
            return f"start {command.seed}{f', {command.replicas} times' if command.replicas > 1 else ''}"
        case c.Pause():
            return f"pause {command.run}{' now' if command.now else ''}"
        case c.Resume() | c.Stop():
            return f"{'stop' if isinstance(command, c.Stop) else 'resume'} {command.run}"
        case c.Release():
            return f"release {command.run}"
        case c.Answer():
            return f"answer {command.escalation}: {command.choice or command.text}"
        case c.Snooze():
            return f"snooze {command.item} until {moment(command.until)}" if command.until else f"wake {command.item}"
        case c.SetExpiry():
            when = f"at {day(command.at)} {moment(command.at)}" if command.at else "never"
            return f"let {command.escalation} expire {when}"
        case c.Steer():
            return f"steer {command.run}: {command.text}"
        case c.Escalate():
            return f"escalate {command.run}{': ' if command.text else ''}{command.text}"
        case c.Reseed():
            return f"re-seed {command.run}{' from the beginning' if command.restart else ''}"
        case c.Restart():
            return f"restart {command.run} from {f'pass {command.number}' if command.number else 'nothing'}"
        case c.Fork():
            changed = (("seed", command.seed), ("model", command.model))
            said = " and ".join(f"{what} {name}" for what, name in changed if name)
            number = "" if command.number is None else f" from pass {command.number}"
            return f"fork {command.run}{number}{f' with {said}' if said else ''}"
        case c.Undo():
            return f"undo the last command about {command.run}"
        case c.RaiseCap():
            what = "the cap" if command.name == "run_cap" else command.name
            return f"raise {what} of {command.run} to {of_cap(command.name, command.cap)}"
        case c.OpenShell():
            return f"shell in {'' if command.number is None else f'a copy of pass {command.number} of '}{command.run}"
        case c.MoveBudget():
            return f"move ${command.amount:f} from {command.origin} to {command.run}"
        case c.SetCap():
            return f"set {command.cap} to {of_cap(command.cap, command.amount)}"
        case c.SetFault():
            return f"have twin {command.twin} of {command.run} fail: {command.fault or 'no more'}"
        case c.ConfirmCorpus():
            return f"confirm the scenarios of {command.seed}"
        case c.EmergencyStop():
            return "emergency stop"
        case c.Thaw():
            return "thaw the floor"
        case c.StopEngine():
            return "stop the engine"


def undone(actor: str, command: c.Command) -> str:
    """What was taken back, which is known without its words, and by whom."""
    return f"{actor} took back: {describe(command).removesuffix(': ')}"


def labels(ledger: str, unfenced: bool) -> str:
    """`REHEARSAL`, `UNFENCED`, both or nothing: what must be said wherever the run shows."""
    return " ".join(["REHEARSAL"] * (ledger == "rehearsal") + ["UNFENCED"] * unfenced)


def faulted(run: Run) -> str:
    """`fault by hand: payments 429`, or nothing: what operators have its twins do now."""
    said = ", ".join(f"{twin} {one.fault}" for twin, one in run.faults.items())
    return f"fault by hand: {said}" if said and run.state not in OVER else ""


def forked(run: Run) -> str:
    """`fork of pass 2 of shortlinks-1`, or nothing."""
    return f"fork of {run.forked}" if run.forked else ""


def replica(run: Run) -> str:
    """`replica of shortlinks-1`, or nothing: the first of them goes by its own name."""
    return f"replica of {run.group}" if run.group not in ("", run.id) else ""


def best(run: Run) -> str:
    """`best: pass 2`, where that is not the newest judged one; else nothing."""
    top = ratchet.best(run)
    return f"best: pass {top.number}" if top and top != run.measured else ""


def asked(command: c.Escalate | c.Pause | c.Restart | c.Stop | None) -> str:
    """`pausing`, `stopping` and so on, or nothing: what a run is about to do, once its current step ends."""
    match command:
        case c.Stop():
            return "stopping"
        case c.Escalate():
            return "asking"
        case c.Restart():
            return "restarting"
        case c.Pause():
            return "pausing"
    return ""
