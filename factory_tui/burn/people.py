"""Spend by operator and day of UTC, held against a target. Pure.

A call counts for whoever started its run: the actor of its `run-queued`; of a run that started by itself, the owner of
its seed, who answers for it. A target is a line to compare with, and holds nobody up.
"""

from decimal import Decimal

import msgspec

from factory_tui.burn.book import Book
from factory_tui.burn.series import plus
from factory_tui.domain.money import DAY, Burn, Ledger


class Targets(msgspec.Struct, frozen=True):
    """Dollars that an operator is expected to spend a day, live: `[policy] day_target`, and of `[owners.NAME]`."""

    everyone: Decimal | None = None
    of: dict[str, Decimal] = {}

    def target(self, operator: str) -> Decimal | None:
        """Of one; None: nothing is expected."""
        return self.of.get(operator, self.everyone)


class Spent(msgspec.Struct, frozen=True):
    """What one operator's runs spent on one day."""

    day: int
    """Since 1970."""
    operator: str
    burn: Burn
    target: Decimal | None

    @property
    def over(self) -> Decimal | None:
        """Dollars above the target; below 0: under it."""
        return None if self.target is None else self.burn.money - self.target


def spent(book: Book, ledger: Ledger, now: int, targets: Targets) -> list[Spent]:
    """Newest day first, and of a day the most first. A rehearsal's money is nobody's, and has no target."""
    found: dict[tuple[int, str], Burn] = {}
    for at, key, burn in book.series.cells("all", now):
        if key.ledger == ledger:
            who = at // DAY, book.accounts[key.run].operator
            found[who] = plus(found.get(who, Burn()), burn)
    aim = {name: targets.target(name) for _, name in found}
    told = [Spent(day, name, burn, aim[name] if ledger == "live" else None) for (day, name), burn in found.items()]
    return sorted(told, key=lambda one: (-one.day, -one.burn.money, one.operator))
