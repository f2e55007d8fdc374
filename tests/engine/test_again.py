"""A command that is sent again, since its link was lost before the answer came, is done once."""

import asyncio
from pathlib import Path

import pytest

from factory_tui.domain.commands import StartRun
from factory_tui.domain.events import CommandTaken
from factory_tui.link.client import Link
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import FarFloor
from tests.engine.greeter import make, slow

KEY = "01JDZ0000000000000000000ZZ"
START = StartRun("greeter", ledger="rehearsal")


async def test_by_another_link_and_after_a_kill_it_is_known(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, playbook=slow(300))
    first = FarFloor(workspace, playbooks)
    await first.open()
    other = await Link.connect(workspace.socket)
    await asyncio.gather(first.link.command(START, KEY), other.command(START, KEY))
    await other.close()
    await first.kill()
    async with FarFloor(workspace, playbooks) as floor:
        await floor.link.command(START, KEY)
        with pytest.raises(RefusedError, match=f"{KEY} is the key of another command"):
            await floor.link.command(StartRun("greeter", ledger="rehearsal", model="other"), KEY)
        with pytest.raises(RefusedError, match="a command's key is a ULID"):
            await floor.link.command(START, "no key")
        taken = await floor.link.events(None, None, 100, kinds=("command-taken",))
        assert [(event.fact.id, event.fact.command) for event in taken if isinstance(event.fact, CommandTaken)] == [
            (KEY, START)
        ]
        assert list(floor.state.runs) == ["greeter-1"]
        await floor.link.command(START)
        await floor.until(lambda state: len(state.runs) == 2)
