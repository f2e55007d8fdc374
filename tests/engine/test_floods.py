"""What an operator can say too much of: none of it may keep anybody from attaching, then or later."""

from decimal import Decimal
from pathlib import Path

import pytest

from factory_tui.domain.commands import Escalate, RaiseCap, Resume, Steer, Stop
from factory_tui.domain.events import Prompted
from factory_tui.engine.orders import LONGEST, UNHEARD
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import Floor
from tests.engine.greeter import make


async def test_a_run_is_told_no_more_than_it_can_hear(tmp_path: Path) -> None:
    most, characters = UNHEARD
    async with Floor(*make(tmp_path)) as floor:
        run = await floor.paused()
        for command in (Steer(run, "x" * 900_000), Escalate(run, "x" * 900_000), Stop(run, "x" * 900_000)):
            with pytest.raises(RefusedError, match="too many"):
                await floor.link.command(command)
        taken = 0
        with pytest.raises(RefusedError, match="has not heard yet"):  # noqa: PT012 -- the last of many
            while True:
                await floor.link.command(Steer(run, "a word " * (LONGEST // 7)))
                taken += 1
        assert taken == characters // LONGEST
        await floor.command(Resume(run))
        await floor.fact(Prompted, lambda fact: fact.told == taken)
        shipped = await floor.reach(run, "shipped", "held", "failed", "jammed")
        assert shipped.state == "shipped", shipped.why
        assert sum(len(one.text) for item in shipped.passes for one in item.guidance) < characters // 2
        run = await floor.paused()
        for number in range(most):
            await floor.link.command(Steer(run, f"word {number}"))
        with pytest.raises(RefusedError, match="has not heard yet"):
            await floor.link.command(Steer(run, "one more"))
        await floor.command(Stop(run))


async def test_a_cap_is_an_amount_that_can_be_drawn(tmp_path: Path) -> None:
    async with Floor(*make(tmp_path)) as floor:
        run = await floor.paused()
        for odd in ("NaN", "sNaN", "Infinity", "-1", "0", "1e999999", "1e10", "20.0000001", "2" + "0" * 5000):
            with pytest.raises(RefusedError) as refused:
                await floor.link.command(RaiseCap(run, Decimal(odd)))
            assert len(str(refused.value)) < 200
        await floor.command(RaiseCap(run, Decimal("20.5")))
        assert floor.state.runs[run].cap == Decimal("20.5")
        await floor.command(Stop(run))
