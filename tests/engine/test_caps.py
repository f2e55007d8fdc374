"""Caps of all live runs together, on a real engine whose model is an endpoint that wants money."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import SetCap, StartRun
from factory_tui.domain.events import CallReserved, CapSet, CommandTaken, RunMoved
from factory_tui.domain.money import DAY
from factory_tui.engine import returning, serve
from factory_tui.twins.messages.playbook import parse
from factory_tui.twins.messages.server import Twin
from tests.engine.floor import Floor
from tests.engine.greeter import PLAYBOOK, make

Live = Callable[[str], tuple[Workspace, Path]]


@pytest.fixture
async def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Live]:
    """Makes a workspace whose model is an endpoint, with such a `[policy]`."""
    twin = Twin([parse(PLAYBOOK, "greeter.toml")])
    await twin.start()
    monkeypatch.setenv("GREETER_KEY", "sk-greeter")

    def made(policy: str) -> tuple[Workspace, Path]:
        workspace, playbooks = make(tmp_path)
        config = workspace.config.read_text()
        model = f'[models.default]\nbase_url = "{twin.base_url("greeter")}"'
        workspace.config.write_text(f"[policy]\n{policy}\n{config.replace('[models.default]', model)}")
        return workspace, playbooks

    yield made
    await twin.close()


START = StartRun("greeter", ledger="live", unfenced=True)


async def test_a_cap_of_the_factory_holds_a_run_until_config_toml_raises_it(live: Live) -> None:
    workspace, playbooks = live("factory_cap = 0.001")
    async with Floor(workspace, playbooks) as floor:
        await floor.command(START)
        held = await floor.reach("greeter-1", "held", "failed")
        assert (held.reason, held.held_by, held.retry_at) == ("budget", "factory_cap", None), held.why
        assert "the factory: $0 spent and up to $" in held.why
        assert held.burn.money == 0
        workspace.config.write_text(workspace.config.read_text().replace("factory_cap = 0.001", "factory_cap = 9"))
        shipped = await floor.reach("greeter-1", "shipped", "failed")
        assert shipped.state == "shipped", shipped.why
        assert floor.told(CapSet)[-1] == CapSet("factory_cap", Decimal(9), Decimal(9))


async def test_what_was_raised_while_no_engine_ran_lets_a_run_go_too(live: Live) -> None:
    workspace, playbooks = live("day_tokens = 10")
    async with Floor(workspace, playbooks) as floor:
        await floor.command(START)
        assert (await floor.reach("greeter-1", "held", "failed")).held_by == "day_tokens"
    workspace.config.write_text(workspace.config.read_text().replace("day_tokens = 10", ""))
    async with Floor(workspace, playbooks) as floor:
        assert (await floor.reach("greeter-1", "shipped", "failed")).state == "shipped"


async def test_an_admins_word_lets_a_run_go_and_stands_until_config_toml_says_something_else(live: Live) -> None:
    workspace, playbooks = live("factory_cap = 0.001")
    async with Floor(workspace, playbooks) as floor:
        await floor.command(START)
        await floor.reach("greeter-1", "held", "failed")
        await floor.command(SetCap("factory_cap", Decimal(7)))
        taken = await floor.fact(CommandTaken, lambda fact: isinstance(fact.command, SetCap))
        woken = await floor.fact(RunMoved, lambda fact: fact.why.endswith("raised factory_cap"))
        assert woken.actor == taken.actor != "engine"
        assert (await floor.reach("greeter-1", "shipped", "failed")).state == "shipped"
    async with Floor(workspace, playbooks) as floor:
        state = await floor.until(lambda state: state.engine.up)
        assert state.caps["factory_cap"].amount == 7
    workspace.config.write_text(workspace.config.read_text().replace("factory_cap = 0.001", "factory_cap = 2"))
    async with Floor(workspace, playbooks) as floor:
        state = await floor.until(lambda state: state.engine.up)
        assert state.caps["factory_cap"].amount == 2


async def test_who_is_held_for_the_days_cap_goes_on_by_itself_when_the_day_turns(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = 0
    real = serve.now
    monkeypatch.setattr(serve, "now", lambda: real() + ahead)
    monkeypatch.setattr(returning, "LOOK", 0.05)
    async with Floor(*live("")) as floor:
        await floor.command(START)
        spent = (await floor.reach("greeter-1", "shipped", "failed")).burn.money
        worst = floor.told(CallReserved)[0].money
        await floor.command(SetCap("day_cap", (worst + spent / 2).quantize(Decimal("0.000001"))))
        await floor.command(START)
        held = await floor.reach("greeter-2", "held", "failed")
        assert (held.reason, held.held_by) == ("budget", "day_cap"), held.why
        midnight = (serve.now() // DAY + 1) * DAY
        assert held.retry_at == midnight
        ahead = midnight - real()
        await floor.reach("greeter-2", "running")
        await asyncio.wait_for(floor.fact(CallReserved, after=floor.state.seq), 60)
