"""What may be spent: room is reserved before every model call and settled after it, so that a cap is never passed.

Owns the arithmetic of caps for every run and, apart from each other, for the live and the rehearsal ledger. Knows no
model, no journal and no clock; what was spent before a restart comes from the state.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from factory_tui.domain.events import CallSettled
from factory_tui.domain.money import Ledger, Tokens
from factory_tui.domain.state import Run, State


class OverBudget(Exception):  # noqa: N818
    """What was spent, with this call's worst case, would pass a cap. The message names the cap and the figures."""


@dataclass(eq=False)
class _Account:
    """Money of a run or of a whole ledger, in dollars."""

    name: str
    cap: Decimal | None = None
    spent: Decimal = Decimal(0)
    held: Decimal = Decimal(0)

    def room(self, money: Decimal) -> bool:
        return self.cap is None or self.spent + self.held + money <= self.cap

    def refusal(self, money: Decimal) -> str:
        """Why this money can never be had, whatever the calls in flight give back; empty when it may be."""
        if self.cap is None or self.spent + money <= self.cap:
            return ""
        return (
            f"{self.name}: ${self.spent:f} spent and up to ${money:f} for the next call pass the cap of ${self.cap:f}"
        )


@dataclass(eq=False)
class Hold:
    """Room reserved for one call; `Budget.settle` gives it back, once."""

    money: Decimal
    accounts: tuple[_Account, ...] = field(repr=False)
    open: bool = True


@dataclass(eq=False)
class _Waiter:
    money: Decimal
    accounts: tuple[_Account, ...]
    granted: "asyncio.Future[Hold]"


class Budget:
    """The caps of one factory; for one event loop, no locks needed."""

    def __init__(self, factory_caps: Mapping[Ledger, Decimal | None] | None = None) -> None:
        caps = factory_caps or {}
        self._ledgers: dict[Ledger, _Account] = {
            "live": _Account("the factory", caps.get("live")),
            "rehearsal": _Account("the factory's rehearsals", caps.get("rehearsal")),
        }
        self._runs: dict[str, _Account] = {}
        self._line: list[_Waiter] = []

    @classmethod
    def of(cls, state: State, factory_caps: Mapping[Ledger, Decimal | None] | None = None) -> "Budget":
        """The budget as the state has it. Calls that a dead engine left open count as spent: nobody knows better."""
        budget = cls(factory_caps)
        for ledger, burn in state.burn.items():
            budget._ledgers[ledger].spent = burn.money
        for run in state.runs.values():
            lost = sum(run.open_calls.values(), Decimal(0))
            budget.enter(run.id, run.cap, run.burn.money + lost)
            budget._ledgers[run.ledger].spent += lost
        return budget

    def enter(self, run: str, cap: Decimal | None, spent: Decimal = Decimal(0)) -> None:
        """Open a run's account, or change its cap, which may let waiting calls go. Its money so far stays."""
        account = self._runs.get(run)
        if account is None:
            self._runs[run] = _Account(run, cap, spent)
        else:
            account.cap = cap
            self._move_on()

    def limit(self, ledger: Ledger, cap: Decimal | None) -> None:
        """Change the cap of a whole ledger, which may let waiting calls go."""
        self._ledgers[ledger].cap = cap
        self._move_on()

    async def reserve(self, run: str, ledger: Ledger, money: Decimal) -> Hold:
        """Room for a call's worst case, in the order asked; waits while calls in flight may still give room back.

        Raises OverBudget when nothing that is in flight could make it fit.
        """
        accounts = (self._runs.setdefault(run, _Account(run)), self._ledgers[ledger])
        waiter = _Waiter(money, accounts, asyncio.get_running_loop().create_future())
        self._line.append(waiter)
        self._move_on()
        try:
            return await waiter.granted
        except asyncio.CancelledError:
            if waiter in self._line:
                self._line.remove(waiter)
                self._move_on()
            elif not waiter.granted.cancelled() and waiter.granted.exception() is None:
                self.settle(waiter.granted.result(), Decimal(0))
            raise

    def settle(self, hold: Hold, money: Decimal) -> None:
        """Give the reservation back and count what the call cost. Settling again does nothing."""
        if not hold.open:
            return
        hold.open = False
        for account in hold.accounts:
            account.held -= hold.money
            account.spent += money
        self._move_on()

    def spent(self, run: str) -> Decimal:
        """Dollars settled for the run."""
        return self._runs[run].spent if run in self._runs else Decimal(0)

    def _move_on(self) -> None:
        """Grant, refuse or leave waiting, in order: who waits for an account lets nobody pass on that account."""
        waited_for: set[_Account] = set()
        still: list[_Waiter] = []
        for waiter in self._line:
            if waiter.granted.done():
                continue
            refusal = next(filter(None, (account.refusal(waiter.money) for account in waiter.accounts)), "")
            if refusal:
                waiter.granted.set_exception(OverBudget(refusal))
                continue
            full = {account for account in waiter.accounts if not account.room(waiter.money)}
            if full or not waited_for.isdisjoint(waiter.accounts):
                waited_for |= full
                still.append(waiter)
                continue
            for account in waiter.accounts:
                account.held += waiter.money
            waiter.granted.set_result(Hold(waiter.money, waiter.accounts))
        self._line = still


def lost_calls(run: Run) -> list[CallSettled]:
    """Facts that settle the calls which a dead engine left open: at their reservation, for they may have been paid."""
    facts = []
    for name, money in run.open_calls.items():
        step, _, attempt = name.partition(".")
        why = "the engine ended while the call was in flight"
        facts.append(
            CallSettled(int(step), int(attempt), Tokens(), money, money, 0.0, outcome="possibly-paid-twice", why=why)
        )
    return facts
