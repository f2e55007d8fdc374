"""Rates, caps and what is left of them. Pure: read off the state and the calls of the last hour. Exact decimals."""

from collections.abc import Collection
from decimal import Decimal

import msgspec

from factory_tui.config.prices import BUNDLED
from factory_tui.console.past import MINUTE, MINUTES, Past, since
from factory_tui.domain.money import Burn, Price, Tokens
from factory_tui.domain.state import OVER, Run

HOUR = 3_600_000
"""Milliseconds."""
SHORTEST = 10_000
"""Milliseconds under which no rate is told."""
WARN = Decimal("0.8")
"""Share of a cap from which on it is marked."""


class Rate(msgspec.Struct, frozen=True):
    """Dollars an hour, as measured over `over` milliseconds."""

    hourly: Decimal
    over: int


def rate(past: Past, now: int, runs: Collection[Run]) -> Rate | None:
    """What these runs cost an hour, over the last one or as much of it as they lived and is known."""
    if not runs:
        return None
    begins = max(since(now), min(run.queued_at for run in runs), past.whole_from)
    if now - begins < SHORTEST:
        return None
    spent = sum(minutes(past, now, runs), Decimal(0))
    return Rate(spent * HOUR / (now - begins), now - begins)


def run_rate(past: Past, now: int, run: Run) -> Rate | None:
    """Of one run; None when it is over."""
    return None if run.state in OVER else rate(past, now, [run])


def minutes(past: Past, now: int, runs: Collection[Run]) -> list[Decimal]:
    """Dollars in each of the newest minutes, oldest first."""
    newest = now // MINUTE
    paid = (past.paid.get(minute, {}) for minute in range(newest - MINUTES + 1, newest + 1))
    return [sum((one[run.id] for run in runs if run.id in one), Decimal(0)) for one in paid]


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


def cached(tokens: Tokens) -> float | None:
    """Share of the input that was read from the endpoint's prompt cache; None where nothing was asked."""
    asked = tokens.total - tokens.output
    return tokens.cache_read / asked if asked else None


def price(run: Run) -> Price | None:
    """The bundled price of its model where that is what it was charged by, to the last digit."""
    found = BUNDLED.get(run.model)
    return found if found and found.cost(run.burn.tokens) == run.burn.money else None
