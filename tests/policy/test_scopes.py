"""Every cap holds by itself: of a step, a pass, a run, a day, the factory; in dollars and in tokens."""

import itertools
from decimal import Decimal

import pytest
from msgspec.structs import replace

from factory_tui.domain.events import CallReserved, CallSettled, Event, PassBegan, RunQueued
from factory_tui.domain.money import DAY, FLOOR_CAPS, RUN_CAPS, CapName, FloorCap, RunCap, Tokens, of_cap
from factory_tui.domain.reducer import fold, reduce
from factory_tui.domain.state import SetCap, State
from factory_tui.policy.budget import Budget, OverBudget, lost_calls

CAP = Decimal(10)
NOON = 20_000 * DAY + DAY // 2


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> int:
        return self.at


def budget(name: CapName, clock: Clock) -> Budget:
    made = Budget({floor: CAP for floor in FLOOR_CAPS if floor == name}, clock)
    made.enter("r-1", {cap: CAP for cap in RUN_CAPS if cap == name})
    return made


async def spend(of: Budget, much: int, run: str = "r-1", step: int = 1) -> None:
    hold = await of.reserve(run, "live", Decimal(much), much, step)
    of.settle(hold, Decimal(much), much)


async def refused(of: Budget, much: int, run: str = "r-1", step: int = 1) -> OverBudget:
    with pytest.raises(OverBudget) as caught:
        await of.reserve(run, "live", Decimal(much), much, step)
    return caught.value


@pytest.mark.parametrize("name", [*RUN_CAPS, *FLOOR_CAPS])
async def test_a_cap_may_be_reached_and_not_passed(name: CapName) -> None:
    of = budget(name, Clock())
    await spend(of, 4)
    await spend(of, 6)
    error = await refused(of, 1)
    assert error.cap == name
    assert f"{of_cap(name, CAP)} spent and up to {of_cap(name, Decimal(1))} for the next call" in str(error)
    assert f"({name})" in str(error)


@pytest.mark.parametrize(("name", "another"), [("step_cap", "step"), ("step_tokens", "step"), ("pass_tokens", "pass")])
async def test_another_step_or_pass_begins_at_nothing(name: RunCap, another: str) -> None:
    of = budget(name, Clock())
    await spend(of, 9)
    await refused(of, 2)
    if another == "pass":
        of.pass_began("r-1")
    await spend(of, 2, step=2 if another == "step" else 1)


async def test_attempts_at_one_step_count_together() -> None:
    of = budget("step_cap", Clock())
    for _ in range(2):
        await spend(of, 5)
    assert (await refused(of, 5)).cap == "step_cap"


@pytest.mark.parametrize("name", FLOOR_CAPS)
async def test_the_floors_caps_are_for_all_live_runs_and_for_no_rehearsal(name: FloorCap) -> None:
    of = budget(name, Clock())
    await spend(of, 6, "r-1")
    assert (await refused(of, 5, "r-2")).cap == name
    of.settle(await of.reserve("r-3", "rehearsal", Decimal(50), 50), Decimal(50), 50)
    await spend(of, 4, "r-2")


@pytest.mark.parametrize("name", ["day_cap", "day_tokens"])
async def test_a_days_cap_is_whole_again_when_the_next_day_begins(name: FloorCap) -> None:
    clock = Clock()
    of = budget(name, clock)
    await spend(of, 8)
    assert (await refused(of, 3)).retry_at == 20_001 * DAY
    clock.at = 20_001 * DAY - 1
    await refused(of, 3)
    clock.at = 20_001 * DAY
    await spend(of, 3)
    assert of.day == 20_001


async def test_a_call_that_no_day_has_room_for_does_not_come_back_by_itself() -> None:
    assert (await refused(budget("day_cap", Clock()), 11)).retry_at is None


async def test_what_somebody_has_to_raise_is_told_before_what_comes_back_by_itself() -> None:
    of = Budget({"day_cap": CAP, "factory_cap": CAP}, Clock())
    await spend(of, 8)
    error = await refused(of, 3)
    assert (error.cap, error.retry_at) == ("factory_cap", None)


async def test_a_call_in_flight_at_midnight_counts_for_the_new_day_and_keeps_its_room_there() -> None:
    clock = Clock()
    of = budget("day_cap", clock)
    hold = await of.reserve("r-1", "live", Decimal(7))
    clock.at += DAY
    await spend(of, 3)
    of.settle(hold, Decimal(7))
    assert of.day == 20_001
    await refused(of, 1)


async def test_a_clock_that_goes_back_gives_no_day_twice() -> None:
    clock = Clock()
    of = budget("day_cap", clock)
    await spend(of, 8)
    clock.at -= 3 * DAY
    await refused(of, 3)
    clock.at += 3 * DAY
    await refused(of, 3)


@pytest.mark.parametrize("name", ["day_cap", "day_tokens"])
@pytest.mark.parametrize("restarts", [False, True])
async def test_a_clock_that_was_years_ahead_holds_nobody_beyond_the_next_midnight(
    name: FloorCap, *, restarts: bool
) -> None:
    clock, state, seq = Clock(), journal(), itertools.count(10)
    of = budget(name, clock)

    async def spends(much: int, today: int) -> None:
        """And the journal has it, and how much it is today; another engine may go on from there."""
        nonlocal of, state
        if restarts:
            of = Budget.of(replace(state, caps={name: SetCap(CAP, None)}), clock)
            of.enter("r-1", {})
        await spend(of, much)
        told = CallSettled(3, 1, Tokens(much), Decimal(much), Decimal(9), 0.1, "answered", day=of.day)
        state = reduce(state, Event(next(seq), "id", clock.at, told, "r-1"))
        assert state.spent(name, clock.at) == today

    await spends(8, 8)
    clock.at += 1_000 * DAY
    await spends(7, 7)
    clock.at = NOON + 1
    error = await refused(of, 4)
    assert error.retry_at == 20_001 * DAY, "what it spent there counts, until midnight"
    await spends(3, 10)
    clock.at += 1_000 * DAY
    assert (await refused(of, 1)).cap == name, "that day was given"
    clock.at = 20_001 * DAY
    await refused(of, 1)
    clock.at = 20_002 * DAY
    await spends(9, 9)


