"""What an engine refuses whom: every command of the closed set, from a console with fewer rights than it takes."""

from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from factory_tui.domain import commands as c
from factory_tui.domain.events import CommandTaken
from factory_tui.link.client import Link
from factory_tui.link.protocol import Lower, RefusedError
from tests.engine.floor import Floor
from tests.engine.greeter import make

EVERY: tuple[c.Command, ...] = (
    c.StartRun("greeter", ledger="rehearsal"),
    c.Pause("greeter-1"),
    c.Pause("greeter-1", now=True),
    c.Resume("greeter-1"),
    c.Release("greeter-1"),
    c.Stop("greeter-1"),
    c.Answer("E-1", "go on"),
    c.Snooze("E-1", 1_900_000_000_000),
    c.SetExpiry("E-1", 1_900_000_000_000),
    c.SetFault("greeter-1", "payments", "429"),
    c.Steer("greeter-1", "do it so"),
    c.Escalate("greeter-1"),
    c.Reseed("greeter-1"),
    c.Restart("greeter-1"),
    c.Fork("greeter-1"),
    c.Undo("greeter-1"),
    c.RaiseCap("greeter-1", Decimal(5)),
    c.OpenShell("greeter-1"),
    c.MoveBudget("greeter-1", "greeter-2", Decimal(1)),
    c.SetCap("day_cap", Decimal(5)),
    c.ConfirmCorpus("greeter"),
    c.EmergencyStop(),
    c.Thaw(),
    c.StopEngine(),
)


def test_no_command_is_left_out_of_this() -> None:
    assert {type(command) for command in EVERY} == set(get_args(c.Command)) == set(c.LEAST_ROLE)


@pytest.mark.parametrize(("role", "least"), [("viewer", ("operator", "admin")), ("operator", ("admin",))])
async def test_who_may_not_changes_nothing(tmp_path: Path, role: c.Role, least: tuple[c.Role, ...]) -> None:
    async with Floor(*make(tmp_path)) as floor:
        await floor.until(lambda state: state.engine.up)
        ana = await Link.connect(floor.workspace.socket, Lower("ana", role))
        assert (ana.actor, ana.role) == ("ana", role)
        before = ana.state
        for command in EVERY:
            if c.LEAST_ROLE[type(command)] in least:
                with pytest.raises(RefusedError, match=f"{role} may not .*; ask an {c.LEAST_ROLE[type(command)]}"):
                    await ana.command(command)
        assert await ana.events(None, None, 100, after=before.seq) == [], "nothing was journalled"
        if role == "operator":
            await ana.command(c.EmergencyStop())
            (taken, frozen) = await ana.events(None, None, 100, after=before.seq)
            assert isinstance(taken.fact, CommandTaken)
            assert (taken.actor, frozen.actor) == ("ana", "ana")
        await ana.close()
