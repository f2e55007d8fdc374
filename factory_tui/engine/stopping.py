"""How a run stops by a command that was taken, and is not in effect yet. Pure."""

from factory_tui.domain import commands as c
from factory_tui.domain.events import RunRestarted
from factory_tui.domain.state import Run
from factory_tui.engine.orders import stopped, ways_on
from factory_tui.engine.parking import Parked, Question


def asked_for(run: Run) -> Parked | None:
    """None: nothing is asked of it."""
    match run.asked:
        case c.Stop(reason=reason):
            return Parked("stopped", stopped(run.asker, reason))
        case c.Pause():
            return Parked("paused", f"paused by {run.asker}")
        case c.Escalate():
            return asks(run, run.asker, run.asked)
        case c.Restart(number=number):
            commit = next((item.commit for item in run.passes if item.number == number), "")
            said = f"{run.asker} restarted it from {f'pass {number}' if number else 'nothing'}"
            return Parked("queued", said, facts=[RunRestarted(number, commit)])
    return None


def asks(run: Run, actor: str, command: c.Escalate) -> Parked:
    """Somebody has it ask its owner."""
    why = command.text or f"{actor} asks you to look at this run"
    return Parked("jammed", why, question=Question("jam", why, ways_on(run), jam="asked"))
