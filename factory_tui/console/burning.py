"""Rates, caps and what is left of them. Pure: read off the state and the calls of the last hour. Exact decimals."""

from collections.abc import Callable, Iterable
from decimal import Decimal

import msgspec

from factory_tui.config.prices import BUNDLED
from factory_tui.console.past import HOUR, Paid, Past
from factory_tui.domain.money import Burn, Ledger, Price
from factory_tui.domain.reducer import OVER
from factory_tui.domain.state import Run, State

SHORTEST = 10_000
"""Milliseconds under which no rate is told."""
WARN = Decimal("0.8")
"""Share of a cap from which on it is marked."""
MINUTE = 60_000


class Rate(msgspec.Struct, frozen=True):
    """Dollars an hour, as measured over `over` milliseconds."""

    hourly: Decimal
    over: int


def rate(past: Past, now: int, began: int, counts: Callable[[Paid], bool]) -> Rate | None:
    """What these calls cost an hour, over the last one or as much of it as there was and is known."""
    since = max(now - HOUR, began, past.whole_from)
    over = now - since
    if over < SHORTEST:
        return None
    spent = sum((call.money for call in past.paid if call.at >= since and counts(call)), Decimal(0))
    return Rate(spent * HOUR / over, over)


def run_rate(past: Past, now: int, run: Run) -> Rate | None:
    """Of one run; None when it is over."""
    if run.state in OVER:
        return None
    return rate(past, now, run.queued_at, lambda call: call.run == run.id)


def ledger_rate(past: Past, now: int, state: State, ledger: Ledger) -> Rate | None:
    """Of all runs of a ledger."""
    runs = {run.id: run.queued_at for run in state.runs.values() if run.ledger == ledger}
    if not runs:
        return None
    return rate(past, now, min(runs.values()), lambda call: call.run in runs)


def minutes(calls: Iterable[Paid], now: int, runs: Iterable[str], steps: int = 60) -> list[float]:
    """Dollars in each of the newest `steps` minutes, oldest first: for drawing only."""
    wanted, newest = set(runs), now // MINUTE
    found = [0.0] * steps
    for call in calls:
        place = steps - 1 - (newest - call.at // MINUTE)
        if 0 <= place < steps and call.run in wanted:
            found[place] += float(call.money)
    return found


def share(run: Run) -> Decimal | None:
    """Of its cap what is spent or reserved; None where there is no cap."""
    return (run.burn.money + run.burn.reserved) / run.cap if run.cap else None


def cap_in(run: Run, measured: Rate | None) -> float | None:
    """Seconds to the cap at this rate; None when it never comes."""
    if run.cap is None or measured is None or measured.hourly <= 0 or run.state != "running":
        return None
    return max(0.0, float((run.cap - run.burn.money) * 3600 / measured.hourly))


def between(run: Run) -> Burn:
    """What a run burned outside of its passes."""
    tokens, money = run.burn.tokens, run.burn.money
    for item in run.passes:
        part = item.burn.tokens
        tokens = type(tokens)(
            tokens.input - part.input,
            tokens.output - part.output,
            tokens.cache_write - part.cache_write,
            tokens.cache_read - part.cache_read,
        )
        money -= item.burn.money
    return Burn(tokens, money)


def price(run: Run) -> Price | None:
    """The bundled price of its model where that is what it was charged by, to the last digit."""
    found = BUNDLED.get(run.model)
    return found if found and found.cost(run.burn.tokens) == run.burn.money else None
