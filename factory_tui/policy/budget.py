"""What may be spent: room is reserved before every model call and settled after it, so that a cap is never passed.

Owns the arithmetic of caps: of a step, a pass, a run, a day and the whole factory, in dollars and in tokens. Knows no
model and no journal; what was spent before a restart comes from the state. Rehearsals have their runs' caps alone.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Self

from factory_tui.domain.events import CallSettled, CapSet, Draft, Noticed
from factory_tui.domain.money import (
    DAY,
    FLOOR_CAPS,
    CapName,
    FloorCap,
    Ledger,
    RunCap,
    Tokens,
    begins,
    day_after,
    in_tokens,
    of_cap,
)
from factory_tui.domain.scribe import Clock
from factory_tui.domain.state import Run, State

WARN = Decimal("0.8")
"""Share of a cap from which on it is warned of, once; a step is over before anybody could read of it."""
UNTOLD = "its end could not be written down: the disk was full"
"""Why a run that stands still has an open call; the one that is made in its place has the same name."""
_STEPS = 64
"""Steps of a run whose accounts are kept: more than it can have calls in flight."""


class OverBudget(Exception):  # noqa: N818
    """What was spent, with this call's worst case, would pass a cap. The message names the cap and the figures."""

    def __init__(self, why: str, cap: CapName, retry_at: int | None) -> None:
        super().__init__(why)
        self.cap: CapName = cap
        self.retry_at = retry_at
        """UTC ms from which on there is room again, though nobody raises the cap."""


@dataclass(eq=False)
class _Account:
    """What counts against one cap, in its unit."""

    owner: str
    name: CapName
    cap: Decimal | None = None
    spent: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    warned: bool = False

    def begin(self) -> None:
        """Nothing is spent any more."""
        self.spent, self.warned = Decimal(0), False

    def limit(self, cap: Decimal | None) -> None:
        if cap != self.cap:
            self.cap, self.warned = cap, False

    @property
    def near(self) -> bool:
        """Whether much of it is spent."""
        return bool(self.cap) and not self.name.startswith("step") and self.spent >= WARN * (self.cap or 0)

    def warning(self) -> Noticed:
        self.warned = True
        cap = self.cap or Decimal(1)
        spent, most = of_cap(self.name, self.spent), of_cap(self.name, cap)
        said = f"{self.owner}: {spent} of {most} spent ({self.name}), {int(self.spent * 100 / cap)} %"
        return Noticed("warning", said, "raise it before it holds what goes on: docs/operating.md, Caps")

    def room(self, amount: Decimal) -> bool:
        return self.cap is None or self.spent + self.held + amount <= self.cap

    def refusal(self, amount: Decimal) -> str:
        """Why this can never be had, whatever the calls in flight give back; empty when it may be."""
        if self.cap is None or self.spent + amount <= self.cap:
            return ""
        spent, most, cap = (of_cap(self.name, one) for one in (self.spent, amount, self.cap))
        return f"{self.owner}: {spent} spent and up to {most} for the next call pass the cap of {cap} ({self.name})"


