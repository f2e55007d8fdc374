"""When each cap is reached, at the rate of late, and how wrong that was before. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from factory_tui.burn.book import Book
from factory_tui.burn.pace import Rate
from factory_tui.domain.money import DAY, CapName, in_tokens
from factory_tui.domain.state import OVER, State


class Reach(msgspec.Struct, frozen=True):
    """One cap. `run` is empty for one of all live runs together."""

    cap: CapName
    run: str
    amount: Decimal
    """Dollars or tokens, as the cap's name says."""
    spent: Decimal
    after: int | None
    """Milliseconds until it is reached; None: never at this rate, or not on this day."""
    rated: bool
    """Whether there is a rate: not of a run that rests, nor of one that has hardly begun."""
    error: int | None = None
    """Milliseconds by which such words were wrong before, in the median."""
    moments: int = 0
    """Of how many."""


def reaches(book: Book, state: State, now: int) -> list[Reach]:
    """Those of all live runs together, then those of each run that goes on."""
    return [*of_floor(book, state, now), *(one for run in state.runs for one in of_run(book, state, run, now))]


def of_run(book: Book, state: State, name: str, now: int) -> list[Reach]:
    """Those of one; of a pass and of a step what is left of the one under way."""
    run, account = state.runs[name], book.accounts.get(name)
    if run.state in OVER or account is None:
        return []
    rate, late = account.pace.rate(now) if run.state == "running" else None, book.lateness(account)
    known: dict[CapName, tuple[Decimal, Decimal]] = {}
    for cap, amount in run.caps.items():
        known[cap] = amount, run.spent(cap)
    return list(_reaches(known, name, rate, late))


def of_floor(book: Book, state: State, now: int) -> list[Reach]:
    """Those of all live runs together; a day's is not reached on another day."""
    pace = book.paces.get("live")
    rate, late = pace.rate(now) if pace else None, book.day_lateness("live")
    known: dict[CapName, tuple[Decimal, Decimal]] = {}
    for cap, one in state.caps.items():
        if one.amount is not None:
            known[cap] = one.amount, state.spent(cap, now)
    ends, found = DAY - now % DAY, list[Reach]()
    for reach in _reaches(known, "", rate, late):
        today = not reach.cap.startswith("day") or (reach.after is not None and reach.after < ends)
        found.append(reach if today else msgspec.structs.replace(reach, after=None))
    return found


def _reaches(
    caps: Mapping[CapName, tuple[Decimal, Decimal]], run: str, rate: Rate | None, late: tuple[int, int] | None
) -> Iterator[Reach]:
    for cap, (amount, spent) in caps.items():
        after = rate.reaches(amount - spent, tokens=in_tokens(cap)) if rate else None
        after = 0 if spent >= amount else after
        yield Reach(cap, run, amount, spent, after, rate is not None, *(late or (None, 0)))
