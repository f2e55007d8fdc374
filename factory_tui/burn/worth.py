"""What burn bought: scenarios that satisfy, output and its growth, and whether the next run of a loop is cheaper. Pure.

Read off the state, which holds every run with its passes.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from factory_tui.burn.trend import Trend, trend
from factory_tui.domain.money import Ledger, Tokens
from factory_tui.domain.state import Pass, Run, State

BYTES = 4
"""Bytes of a token, rounded up: the rule by which the Messages API twin counts text."""
FEWEST = 5
"""Runs below which no order of them can be told from chance."""


class Sized(msgspec.Struct, frozen=True):
    """What one pass left: an estimate, since no model's tokenizer counted it."""

    number: int
    tokens: int
    growth: int | None
    """Over the pass before that left anything."""


class Succession(msgspec.Struct, frozen=True):
    """Runs of one loop that shipped, in the order in which they were queued; or those of one of its seeds."""

    ledger: Ledger
    loop: str
    seed: str
    """Empty: of all seeds."""
    runs: tuple[str, ...]
    passes: tuple[int, ...]
    """That each took."""
    money: tuple[Decimal, ...]
    """That each cost."""

    @property
    def in_passes(self) -> Trend | None:
        """Whether they take fewer."""
        return trend(self.passes)

    @property
    def in_money(self) -> Trend | None:
        """Whether they cost less."""
        return trend([float(one) for one in self.money])


def satisfied(run: Run) -> int:
    """Scenarios that the newest pass which judged any satisfies: more trajectories of each did than did not.

    What was judged while operators had twins fail does not count.
    """
    judged = next((item for item in reversed(run.passes) if item.tallies and not item.faults), None)
    return sum(one.satisfied > one.unsatisfied for one in judged.tallies.values()) if judged else 0


def each(run: Run) -> Decimal | None:
    """Dollars of a run for each scenario that it satisfies; None where it satisfies none."""
    count = satisfied(run)
    return run.burn.money / count if count else None


def estimate(octets: int) -> int:
    """Tokens of so many bytes."""
    return -(-octets // BYTES)


def sizes(passes: Iterable[Pass]) -> list[Sized]:
    """Of passes whose output was kept, oldest first."""
    found: list[Sized] = []
    for item in passes:
        if item.commit:
            tokens = estimate(item.size)
            found.append(Sized(item.number, tokens, tokens - found[-1].tokens if found else None))
    return found


def growth(found: Sequence[Sized]) -> Trend | None:
    """Tokens that a pass adds, in the median."""
    return trend([one.tokens for one in found])


def successions(state: State) -> list[Succession]:
    """By loop, and by loop and seed where a loop has several; a fork begins with what another paid for, and is none."""
    shipped = [run for run in state.runs.values() if run.state == "shipped" and run.forked is None]
    shipped.sort(key=lambda run: (run.queued_at, run.id))
    found: list[Succession] = []
    for ledger, loop in sorted({(run.ledger, run.loop) for run in shipped}):
        of_loop = [run for run in shipped if (run.ledger, run.loop) == (ledger, loop)]
        seeds = sorted({run.seed for run in of_loop})
        found.append(_succession(of_loop, "" if len(seeds) > 1 else seeds[0]))
        if len(seeds) > 1:
            found += [_succession([run for run in of_loop if run.seed == seed], seed) for seed in seeds]
    return found


def _succession(runs: Sequence[Run], seed: str) -> Succession:
    return Succession(
        runs[0].ledger,
        runs[0].loop,
        seed,
        tuple(run.id for run in runs),
        tuple(len(run.passes) for run in runs),
        tuple(run.burn.money for run in runs),
    )


def cached(tokens: Tokens) -> float | None:
    """Share of the input that was read from the endpoint's prompt cache; None where nothing was asked."""
    asked = tokens.total - tokens.output
    return tokens.cache_read / asked if asked else None