def journal(*told: CallReserved | CallSettled, at: int = NOON) -> State:
    caps = dict.fromkeys(RUN_CAPS, CAP)
    queued = RunQueued(
        "s", "rev", "c", "l", "d", "m", "live", "me", 0.9, 0.01, 10, 200, caps.pop("run_cap"), limits=caps
    )
    facts = [queued, PassBegan(1, "rev"), *told]
    return fold(Event(seq, f"id{seq}", at, fact, "r-1") for seq, fact in enumerate(facts, 1))


SETTLED = CallSettled(3, 1, Tokens(2, 1), Decimal(3), Decimal(8), 0.1, "answered", day=20_000)
RESERVED = CallReserved(3, 2, "m", "agent", Decimal(5), 5)


@pytest.mark.parametrize("name", [*RUN_CAPS, *FLOOR_CAPS])
@pytest.mark.parametrize("settled", [False, True])
async def test_after_a_restart_every_cap_knows_what_was_spent_and_what_may_have_been(
    name: CapName, settled: bool
) -> None:
    """3 spent and 5 that a dead engine left in flight: 2 of 10 are left, before and after they are settled."""
    state = journal(CallReserved(3, 1, "m", "agent", Decimal(8), 8), SETTLED, RESERVED)
    if settled:
        [lost] = lost_calls(state.runs["r-1"])
        assert (lost.money, lost.unsaid) == (Decimal(5), 5)
        state = fold([Event(9, "id9", NOON, lost, "r-1")], state)
    of = Budget.of(state, Clock())
    for floor in FLOOR_CAPS:
        of.limit(floor, CAP if floor == name else None)
    of.enter("r-1", {cap: CAP for cap in RUN_CAPS if cap == name})
    assert (await refused(of, 3, step=3)).cap == name
    await spend(of, 2, step=3)


async def test_after_a_restart_on_another_day_only_the_day_begins_at_nothing() -> None:
    clock = Clock()
    clock.at += DAY
    state = journal(CallReserved(3, 1, "m", "agent", Decimal(8), 8), SETTLED)
    of = Budget.of(replace(state, caps=dict.fromkeys(FLOOR_CAPS, SetCap(CAP, CAP))), clock)
    of.enter("r-1", {})
    assert (await refused(of, 8)).cap == "factory_tokens"
    await spend(of, 7)


def test_a_call_whose_use_nobody_told_counts_for_all_its_tokens() -> None:
    cut = CallSettled(3, 1, Tokens(2, 1), Decimal(8), Decimal(8), 0.1, "failed", unsaid=5)
    run = journal(CallReserved(3, 1, "m", "judge", Decimal(8), 8), cut).runs["r-1"]
    assert run.burn.tokens.total == 3
    assert run.spent("run_tokens") == run.spent("step_tokens") == Decimal(8)


def words(of: Budget) -> list[str]:
    return [said.text for said in of.warnings()]


@pytest.mark.parametrize("name", [*RUN_CAPS, *FLOOR_CAPS])
async def test_from_80_percent_of_a_cap_on_it_is_warned_of_once(name: CapName) -> None:
    of = budget(name, Clock())
    await spend(of, 7)
    assert words(of) == []
    await spend(of, 1)
    said = words(of)
    if name.startswith("step"):
        assert said == [], "nobody could do anything about a step"
        return
    assert len(said) == 1
    assert f"{of_cap(name, Decimal(8))} of {of_cap(name, CAP)} spent ({name}), 80 %" in said[0]
    await spend(of, 1)
    assert words(of) == []


async def test_a_raised_cap_a_new_pass_and_a_new_day_are_warned_of_anew() -> None:
    clock = Clock()
    of = Budget({"day_cap": CAP}, clock)
    of.enter("r-1", {"pass_cap": CAP, "run_cap": CAP})
    await spend(of, 8)
    assert [said.partition(":")[0] for said in words(of)] == ["the factory, today", "r-1, this pass", "r-1"]
    of.pass_began("r-1")
    of.enter("r-1", {"pass_cap": CAP, "run_cap": Decimal(20)})
    clock.at += DAY
    await spend(of, 8)
    assert [said.partition(":")[0] for said in words(of)] == ["the factory, today", "r-1, this pass", "r-1"]


async def test_after_a_restart_nothing_is_warned_of_again_but_what_a_lost_call_brought_about() -> None:
    told = journal(CallReserved(3, 1, "m", "agent", Decimal(8), 8), SETTLED)
    near = Budget.of(replace(told, caps={"day_cap": SetCap(Decimal(3), None)}), Clock())
    assert words(near) == []
    lost = journal(CallReserved(3, 1, "m", "agent", Decimal(8), 8), SETTLED, RESERVED)
    of = Budget.of(replace(lost, caps={"factory_cap": SetCap(CAP, None)}), Clock())
    assert [said.partition(" (")[0] for said in words(of)] == [
        "the factory: $8 of $10 spent",
        "r-1, this pass: $8 of $10 spent",
        "r-1, this pass: 8 tokens of 10 tokens spent",
        "r-1: $8 of $10 spent",
        "r-1: 8 tokens of 10 tokens spent",
    ]
