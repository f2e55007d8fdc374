"""A cap is never passed, nobody starves, and what a dead engine left open counts as spent."""

import asyncio
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from factory_tui.domain.events import CallReserved, Draft, Event, RunQueued
from factory_tui.domain.money import Burn, Ledger
from factory_tui.domain.reducer import fold, reduce
from factory_tui.domain.state import SetCap, State
from factory_tui.policy.budget import Budget, OverBudget, lost_calls

ONE = Decimal(1)


async def test_a_call_that_fits_is_reserved_at_once() -> None:
    budget = Budget()
    budget.enter("r-1", {"run_cap": Decimal(2)})
    hold = await budget.reserve("r-1", "live", ONE)
    budget.settle(hold, Decimal("0.25"))
    assert budget.spent("r-1") == Decimal("0.25")


async def test_a_call_waits_for_one_in_flight_and_goes_when_that_one_was_cheap() -> None:
    budget = Budget()
    budget.enter("r-1", {"run_cap": Decimal("1.5")})
    first = await budget.reserve("r-1", "live", ONE)
    second = asyncio.ensure_future(budget.reserve("r-1", "live", ONE))
    await asyncio.sleep(0)
    assert not second.done()
    budget.settle(first, Decimal("0.1"))
    assert (await second).money == ONE


async def test_a_waiting_call_is_refused_when_the_one_in_flight_was_dear() -> None:
    budget = Budget()
    budget.enter("r-1", {"run_cap": Decimal("1.5")})
    first = await budget.reserve("r-1", "live", ONE)
    second = asyncio.ensure_future(budget.reserve("r-1", "live", ONE))
    await asyncio.sleep(0)
    budget.settle(first, ONE)
    with pytest.raises(OverBudget, match=r"r-1: \$1 spent and up to \$1 for the next call pass the cap of \$1.5"):
        await second


async def test_the_cap_itself_may_be_reached_but_not_passed() -> None:
    budget = Budget({"factory_cap": ONE})
    await budget.reserve("r-1", "live", ONE)
    with pytest.raises(OverBudget, match="the factory"):
        await budget.reserve("r-2", "live", Decimal("1.01"))


async def test_rehearsal_money_never_touches_the_live_cap() -> None:
    budget = Budget({"factory_cap": ONE})
    hold = await budget.reserve("r-1", "rehearsal", Decimal(50))
    budget.settle(hold, Decimal(50))
    assert (await budget.reserve("r-2", "live", ONE)).money == ONE


async def test_a_raised_cap_lets_a_waiting_call_go() -> None:
    budget = Budget()
    budget.enter("r-1", {"run_cap": ONE})
    await budget.reserve("r-1", "live", ONE)
    waiting = asyncio.ensure_future(budget.reserve("r-1", "live", ONE))
    await asyncio.sleep(0)
    budget.enter("r-1", {"run_cap": Decimal(2)})
    assert (await waiting).money == ONE


async def test_who_gives_up_waiting_leaves_the_line() -> None:
    budget = Budget({"factory_cap": ONE})
    held = await budget.reserve("r-1", "live", ONE)
    gone = asyncio.ensure_future(budget.reserve("r-2", "live", ONE))
    await asyncio.sleep(0)
    gone.cancel()
    next_in_line = asyncio.ensure_future(budget.reserve("r-3", "live", ONE))
    await asyncio.sleep(0)
    budget.settle(held, Decimal(0))
    assert (await next_in_line).open
    assert gone.cancelled()


async def test_room_granted_to_a_task_that_was_cancelled_meanwhile_is_given_back() -> None:
    budget = Budget({"factory_cap": ONE})
    held = await budget.reserve("r-1", "live", ONE)
    gone = asyncio.ensure_future(budget.reserve("r-2", "live", ONE))
    await asyncio.sleep(0)
    budget.settle(held, Decimal(0))
    gone.cancel()
    await asyncio.wait([gone])
    assert (await budget.reserve("r-3", "live", ONE)).open


async def test_a_small_call_does_not_overtake_a_large_one_that_waits_for_the_same_cap() -> None:
    budget = Budget({"factory_cap": Decimal(4)})
    first = await budget.reserve("r-1", "live", Decimal(2))
    large = asyncio.ensure_future(budget.reserve("r-2", "live", Decimal(4)))
    await asyncio.sleep(0)
    small = asyncio.ensure_future(budget.reserve("r-3", "live", ONE))
    await asyncio.sleep(0)
    assert not small.done()
    budget.settle(first, Decimal(0))
    assert (await large).open
    assert not small.done()
    small.cancel()


async def test_a_call_that_waits_for_its_own_run_does_not_stop_others() -> None:
    budget = Budget({"factory_cap": Decimal(10)})
    budget.enter("r-1", {"run_cap": ONE})
    await budget.reserve("r-1", "live", ONE)
    waiting = asyncio.ensure_future(budget.reserve("r-1", "live", ONE))
    await asyncio.sleep(0)
    assert (await budget.reserve("r-2", "live", ONE)).open
    waiting.cancel()


amounts = st.integers(0, 400).map(lambda cents: Decimal(cents) / 100)


