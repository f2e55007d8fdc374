"""All that the book and the state say of burn at one moment, as plain records: what `--json` prints. Pure."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from factory_tui.burn.book import Book
from factory_tui.burn.caps import Reach, of_floor, of_run
from factory_tui.burn.outlook import Outlook, Record
from factory_tui.burn.people import Spent, Targets, spent
from factory_tui.burn.trend import Trend
from factory_tui.burn.windows import By, WindowName
from factory_tui.burn.worth import Sized, Succession, cached, each, growth, satisfied, sizes, successions
from factory_tui.domain.money import Burn, Ledger
from factory_tui.domain.state import Run, State

LEDGERS: tuple[Ledger, ...] = ("live", "rehearsal")


class Group(msgspec.Struct, frozen=True):
    """A line of a table by group."""

    name: str
    burn: Burn
    share: Decimal | None
    """Of the ledger's money in the window."""
    cached: float | None
    """Share of the input that was read from the endpoint's prompt cache."""


class Ledgers(msgspec.Struct, frozen=True):
    """One ledger in the window."""

    ledger: Ledger
    total: Burn
    step: int
    """Milliseconds of a bucket."""
    begins: int
    """UTC ms of the first."""
    buckets: list[Burn]
    groups: list[Group]
    """The most money first."""


class OfRun(msgspec.Struct, frozen=True):
    """One run."""

    run: str
    ledger: Ledger
    loop: str
    operator: str
    burn: Burn
    cached: float | None
    satisfied: int
    """Scenarios that its newest judged pass satisfies."""
    each: Decimal | None
    """Dollars for each of them."""
    sizes: list[Sized]
    growth: Trend | None
    outlook: Outlook | None
    """What is left to satisfaction."""
    record: Record | None
    """How good outlooks on runs of its loop were."""
    caps: list[Reach]


class Report(msgspec.Struct, frozen=True):
    """Everything."""

    now: int
    window: WindowName
    by: By
    ledgers: list[Ledgers]
    runs: list[OfRun]
    caps: list[Reach]
    """Of all live runs together."""
    operators: dict[Ledger, list[Spent]]
    successions: list[Succession]


def groups(book: Book, now: int, ledger: Ledger, *, window: WindowName, by: By, run: str = "") -> Ledgers:
    """One ledger in a window, of one run or of all."""
    view = book.series.view(window, now, ledger, by, lambda key: not run or key.run == run)
    ranked = sorted(view.groups.items(), key=lambda one: (-one[1].money, -one[1].tokens.total, one[0]))
    whole = view.total.money
    lines = [Group(name, burn, burn.money / whole if whole else None, cached(burn.tokens)) for name, burn in ranked]
    return Ledgers(ledger, view.total, view.step, view.begins, view.buckets, lines)


def of(run: Run, book: Book, state: State, now: int) -> OfRun | None:
    """What there is to say of one run; None while the book does not know it."""
    account = book.accounts.get(run.id)
    if account is None:
        return None
    known = sizes(run.passes)
    return OfRun(
        run.id,
        run.ledger,
        run.loop,
        account.operator,
        run.burn,
        cached(run.burn.tokens),
        satisfied(run),
        each(run),
        known,
        growth(known),
        account.left(now),
        book.loop(account).record(),
        of_run(book, state, run.id, now),
    )


def report(
    book: Book, state: State, now: int, *, window: WindowName, by: By, targets: Targets, run: str = ""
) -> Report:
    """Of one run or of all."""
    known = [name for name in LEDGERS if name in {one.ledger for one in book.accounts.values()}]
    runs = [state.runs[run]] if run else state.runs.values()
    return Report(
        now,
        window,
        by,
        [groups(book, now, ledger, window=window, by=by, run=run) for ledger in known],
        [found for one in runs if (found := of(one, book, state, now))],
        [] if run else of_floor(book, state, now),
        {} if run else {ledger: spent(book, ledger, now, targets) for ledger in known},
        [] if run else successions(state),
    )


def rows(book: Book, now: int, window: WindowName, run: str = "") -> Iterator[tuple[str | int, ...]]:
    """What a window holds, bucket by bucket and kept apart by all that is known: a table for others to group."""
    yield (
        "begins",
        "ledger",
        "run",
        "model",
        "purpose",
        "node",
        "scenario",
        "dollars",
        "input",
        "output",
        "cache_write",
        "cache_read",
        "unsaid",
    )
    for at, key, burn in book.series.cells(window, now):
        if not run or key.run == run:
            four = burn.tokens
            kinds = (four.input, four.output, four.cache_write, four.cache_read)
            yield at, *key, f"{burn.money:f}", *kinds, burn.unsaid
