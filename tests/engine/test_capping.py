"""What a command about caps leads to, and what is typed for it."""

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from factory_tui.arguments import parser
from factory_tui.asking import _command, cap_command
from factory_tui.config.workspace import Workspace
from factory_tui.domain import commands as c
from factory_tui.domain.events import BudgetMoved, Draft, Event, RunMoved, RunQueued
from factory_tui.domain.money import Burn, CapName, Ledger, RunCap
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import Run, State
from factory_tui.engine.orders import judge
from factory_tui.policy.budget import Budget, OverBudget
from tests.engine.floor import Floor
from tests.engine.greeter import SEED, make


def run(name: str, ledger: Ledger = "live") -> Run:
    queued = RunQueued("greeter", "two", "", "factory", "", "default", ledger, "demo", 0.9, 0.01, 10, 200, Decimal(10))
    told = fold([Event(1, "e1", 0, queued, name), Event(2, "e2", 0, RunMoved("shipped"), name)]).runs[name]
    return replace(told, burn=Burn(money=Decimal(6), reserved=Decimal(1)))


RUNS = {
    "a-1": replace(run("a-1"), state="held", reason="budget", limits={"pass_tokens": Decimal(100)}),
    "a-2": run("a-2"),
    "a-3": replace(run("a-3"), cap=None),
    "a-4": run("a-4", "rehearsal"),
}


def led(command: c.Command) -> str | list[Draft]:
    return judge(State(runs=RUNS), "ana", command, lambda *_: "nothing begins here", (), now=0)


@pytest.mark.parametrize(
    ("origin", "amount", "why"),
    [
        ("a-2", "3.01", "a-2 has $3 left, calls in flight taken off"),
        ("a-2", "0", "how many dollars"),
        ("a-2", "NaN", "how many dollars"),
        ("a-2", "0.0000001", "at most 6 decimals"),
        ("a-1", "1", "no other run a-1"),
        ("b-1", "1", "no other run b-1"),
        ("a-3", "1", "a-3 has no cap of its own"),
        ("a-4", "1", "a-4 is a rehearsal"),
    ],
)
def test_what_cannot_be_moved_is_refused(origin: str, amount: str, why: str) -> None:
    refused = led(c.MoveBudget("a-1", origin, Decimal(amount)))
    assert isinstance(refused, str)
    assert why in refused


def test_what_a_run_did_not_spend_is_another_ones_to_spend() -> None:
    assert led(c.MoveBudget("a-1", "a-2", Decimal(3))) == [
        Draft(BudgetMoved("a-2", Decimal(3)), "a-1", "ana"),
        Draft(RunMoved("queued", None, "ana raised its cap"), "a-1", "ana"),
    ]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (c.RaiseCap("a-1", Decimal(100), "pass_tokens"), "the cap of a-1 is 100 tokens now"),
        (c.RaiseCap("a-1", Decimal("100.5"), "pass_tokens"), "in whole numbers"),
        (c.RaiseCap("a-1", Decimal(5), "step_cap"), "no cap of its own called step_cap"),
        (c.SetCap("day_tokens", Decimal("0.5")), "in whole numbers"),
        (c.SetCap("day_cap", Decimal("NaN")), "name an amount"),
        (c.SetCap("day_cap", Decimal(-1)), "that is no cap"),
    ],
)
def test_a_cap_that_cannot_be_is_refused(command: c.Command, why: str) -> None:
    refused = led(command)
    assert isinstance(refused, str)
    assert why in refused


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("a-1 12.50", c.RaiseCap("a-1", Decimal("12.50"))),
        ("a-1 900 --of pass_tokens", c.RaiseCap("a-1", Decimal(900), "pass_tokens")),
        ("factory_cap 200", c.SetCap("factory_cap", Decimal(200))),
        ("a-1 3 --from a-2", c.MoveBudget("a-1", "a-2", Decimal(3))),
    ],
)
def test_one_command_raises_them_all(typed: str, command: c.Command, tmp_path: Path) -> None:
    assert _command(Workspace(tmp_path), parser().parse_args(["cap", *typed.split()]))[0] == command


@pytest.mark.parametrize(
    ("held_by", "typed"),
    [
        (None, "cap a-1 DOLLARS"),
        ("run_cap", "cap a-1 DOLLARS"),
        ("step_tokens", "cap a-1 TOKENS --of step_tokens"),
        ("day_cap", "cap day_cap DOLLARS"),
    ],
)
def test_the_inbox_says_what_to_type(held_by: CapName | None, typed: str) -> None:
    assert cap_command(replace(RUNS["a-1"], held_by=held_by)) == typed


async def test_money_on_its_way_to_another_run_cannot_be_spent_meanwhile() -> None:
    budget = Budget()
    budget.enter("a-2", {"run_cap": Decimal(10)})
    hold = await budget.reserve("a-2", "live", Decimal(6))
    assert not budget.lend("a-2", Decimal("4.01"))
    assert budget.lend("a-2", Decimal(4))
    budget.enter("a-2", {"run_cap": Decimal(10)})  # as it goes on, before the move is in the journal
    budget.settle(hold, Decimal(6))
    with pytest.raises(OverBudget, match=r"the cap of \$6"):
        await budget.reserve("a-2", "live", Decimal(1))
    budget.enter("a-2", {"run_cap": Decimal(10)}, moved=True)
    await budget.reserve("a-2", "live", Decimal(4))


async def test_what_a_cap_is_lowered_by_cannot_be_spent_meanwhile() -> None:
    budget = Budget()
    caps: dict[RunCap, Decimal] = {"run_cap": Decimal(10), "pass_tokens": Decimal(100)}
    budget.enter("a-2", caps)
    await budget.reserve("a-2", "live", Decimal(1), 30)
    assert not budget.lend("a-2", Decimal(71), "pass_tokens")
    assert budget.lend("a-2", Decimal(60), "pass_tokens")
    budget.enter("a-2", caps)
    with pytest.raises(OverBudget, match=r"the cap of 40 tokens \(pass_tokens\)"):
        await budget.reserve("a-2", "live", Decimal(1), 41)
    budget.enter("a-2", {**caps, "pass_tokens": Decimal(40)}, moved=True)
    await budget.reserve("a-2", "live", Decimal(9), 10)


async def test_what_one_run_has_left_ships_another(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path)
    async with Floor(workspace, playbooks) as floor:
        rich = await floor.reach(await floor.start(), "shipped", "failed")
        seed = workspace.seeds / "greeter.md"
        seed.write_text(SEED.replace("max_passes", "budget = { run_cap = 0.0001 }\nmax_passes"))
        poor = await floor.reach(await floor.start(), "held", "failed")
        assert (poor.reason, poor.held_by) == ("budget", "run_cap")
        await floor.command(c.MoveBudget(poor.id, rich.id, Decimal(5)))
        runs = floor.state.runs
        assert (runs[rich.id].cap, runs[poor.id].cap) == (Decimal(5), Decimal("5.0001"))
        assert (await floor.reach(poor.id, "shipped", "failed")).state == "shipped"
