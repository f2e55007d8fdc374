"""Events of the floor in the operator's words: the engine, commands, caps, edits. `trace` has those of runs."""

from collections.abc import Callable, Iterator
from typing import Any

from factory_tui.console.glyphs import Tone
from factory_tui.console.wording import describe, undone
from factory_tui.domain import events as e
from factory_tui.domain.money import of_cap

_LEVELS: dict[str, Tone] = {"info": "text", "warning": "waits", "error": "bad"}
Said = Iterator[tuple[str, Tone, str]]
"""Who speaks, how, and what."""


def _engine_up(_event: e.Event, fact: e.EngineStarted) -> Said:
    fence = "fenced" if fact.fenced else "UNFENCED"
    why = f": {fact.why}" if fact.why else ""
    yield "engine", "text" if fact.fenced else "waits", f"engine {fact.version} up; {fact.cells} cells, {fence}{why}"


def _engine_stopped(_event: e.Event, fact: e.EngineStopped) -> Said:
    yield "engine", "waits", f"engine stopped: {fact.reason}"


def _taken(event: e.Event, fact: e.CommandTaken) -> Said:
    yield "operator", "text", f"{event.actor}: {describe(fact.command)}"


def _undone(event: e.Event, fact: e.CommandUndone) -> Said:
    yield "operator", "waits", undone(event.actor, fact.command)


def _frozen(event: e.Event, _fact: e.FloorFrozen) -> Said:
    yield "engine", "asks", f"emergency stop by {event.actor}: every run is frozen where it is"


def _thawed(event: e.Event, _fact: e.FloorThawed) -> Said:
    yield "engine", "good", f"thawed by {event.actor}: the floor moves again"


def _budget_moved(_event: e.Event, fact: e.BudgetMoved) -> Said:
    yield "run", "text", f"may spend ${fact.amount:f} more, and {fact.origin} so much less"


def _cap_set(_event: e.Event, fact: e.CapSet) -> Said:
    amount = "no cap" if fact.amount is None else of_cap(fact.cap, fact.amount)
    yield "engine", "text", f"all live runs together: {fact.cap} is {amount} now"


def _noticed(_event: e.Event, fact: e.Noticed) -> Said:
    yield "engine", _LEVELS[fact.level], f"{fact.text}{f' Remedy: {fact.remedy}' if fact.remedy else ''}"


def _seed_revised(_event: e.Event, fact: e.SeedRevised) -> Said:
    if fact.by_hand and not fact.revision:
        yield "seed", "dim", f"{fact.seed} is gone"
    elif fact.by_hand:
        yield "seed", "waits", f"{fact.seed} is at revision {fact.revision[:8]} now: {_changed(fact.diff)}"


def _changed(diff: str) -> str:
    """`+3 -1`: the lines that a unified diff adds and takes away."""
    lines = [line for line in diff.splitlines() if not line.startswith(("+++", "---"))]
    return f"+{sum(line.startswith('+') for line in lines)} -{sum(line.startswith('-') for line in lines)} lines"


def _confirmed(event: e.Event, fact: e.CorpusConfirmed) -> Said:
    yield "seed", "good", f"{event.actor}: the scenarios of {fact.seed} judge revision {fact.revision[:8]}"


def _edit_refused(_event: e.Event, fact: e.EditRefused) -> Said:
    yield "seed", "bad", f"{fact.problem} The last good version of {fact.file} stays in use."


def _edit_mended(_event: e.Event, fact: e.EditMended) -> Said:
    yield "seed", "good", f"{fact.file} is fine again"


OF_THE_FLOOR: dict[type, Callable[[e.Event, Any], Said]] = {
    e.EngineStarted: _engine_up,
    e.EngineStopped: _engine_stopped,
    e.CommandTaken: _taken,
    e.CommandUndone: _undone,
    e.FloorFrozen: _frozen,
    e.FloorThawed: _thawed,
    e.BudgetMoved: _budget_moved,
    e.CapSet: _cap_set,
    e.Noticed: _noticed,
    e.SeedRevised: _seed_revised,
    e.CorpusConfirmed: _confirmed,
    e.EditRefused: _edit_refused,
    e.EditMended: _edit_mended,
}
