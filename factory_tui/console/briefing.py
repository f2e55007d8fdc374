"""Since somebody last looked: what shipped, jammed, moved, was spent and decided, and what waits. Pure.

Made of the state then, the state now, and what people did between; kept nowhere.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from factory_tui.console.acts import act, tag
from factory_tui.console.figures import count, day, interval, money, stamp
from factory_tui.console.glyphs import LAMPS, Tone
from factory_tui.console.waiting import waiting
from factory_tui.console.wording import labels
from factory_tui.domain import events as e
from factory_tui.domain.hostile import one_line
from factory_tui.domain.money import Burn, Ledger
from factory_tui.domain.state import Run, State

DECIDES: tuple[type[e.AnyFact], ...] = (
    *(e.CommandTaken, e.CommandUndone, e.CapSet, e.CorpusConfirmed, e.EscalationPassedOn, e.EditRefused, e.RungClimbed),
    *(e.EscalationAnswered, e.SeedRevised, e.LeakFound),
)
"""What is read of the events between; the rest is in the states."""
KINDS: tuple[str, ...] = tuple(sorted(map(tag, DECIDES)))
TEXT = 200
"""Characters of a line."""
Title = Literal["shipped", "jammed", "moved", "spent", "decided", "waits"]


class Item(msgspec.Struct, frozen=True):
    """A line of it, and what it is about."""

    text: str
    tone: Tone = "text"
    run: str = ""
    at: int = 0
    """UTC ms; 0: of no one moment."""
    seq: int = 0
    """Of the event that it tells of, where it is one."""
    asks: str = ""
    """In the inbox: the escalation, or the run that is held."""
    mine: bool = False
    """Whether it waits for whoever looks."""


class Briefing(msgspec.Struct, frozen=True):
    """What happened between two looks."""

    since: int
    """UTC ms."""
    until: int
    events: int
    """How many were journalled between."""
    sections: dict[Title, tuple[Item, ...]]
    """Those that have something to tell."""

    @property
    def news(self) -> bool:
        """Whether anything happened, besides what waits already."""
        return any(self.sections.get(title) for title in ("shipped", "jammed", "moved", "spent", "decided"))


def briefing(then: State, now: State, events: Iterable[e.Event], me: str = "") -> Briefing:
    """`events`: at least those of KINDS after `then`, in order. `me`: for whom it is."""
    ended = [*_ended(then, now)]
    told: dict[Title, list[Item]] = {
        "shipped": [item for run, item in ended if run.state == "shipped"],
        "jammed": [item for run, item in ended if run.state != "shipped"],
        "moved": [*_moved(then, now)],
        "spent": [*_spent(then, now)],
        "decided": [*_decided(then, events)],
        "waits": sorted(_waits(now, me), key=lambda item: (not item.mine, item.at)),
    }
    sections = {title: tuple(items) for title, items in told.items() if items}
    return Briefing(then.at, now.at, now.seq - then.seq, sections)


def _line(text: str, tone: Tone = "text", run: str = "", at: int = 0) -> Item:
    return Item(one_line(text, TEXT), tone, run, at)


def _passes(run: Run) -> str:
    return "1 pass" if len(run.passes) == 1 else f"{len(run.passes)} passes"


def _label(run: Run) -> str:
    said = labels(run.ledger, run.unfenced)
    return f" {said}" if said else ""


def _ended(then: State, now: State) -> Iterator[tuple[Run, Item]]:
    """Runs that came, since then, to where they cannot go on by themselves."""
    for run in sorted(now.runs.values(), key=lambda one: one.moved_at):
        before = then.runs.get(run.id)
        if run.state in ("queued", "running", "paused") or (
            before and (before.state, before.moved_at) == (run.state, run.moved_at)
        ):
            continue
        if run.state == "shipped":
            measured = f", satisfaction {interval(run.measured.vault)}" if run.measured and run.measured.vault else ""
            text = f"{run.id} in {_passes(run)}{measured}, "
            text += f"{money(run.burn.money)}{_label(run)}: {run.shipped}"
        else:
            reason = f" ({run.reason})" if run.reason else ""
            text = f"{run.id} {run.state}{reason}{_label(run)}{f': {run.why}' if run.why else ''}"
        yield run, _line(text, LAMPS[run.state], run.id, run.moved_at)


def _moved(then: State, now: State) -> Iterator[Item]:
    """Passes and satisfaction."""
    for run in now.runs.values():
        before = then.runs.get(run.id)
        if before is None:
            made = f", {_passes(run)}" if run.passes else ""
            yield _line(f"{run.id} is new, for {run.owner}{made}{_satisfied(None, run)}{_label(run)}", "text", run.id)
        elif len(run.passes) != len(before.passes) or before.measured != run.measured:
            passes = f"pass {len(before.passes)} to {len(run.passes)}"
            passes = passes if len(run.passes) != len(before.passes) else f"pass {len(run.passes)}"
            yield _line(f"{run.id} {passes}{_satisfied(before, run)}{_label(run)}", "text", run.id)


def _satisfied(before: Run | None, run: Run) -> str:
    old, new = before.measured if before else None, run.measured
    if new is None or new.vault is None:
        return ""
    was = f"{interval(old.vault)} to " if old and old.vault and old.number != new.number else ""
    return f", satisfaction {was}{interval(new.vault)}"


def _spent(then: State, now: State) -> Iterator[Item]:
    """By ledger, what is not real apart and labelled; then the runs that spent most of it."""
    ledgers: tuple[Ledger, ...] = ("live", "rehearsal")
    for ledger in ledgers:
        more, tokens = _more(then.burn.get(ledger, Burn()), now.burn.get(ledger, Burn()))
        if not more and not tokens:
            continue
        label = " REHEARSAL, no real money" if ledger == "rehearsal" else ""
        yield _line(f"{money(more)}, {count(tokens)} tokens{label}")
        spenders = [
            (_more(then.runs[run.id].burn if run.id in then.runs else Burn(), run.burn)[0], run)
            for run in now.runs.values()
            if run.ledger == ledger
        ]
        for most, run in sorted(spenders, key=lambda one: -one[0])[:3]:
            if most:
                yield _line(f"{money(most)} {run.id}{_label(run)}", "dim", run.id)


def _more(before: Burn, after: Burn) -> tuple[Decimal, int]:
    return after.money - before.money, after.tokens.total - before.tokens.total


def _decided(then: State, events: Iterable[e.Event]) -> Iterator[Item]:
    """Each thing that somebody did, in order; what was taken back is told where it was."""
    for event in events:
        fact = event.fact
        if event.seq <= then.seq or not isinstance(fact, DECIDES):
            continue
        if isinstance(fact, e.SeedRevised) and not fact.by_hand:
            continue
        if isinstance(fact, e.EscalationAnswered) and not fact.expired:
            continue  # somebody's command says so
        done = act(event)
        text = " ".join(filter(None, (done.actor, done.verb, done.subject, done.detail)))
        yield msgspec.structs.replace(_line(text, done.tone, event.run, event.at), seq=event.seq)


def _waits(now: State, me: str) -> Iterator[Item]:
    for item in waiting(now):
        if not item.needs_human:
            continue
        asked = item.asked
        if asked is None:
            held = _line(f"{item.run.id} held ({item.run.reason}): {item.run.why}", "asks", item.run.id, item.since)
            yield msgspec.structs.replace(held, asks=item.id)
            continue
        whom = "for you" if asked.to == me else f"for {asked.to}"
        found = _line(f"{asked.id} {item.run.id}, {whom}: {asked.question}", "asks", item.run.id, item.since)
        yield msgspec.structs.replace(found, asks=item.id, mine=asked.to == me)


TITLES: dict[Title, str] = {
    "shipped": "shipped",
    "jammed": "stopped short",
    "moved": "moved on",
    "spent": "spent",
    "decided": "decided",
    "waits": "waits for a human",
}


def told(found: Briefing) -> list[str]:
    """As lines of text, without a terminal."""
    said = [f"since {day(found.since)} {stamp(found.since)} UTC: {count(found.events)} events"]
    if not found.news:
        said.append("nothing new")
    for title, items in found.sections.items():
        said += ["", TITLES[title]]
        said += [f"  {stamp(item.at) if item.at else ' ' * 8}  {item.text}" for item in items]
    return said
