"""What a change of a cap leads to, by a command or by config.toml: the facts, and the runs that it lets go.

Pure. What is spent is the budget's to know.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from factory_tui.domain import commands as c
from factory_tui.domain.events import BudgetMoved, CapSet, Draft, RunMoved
from factory_tui.domain.money import FLOOR_CAPS, FloorCap, no_cap, of_cap
from factory_tui.domain.state import Run, State

Judged = str | list[Draft]
"""Why a command is refused, or the facts that follow from it."""


def raise_cap(run: Run, actor: str, command: c.RaiseCap) -> Judged:
    """A cap of one run."""
    known = run.caps.get(command.name)
    if known is None:
        return f"{run.id} has no cap of its own" + ("" if command.name == "run_cap" else f" called {command.name}")
    if not command.cap.is_finite() or command.cap <= known:
        return f"the cap of {run.id} is {of_cap(command.name, known)} now; name more than that"
    return no_cap(command.cap, command.name) or let_go(run, actor)


def move_budget(state: State, run: Run, actor: str, command: c.MoveBudget) -> Judged:
    """Dollars from what another run has left, which may be over: what it did not spend is there to be had."""
    origin = state.runs.get(command.origin)
    if origin is None or origin.id == run.id:
        return f"there is no other run {command.origin}; runs: {', '.join(state.runs)}"
    if run.cap is None or origin.cap is None:
        return f"{(run if run.cap is None else origin).id} has no cap of its own"
    if run.ledger != origin.ledger:
        return f"{(run if run.rehearsal else origin).id} is a rehearsal: money is not moved between ledgers"
    if not command.amount.is_finite() or command.amount <= 0:
        return "name how many dollars to move"
    if said := no_cap(command.amount) or no_cap(run.cap + command.amount):
        return said
    if lacks := lacking(origin, command.amount, origin.burn.money + origin.burn.reserved):
        return lacks
    return [Draft(BudgetMoved(origin.id, command.amount), run.id, actor), *let_go(run, actor)]


def lacking(origin: Run, amount: Decimal, used: Decimal) -> str:
    """Why a run cannot give away so much; empty when it can."""
    left = max(Decimal(0), (origin.cap or Decimal(0)) - used)
    return f"{origin.id} has ${left:f} left, calls in flight taken off; move no more than that" if amount > left else ""


def let_go(run: Run, actor: str) -> list[Draft]:
    """What a raised cap means to a run that waits for one."""
    if run.state != "held" or run.reason != "budget":
        return []
    return [Draft(RunMoved("queued", None, f"{actor} raised its cap"), run.id, actor)]


def set_cap(state: State, actor: str, command: c.SetCap) -> Judged:
    """A cap of the floor, by an admin."""
    if not command.amount.is_finite():
        return "that is no cap: name an amount"
    if said := no_cap(command.amount, command.cap):
        return said
    known = state.caps.get(command.cap)
    fact = CapSet(command.cap, command.amount, known.configured if known else None)
    return [Draft(fact, actor=actor), *_wake(state, fact, actor)]


def configured(state: State, caps: Mapping[FloorCap, Decimal]) -> list[Draft]:
    """What config.toml says of the floor's caps, where it says something else than before."""
    drafts = []
    for name in FLOOR_CAPS:
        known, said = state.caps.get(name), caps.get(name)
        if said != (known.configured if known else None):
            fact = CapSet(name, said, said)
            drafts += [Draft(fact), *_wake(state, fact, "config.toml")]
    return drafts


def _wake(state: State, fact: CapSet, who: str) -> Iterator[Draft]:
    """Every run that is held by this cap, where it is higher than before."""
    known = state.caps.get(fact.cap)
    higher = known is not None and known.amount is not None and (fact.amount is None or fact.amount > known.amount)
    for run in state.runs.values():
        if higher and run.state == "held" and run.held_by == fact.cap:
            why = f"{who} raised {fact.cap}"
            yield Draft(RunMoved("queued", None, why), run.id, "engine" if who == "config.toml" else who)
