"""`factory-tui burn`: what was spent on what, where it leads, and what it bought; for people and for scripts.

Imports stay inside the functions, as in `cli`.
"""

import argparse
import asyncio
import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING

from factory_tui.following import FAILED, SHIPPED, look_at, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory_tui.burn.book import Book
    from factory_tui.burn.caps import Reach
    from factory_tui.burn.report import Ledgers, Report
    from factory_tui.config.workspace import Workspace


def burn(workspace: "Workspace", said: argparse.Namespace) -> int:
    """Print the report in the shape asked for. Fails where there is no such run."""
    import msgspec

    from factory_tui.burn.report import report, rows
    from factory_tui.config.load import load
    from factory_tui.console.reckoning import targets

    state, _ = asyncio.run(look_at(workspace))
    if said.run and said.run not in state.runs:
        print(
            f"there is no run {said.run}; runs: {', '.join(state.runs) or 'none'}. Remedy: name one of them, or none",
            file=sys.stderr,
        )
        return FAILED
    book, now = _book(workspace, state.seq), max(state.at, time.time_ns() // 1_000_000)
    if said.csv:
        import csv

        csv.writer(sys.stdout, lineterminator="\n").writerows(rows(book, now, said.window, said.run))
        return SHIPPED
    aims = targets(load(workspace.config))
    found = report(book, state, now, window=said.window, by=said.by, targets=aims, run=said.run)
    if said.json:
        print(msgspec.json.encode(found).decode())
        return SHIPPED
    for line in _lines(found):
        print(line)
    if not found.ledgers:
        print(f"nothing was burned yet. Remedy: {typed(workspace, 'run SEED')}")
    return SHIPPED


def _book(workspace: "Workspace", seq: int) -> "Book":
    """The journal's facts up to the state's, folded."""
    from factory_tui.burn.book import KINDS, Book
    from factory_tui.journal import read

    book = Book()
    if (workspace.state / "journal.db").exists():
        book.take_all(read(workspace.state, to=seq, kinds=KINDS))
    return book


def _lines(found: "Report") -> "Iterator[str]":
    for one in found.ledgers:
        yield from _table(found, one)
    yield from _runs(found)
    yield from _beside(found)


def _table(found: "Report", one: "Ledgers") -> "Iterator[str]":
    from factory_tui.console.figures import count, exact, percent
    from factory_tui.console.wording import labels

    when = "ever" if found.window == "all" else f"in the last {found.window}"
    yield f"{labels(one.ledger, False) or one.ledger}, {when}, by {found.by}"
    wide = max(20, *(len(group.name) for group in one.groups)) if one.groups else 20
    yield f"  {found.by:{wide}} {'spent':>14} {'share':>6} {'tokens':>8} {'cache':>6}"
    for group in one.groups:
        share = "" if group.share is None else percent(float(group.share))
        kept = "" if group.cached is None else percent(group.cached)
        tokens = count(group.burn.tokens.total)
        yield f"  {group.name:{wide}} {exact(group.burn.money):>14} {share:>6} {tokens:>8} {kept:>6}"
    yield f"  {'in all':{wide}} {exact(one.total.money):>14} {'':>6} {count(one.total.tokens.total):>8}"
    yield ""


def _runs(found: "Report") -> "Iterator[str]":
    from factory_tui.console import reckoning
    from factory_tui.console.figures import count, money, plural

    for one in found.runs:
        each = "" if one.each is None else f", {money(one.each)} each"
        yield f"{one.run}: {plural(one.satisfied, 'scenario')} satisfied{each}; started by {one.operator}"
        if one.sizes:
            adds = f", {one.growth.slope:+,.0f} a pass" if one.growth else ""
            yield f"  output: {count(one.sizes[-1].tokens)} tokens, at a guess by its bytes{adds}"
        if one.outlook:
            yield f"  {reckoning.outlook(one.outlook)}; back-test: {reckoning.record(one.record)}"
        for cap in one.caps:
            yield f"  {_reach(cap)}"


def _reach(cap: "Reach") -> str:
    from factory_tui.console import reckoning

    said = f"{cap.cap}: {reckoning.amount(cap)}, {reckoning.reach(cap)}"
    return f"{said}; back-test: {late}" if (late := reckoning.lateness(cap)) else said


def _beside(found: "Report") -> "Iterator[str]":
    from factory_tui.console import reckoning
    from factory_tui.console.figures import exact, money
    from factory_tui.console.wording import labels
    from factory_tui.domain.money import DAY

    for cap in found.caps:
        yield _reach(cap)
    for ledger, days in found.operators.items():
        who = "" if ledger == "live" else f" {labels(ledger, False)}"
        for one in days[:14]:
            day = time.strftime("%Y-%m-%d", time.gmtime(one.day * DAY / 1000))
            beside = f", {reckoning.against(one)}" if ledger == "live" else ""
            yield f"{day} {one.operator}:{who} {exact(one.burn.money)}{beside}"
    for of in found.successions:
        who = f"{of.loop}{f' with {of.seed}' if of.seed else ''}{'' if of.ledger == 'live' else ' REHEARSAL'}"
        spent = reckoning.goes(of.in_money, "dollars", lambda dollars: money(Decimal(dollars)))
        yield f"{who}: {reckoning.goes(of.in_passes, 'passes', lambda number: f'{number:g}')}; {spent}"
