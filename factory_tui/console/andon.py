"""What calls from the floor, most urgent first: one lamp each. Pure: read off the state, kept nowhere."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from factory_tui.console.burning import WARN, share
from factory_tui.console.figures import countdown, duration, percent
from factory_tui.console.glyphs import Tone
from factory_tui.console.quiet import Quiet
from factory_tui.console.waiting import waiting
from factory_tui.domain.hostile import one_line
from factory_tui.domain.money import of_cap
from factory_tui.domain.state import OVER, Run, State

NAMES = 2
"""Of several things that call alike, as many are named; the rest are counted."""


class Call(msgspec.Struct, frozen=True):
    """A lamp: what is always said of it, what is where there is room, and where a click leads."""

    tone: Tone
    head: str
    action: str
    more: str = ""
    run: str = ""
    """The run that is chosen then; empty: it is about none."""


def calls(state: State, now: int, slow: Mapping[str, Quiet]) -> list[Call]:
    """All of them; `slow`: the runs in which nothing moves."""
    asking = [*_frozen(state), *_asks(state, now), *_held(state, now), *_edits(state)]
    return [*asking, *_caps(state, now), *_slow(slow), *_starved(state)]


def _frozen(state: State) -> Iterator[Call]:
    if state.frozen:
        yield Call("asks", f"frozen by {one_line(state.frozen_by, 24) or 'an operator'}", "emergency")


def _asks(state: State, now: int) -> Iterator[Call]:
    """The question that waits longest; how many there are stands in the header."""
    item = next((item for item in waiting(state) if item.asked and not item.snoozed), None)
    if item is None or item.asked is None:
        return
    asked = item.asked
    kind = "jam" if asked.kind == "jam" else "sign-off"
    age = duration((now - asked.raised_at) / 1000)
    head = f"{kind} {asked.id} {item.run.id} {age}"
    yield Call("asks", head, "go.inbox", f": {one_line(asked.question, 300)}", item.run.id)


def _edits(state: State) -> Iterator[Call]:
    files = sorted(state.edits)
    if files:
        yield Call("bad", f"bad edit {_some(files)}", "go.workshop")


def _held(state: State, now: int) -> Iterator[Call]:
    reasons: dict[str, list[Run]] = {}
    for run in state.runs.values():
        if run.state == "held" and not run.snoozed:
            reasons.setdefault(run.reason or "held", []).append(run)
    for reason, runs in reasons.items():
        back = [run.retry_at for run in runs if run.retry_at]
        soon = f", back in {countdown((min(back) - now) / 1000)}" if back else ""
        head = f"{reason} holds {_some([run.id for run in runs])}{soon}"
        if len(runs) > 1:
            yield Call("waits", head, "go.inbox")
        else:
            yield Call("waits", head, "go.run", f": {one_line(runs[0].why, 200)}", runs[0].id)


def _caps(state: State, now: int) -> Iterator[Call]:
    for name, known in state.caps.items():
        if known.amount is None:
            continue
        of = state.spent(name, now) / known.amount if known.amount else Decimal(1)
        if of >= WARN:
            yield Call(
                "bad" if of >= 1 else "waits",
                f"{name} {percent(float(of))}",
                "go.burn",
                f" of {of_cap(name, known.amount)}",
            )
    near = [
        (of, run) for run in state.runs.values() if run.state not in OVER and (of := share(run) or Decimal(0)) >= WARN
    ]
    for of, run in sorted(near, key=lambda pair: (-pair[0], pair[1].id)):
        if run.reason != "budget":  # it is said to be held by it
            yield Call("waits", f"{run.id} {percent(float(of))} of its cap", "go.burn", run=run.id)


def _slow(slow: Mapping[str, Quiet]) -> Iterator[Call]:
    if slow:
        name, quiet = max(slow.items(), key=lambda pair: pair[1].seconds)
        more = f" and {len(slow) - 1} more" if len(slow) > 1 else ""
        yield Call("waits", f"slow {name} {duration(quiet.seconds)}{more}", "go.run", run=name)


def _starved(state: State) -> Iterator[Call]:
    """Slots are free and nothing comes: of a floor that has worked, since an empty one says so itself."""
    states = [run.state for run in state.runs.values()]
    slots, free = state.engine.slots, state.engine.slots - states.count("running")
    if slots and free > 0 and states and "queued" not in states and state.engine.up and not state.frozen:
        yield Call("idle", f"starved: {free} of {slots} slots free", "run.new", ", nothing is queued")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return one_line(", ".join(names[:NAMES]) + more, 120)