class _Purse:
    """The accounts of one run."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._caps: Mapping[RunCap, Decimal] = {}
        self.lent: dict[RunCap, Decimal] = {}
        """What is being taken from its caps."""
        self.whole = self._open(run, "run_cap", "run_tokens")
        self.turn = self._open(f"{run}, this pass", "pass_cap", "pass_tokens")
        self._steps: dict[int, tuple[_Account, ...]] = {}

    def _open(self, owner: str, *names: RunCap) -> tuple[_Account, ...]:
        return tuple(_Account(owner, name, self._caps.get(name)) for name in names)

    def limit(self, caps: Mapping[RunCap, Decimal]) -> None:
        self._caps = {name: cap - self.lent.get(name, Decimal(0)) for name, cap in caps.items()}
        for account in self._accounts():
            account.limit(next((cap for name, cap in self._caps.items() if name == account.name), None))

    def lend(self, name: RunCap, amount: Decimal) -> bool:
        caps = {one: cap + self.lent.get(one, Decimal(0)) for one, cap in self._caps.items()}
        if not all(account.room(amount) for account in self._accounts() if account.name == name):
            return False
        self.lent[name] = amount
        self.limit(caps)
        return True

    def _accounts(self) -> Iterator[_Account]:
        yield from (*self.whole, *self.turn, *(one for step in self._steps.values() for one in step))

    def step(self, number: int) -> tuple[_Account, ...]:
        if number not in self._steps:
            self._steps[number] = self._open(f"{self._run}, step {number}", "step_cap", "step_tokens")
            while len(self._steps) > _STEPS:
                del self._steps[next(iter(self._steps))]
        return self._steps[number]


@dataclass(eq=False)
class Hold:
    """Room reserved for one call; `Budget.settle` gives it back, once."""

    money: Decimal
    tokens: int
    accounts: tuple[_Account, ...] = field(repr=False)
    open: bool = True

    def of(self, account: _Account) -> Decimal:
        """What is reserved, in the unit of an account."""
        return _in(account, self.money, self.tokens)


def _in(account: _Account, money: Decimal, tokens: int) -> Decimal:
    return Decimal(tokens) if in_tokens(account.name) else money


@dataclass(eq=False)
class _Waiter:
    hold: Hold
    granted: "asyncio.Future[Hold]"


class Budget:
    """The caps of one factory; for one event loop, no locks needed. `now` tells when a day ends."""

    def __init__(self, caps: Mapping[FloorCap, Decimal] | None = None, now: Clock = lambda: 0) -> None:
        self._now = now
        self._day = self._furthest = now() // DAY
        whose = {"day": "the factory, today", "factory": "the factory"}
        self._floor: dict[FloorCap, _Account] = {
            name: _Account(whose[name.partition("_")[0]], name, (caps or {}).get(name))
            for name in sorted(FLOOR_CAPS, reverse=True)  # what nobody has to raise is told last
        }
        self._runs: dict[str, _Purse] = {}
        self._line: list[_Waiter] = []

    @classmethod
    def of(cls, state: State, now: Clock = lambda: 0) -> Self:
        """The budget as the state has it. Calls that a dead engine left open count as spent: nobody knows better."""
        budget = cls({name: cap.amount for name, cap in state.caps.items() if cap.amount is not None}, now)
        budget._day, budget._furthest = state.day, state.furthest
        spent = {"day": state.today, "factory": state.burn}
        for name, account in budget._floor.items():
            burn = spent[name.partition("_")[0]].get("live")
            account.spent = burn.of(name) if burn else Decimal(0)
            account.warned = account.near
        budget._turn()
        for run in state.runs.values():
            budget.enter(run.id, run.caps)
            purse = budget._runs[run.id]
            newest = purse.step(run.steps)
            for account in (*newest, *purse.turn, *purse.whole):
                account.spent = run.spent(account.name)
                account.warned = account.near
            for call, lost in run.open_calls.items():
                step = newest if call.startswith(f"{run.steps}.") else ()
                floor = budget._floor.values() if run.ledger == "live" else ()
                for account in (*step, *purse.turn, *purse.whole, *floor):
                    account.spent += _in(account, lost.money, lost.tokens)
        return budget

    @property
    def day(self) -> int:
        """The day that calls count for, in days since 1970."""
        return self._day

    def enter(self, run: str, caps: Mapping[RunCap, Decimal], *, moved: bool = False) -> None:
        """Open a run's accounts, or change its caps, which may let waiting calls go. What it spent stays.

        `moved`: what it lent is out of its caps now, or came back.
        """
        purse = self._runs.setdefault(run, _Purse(run))
        if moved:
            purse.lent = {}
        purse.limit(caps)
        self._move_on()

    def pass_began(self, run: str) -> None:
        """What is spent from here on counts for another pass."""
        for account in self._runs.setdefault(run, _Purse(run)).turn:
            account.begin()
        self._move_on()

    def limit(self, name: FloorCap, cap: Decimal | None) -> None:
        """Change a cap of all live runs together, which may let waiting calls go."""
        self._floor[name].limit(cap)
        self._move_on()

    def lend(self, run: str, amount: Decimal, name: RunCap = "run_cap") -> bool:
        """Keep so much of a cap from being spent until `enter` says that it is moved; whether that much is left."""
        return self._runs.setdefault(run, _Purse(run)).lend(name, amount)

    def configure(self, drafts: Iterable[Draft]) -> None:
        """Change the caps of all live runs together as these facts say."""
        for fact in (draft.fact for draft in drafts):
            if isinstance(fact, CapSet):
                self.limit(fact.cap, fact.amount)

    async def reserve(self, run: str, ledger: Ledger, money: Decimal, tokens: int = 0, step: int = 0) -> Hold:
        """Room for a call's worst case, in the order asked; waits while calls in flight may still give room back.

        Raises OverBudget when nothing that is in flight could make it fit.
        """
        purse = self._runs.setdefault(run, _Purse(run))
        floor = self._floor.values() if ledger == "live" else ()
        hold = Hold(money, tokens, (*purse.step(step), *purse.turn, *purse.whole, *floor))
        waiter = _Waiter(hold, asyncio.get_running_loop().create_future())
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

    def settle(self, hold: Hold, money: Decimal, tokens: int = 0) -> None:
        """Give the reservation back and count what the call cost. Settling again does nothing."""
        if not hold.open:
            return
        hold.open = False
        self._turn()
        for account in hold.accounts:
            account.held -= hold.of(account)
            account.spent += _in(account, money, tokens)
        self._move_on()

    def warnings(self) -> list[Noticed]:
        """What is to be told of caps that are nearly used up: of each once, until it is changed or begins anew."""
        runs = (account for purse in self._runs.values() for account in (*purse.turn, *purse.whole))
        return [one.warning() for one in (*self._floor.values(), *runs) if one.near and not one.warned]

    def spent(self, run: str) -> Decimal:
        """Dollars settled for the run."""
        return self._runs[run].whole[0].spent if run in self._runs else Decimal(0)

    def _turn(self) -> None:
        """Go to another day when the clock has; calls in flight are its own. One that goes back gives no day twice."""
        today = day_after(self._day, self._now() // DAY)
        if begins(self._day, today, self._furthest):
            self._floor["day_cap"].begin()
            self._floor["day_tokens"].begin()
        self._day, self._furthest = today, max(self._furthest, today)

    def _move_on(self) -> None:
        """Grant, refuse or leave waiting, in order: who waits for an account lets nobody pass on that account."""
        self._turn()
        waited_for: set[_Account] = set()
        still: list[_Waiter] = []
        for waiter in self._line:
            hold = waiter.hold
            if waiter.granted.done():
                continue
            refused = next(self._refusals(hold), None)
            if refused:
                waiter.granted.set_exception(refused)
                continue
            full = {account for account in hold.accounts if not account.room(hold.of(account))}
            if full or not waited_for.isdisjoint(hold.accounts):
                waited_for |= full
                still.append(waiter)
                continue
            for account in hold.accounts:
                account.held += hold.of(account)
            waiter.granted.set_result(hold)
        self._line = still

    def _refusals(self, hold: Hold) -> Iterator[OverBudget]:
        for account in hold.accounts:
            why = account.refusal(hold.of(account))
            if why:
                tomorrow = account.name.startswith("day") and hold.of(account) <= (account.cap or 0)
                yield OverBudget(why, account.name, (self._day + 1) * DAY if tomorrow else None)


def lost_calls(run: Run, why: str = "the engine ended while the call was in flight") -> list[CallSettled]:
    """Facts that settle the calls whose end nobody told: at their reservation, for they may have been paid."""
    facts = []
    for name, call in run.open_calls.items():
        step, _, attempt = name.partition(".")
        fact = CallSettled(
            int(step),
            int(attempt),
            Tokens(),
            call.money,
            call.money,
            0.0,
            "possibly-paid-twice",
            why,
            call.purpose,
            call.tokens,
        )
        facts.append(fact)
    return facts