@given(
    calls=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["live", "rehearsal"]), amounts, st.floats(0, 1)), max_size=24
    ),
    run_cap=amounts,
    factory_cap=amounts,
    order=st.randoms(use_true_random=False),
)
def test_no_cap_is_passed_and_nobody_starves(
    calls: list[tuple[int, Ledger, Decimal, float]], run_cap: Decimal, factory_cap: Decimal, order: random.Random
) -> None:
    """All callers at once; those in flight settle in any order, at any share of their reservation."""

    async def scenario() -> None:
        budget = Budget({"factory_cap": factory_cap})
        ledger_of = {f"r-{number}": ledger for number, ledger, _, _ in calls}
        for run in ledger_of:
            budget.enter(run, {"run_cap": run_cap})
        waiting = {
            asyncio.ensure_future(budget.reserve(f"r-{n}", ledger_of[f"r-{n}"], money)): (f"r-{n}", money, share)
            for n, _, money, share in calls
        }
        spent = dict.fromkeys(ledger_of, Decimal(0))
        while waiting:
            await asyncio.sleep(0)
            done = [task for task in waiting if task.done()]
            assert done, "everybody waits and nobody is in flight"
            in_flight = [task for task in done if task.exception() is None]
            held = {run: sum((waiting[t][1] for t in in_flight if waiting[t][0] == run), Decimal(0)) for run in spent}
            for run, money in spent.items():
                assert money + held[run] <= run_cap
            live = [run for run, ledger in ledger_of.items() if ledger == "live"]
            assert sum((spent[run] + held[run] for run in live), Decimal(0)) <= factory_cap
            for task in [task for task in done if task.exception() is not None]:
                assert isinstance(task.exception(), OverBudget)
                del waiting[task]
            if in_flight:
                task = order.choice(in_flight)
                run, money, share = waiting.pop(task)
                cost = money * Decimal(share)
                budget.settle(task.result(), cost)
                spent[run] += cost

    asyncio.run(scenario())


def _queued(run: str, cap: Decimal) -> Event:
    fact = RunQueued("seed", "rev", "corpus", "loop", "dot", "m", "live", "me", 0.9, 0.01, 10, 200, cap)
    return Event(1, "e", 0, fact, run)


async def test_after_a_restart_a_call_left_open_counts_as_spent_before_and_after_it_is_settled() -> None:
    state = fold([_queued("r-1", Decimal(2)), Event(2, "f", 0, CallReserved(3, 1, "m", "agent", ONE), "r-1")])
    state = replace(state, burn={"live": Burn(money=Decimal(0))})
    with pytest.raises(OverBudget):
        await Budget.of(state).reserve("r-1", "live", Decimal("1.5"))
    [fact] = lost_calls(state.runs["r-1"])
    assert (fact.step, fact.attempt, fact.money, fact.released) == (3, 1, ONE, ONE)
    settled = reduce(state, Event(3, "g", 0, Draft(fact).fact, "r-1"))
    assert settled.runs["r-1"].open_calls == {}
    assert settled.burn["live"].money == ONE
    assert settled.burn["live"].twice == settled.runs["r-1"].burn.twice == ONE
    with pytest.raises(OverBudget):
        await Budget.of(replace(settled, caps={"factory_cap": SetCap(Decimal(2), None)})).reserve(
            "r-2", "live", Decimal("1.5")
        )


def test_an_empty_state_gives_an_empty_budget() -> None:
    assert Budget.of(State()).spent("r-1") == 0


ROUNDS = 200


async def test_eight_runs_on_one_budget_never_pass_it_and_a_raised_cap_is_used() -> None:
    """The greatest overshoot of 200 rounds, run caps and the factory's, with caps raised in the middle: exactly 0."""
    overshoot, spent_of_all, used = Decimal(0), Decimal(0), 0
    for seed in range(ROUNDS):
        round_ = Round(random.Random(seed))
        await round_.play()
        overshoot = max(overshoot, round_.overshoot)
        spent_of_all += sum(round_.spent.values())
        used += round_.went_on
        assert sum(round_.spent.values()) == sum(map(round_.budget.spent, round_.caps))
    assert overshoot == 0
    assert spent_of_all > 0
    assert used > ROUNDS, "runs went on with what a raised cap gave them"


class Round:
    """Eight runs that call at once, each until it is refused twice: before its cap was raised, and after."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.factory = self.dollars(20, 60)
        self.caps = {f"r-{number}": self.dollars(1, 10) for number in range(8)}
        self.spent = dict.fromkeys(self.caps, Decimal(0))
        self.held = dict.fromkeys(self.caps, Decimal(0))
        self.budget = Budget({"factory_cap": self.factory})
        self.overshoot, self.went_on = Decimal(0), 0

    def dollars(self, low: int, high: int) -> Decimal:
        return Decimal(self.chance.randint(low * 10**6, high * 10**6)) / 10**6

    async def play(self) -> None:
        for run, cap in self.caps.items():
            self.budget.enter(run, {"run_cap": cap})
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            for run in self.caps:
                group.create_task(self.work(run))

    async def work(self, run: str) -> None:
        await asyncio.gather(self.call_until_refused(run), self.call_until_refused(run))
        self.caps[run] += self.dollars(1, 10)
        before = self.spent[run]
        self.budget.enter(run, {"run_cap": self.caps[run]})
        await asyncio.gather(self.call_until_refused(run), self.call_until_refused(run))
        self.went_on += self.spent[run] > before

    async def call_until_refused(self, run: str) -> None:
        while True:
            worst = self.dollars(0, 3)
            try:
                hold = await self.budget.reserve(run, "live", worst)
            except OverBudget:
                return
            self.held[run] += worst
            self.look(run)
            for _ in range(self.chance.randrange(4)):
                await asyncio.sleep(0)
            used = min(worst, self.dollars(0, 3))
            self.budget.settle(hold, used)
            self.held[run] -= worst
            self.spent[run] += used
            self.look(run)

    def look(self, run: str) -> None:
        """What is spent and may still be spent by calls in flight, against both caps."""
        whole = sum(self.spent.values()) + sum(self.held.values())
        over = (self.spent[run] + self.held[run] - self.caps[run], whole - self.factory)
        self.overshoot = max(self.overshoot, *over)
