"""What the burn screen looks at, and what is read off the state alone: shares of caps, what is of no pass, prices.

Pure. Exact decimals. What comes from the journal is the book's; how it is reckoned is `burn`'s.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

import msgspec

from factory_tui.burn.book import Book
from factory_tui.burn.series import minus, total
from factory_tui.burn.windows import GROUPINGS, HOUR, WINDOWS, By, WindowName
from factory_tui.config.prices import BUNDLED
from factory_tui.domain.money import Burn, Ledger, Price
from factory_tui.domain.state import Run, State

WARN = Decimal("0.8")
"""Share of a cap from which on it is marked."""
LEDGERS: tuple[Ledger, ...] = ("live", "rehearsal")
Unit = Literal["money", "tokens"]
Order = Literal["spent", "tokens", "name"]
ORDERS: tuple[Order, ...] = ("spent", "tokens", "name")


class Look(msgspec.Struct, frozen=True):
    """What is looked at. None: what suits what there is."""

    by: By = "run"
    window: WindowName | None = None
    ledger: Ledger | None = None
    unit: Unit = "money"
    order: Order | None = "spent"
    """None: runs as on the floor."""

    def next_by(self) -> "Look":
        """Grouped by the next thing."""
        return msgspec.structs.replace(self, by=GROUPINGS[(GROUPINGS.index(self.by) + 1) % len(GROUPINGS)])

    def next_order(self) -> "Look":
        """Ranked by the next thing."""
        found = (None, *ORDERS) if self.by == "run" else ORDERS
        now = self.order if self.order in found else found[0]
        return msgspec.structs.replace(self, order=found[(found.index(now) + 1) % len(found)])


def window_of(look: Look, book: Book, now: int) -> WindowName:
    """The one that was asked for; else the shortest that holds all there was, of a day at most."""
    if look.window:
        return look.window
    lived = now - min((one.began for one in book.accounts.values()), default=now)
    return "1h" if lived <= HOUR else "6h" if lived <= 6 * HOUR else "24h"


def window_after(window: WindowName) -> WindowName:
    """The next one."""
    names = tuple(WINDOWS)
    return names[(names.index(window) + 1) % len(names)]


def ledger_of(look: Look, state: State) -> Ledger:
    """The one that was asked for; else live, where there are live runs."""
    if look.ledger:
        return look.ledger
    found = ledgers(state)
    return found[0] if found else "live"


def ledgers(state: State) -> list[Ledger]:
    """Those that have runs or spent anything, live first."""
    return [name for name in LEDGERS if name in state.burn or any(run.ledger == name for run in state.runs.values())]


def ranked(groups: Iterable[tuple[str, Burn]], order: Order | None) -> list[tuple[str, Burn]]:
    """Groups in that order; equal ones by name."""
    found = sorted(groups)
    if order == "tokens":
        found.sort(key=lambda one: -one[1].tokens.total)
    elif order != "name":
        found.sort(key=lambda one: (-one[1].money, -one[1].tokens.total))
    return found


def share(run: Run) -> Decimal | None:
    """Of its cap what is spent or reserved; None where there is no cap."""
    return (run.burn.money + run.burn.reserved) / run.cap if run.cap else None


def between(run: Run) -> Burn:
    """What a run burned outside of its passes."""
    of_passes = total(Burn(one.burn.tokens, one.burn.money) for one in run.passes)
    return minus(Burn(run.burn.tokens, run.burn.money), of_passes)


def price(run: Run) -> Price | None:
    """The bundled price of its model where that is what it was charged by, to the last digit."""
    found = BUNDLED.get(run.model)
    return found if found and found.cost(run.burn.tokens) == run.burn.money else None
