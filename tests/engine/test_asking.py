"""What an operator asks for on the command line, of an engine at work: what happens, what is said, the exit code."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import StartRun
from factory_tui.domain.events import (
    CallSettled,
    CommandTaken,
    EscalationAnswered,
    RunMoved,
    ToolCalled,
    VisitEnded,
)
from factory_tui.following import FAILED, SHIPPED, WAITS
from factory_tui.twins.messages.playbook import parse
from factory_tui.twins.messages.server import Twin
from tests.engine.floor import PATIENCE, Floor, cli
from tests.engine.greeter import PLAYBOOK, make, slow
from tests.engine.test_runs import GATE

RIGHT = "sk-the-right-key"


async def asked(workspace: Workspace, *words: str) -> tuple[int | None, str]:
    """The exit code of a command on this workspace, and all that it said."""
    process = await cli(*words, "--workspace", str(workspace.root))
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_a_run_is_paused_resumed_frozen_thawed_and_stopped(tmp_path: Path) -> None:
    async with Floor(*make(tmp_path, playbook=slow(300))) as floor:
        at = floor.workspace
        follower = await cli("run", "greeter", "--rehearse", "--plain", "--workspace", str(at.root))
        await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
        run = "greeter-1"

        assert await asked(at, "pause", run, "--now") == (SHIPPED, f"{run} pauses now\n")
        await floor.reach(run, "paused")
        said, _ = await follower.communicate()
        assert follower.returncode == WAITS, said
        assert b"Attach again with: " in said
        assert await asked(at, "pause", run) == (FAILED, f"{run} is paused already\n")

        assert await asked(at, "resume", run) == (SHIPPED, f"{run} goes on\n")
        await floor.reach(run, "running")
        code, words = await asked(at, "freeze")
        assert (code, "the floor is frozen" in words) == (SHIPPED, True)
        await floor.reach(run, "queued")
        assert floor.state.frozen
        assert await asked(at, "resume", run) == (FAILED, f"{run} is queued, not paused or held\n")
        assert await asked(at, "thaw") == (SHIPPED, "the floor goes on\n")
        await floor.reach(run, "running")
        assert await asked(at, "thaw") == (FAILED, "the floor is not frozen\n")

        assert await asked(at, "stop", run, "--reason", "enough") == (
            SHIPPED,
            f"{run} stops for good; its passes stay\n",
        )
        assert (await floor.reach(run, "stopped")).why == f"stopped by {floor.link.actor}: enough"
        assert (await asked(at, "resume", run))[1].startswith(f"{run} is stopped: it has ended. Remedy: ")
        taken = [event for event in floor.events if isinstance(event.fact, CommandTaken)]
        names = ["StartRun", "Pause", "Resume", "EmergencyStop", "Thaw", "Stop"]
        assert [type(event.fact.command).__name__ for event in taken if isinstance(event.fact, CommandTaken)] == names
        assert {event.actor for event in taken} == {floor.link.actor}, "each says who asked"


async def test_a_gate_is_answered(tmp_path: Path) -> None:
    async with Floor(*make(tmp_path, loop=GATE)) as floor:
        at = floor.workspace
        code, said = await asked(at, "run", "greeter", "--rehearse", "--plain")
        assert code == WAITS
        table = said[said.index("RUN ") :]
        assert "E-1 asks demo, of greeter-1: Good enough?" in table
        assert "Choices: " in table
        assert " answer E-1 CHOICE --workspace " in table
        assert await asked(at, "pause", "greeter-1") == (FAILED, "greeter-1 waits for an answer to E-1 already\n")
        code, said = await asked(at, "answer", "E-1", "perhaps")
        assert (code, said) == (FAILED, "E-1 offers: no, yes\n")
        code, said = await asked(at, "answer", "E-9", "yes")
        assert (code, said) == (FAILED, "there is no escalation E-9; open: E-1\n")
        assert await asked(at, "answer", "E-1", "yes") == (SHIPPED, "E-1 is answered\n")
        await floor.fact(VisitEnded)
        assert [(fact.id, fact.choice) for fact in floor.told(EscalationAnswered)] == [("E-1", "yes")]
        code, said = await asked(at, "scenarios", "history", "greeter")
        assert "greeter-1, pass 1, screen" in said
        assert said.endswith("\nnewest visits: 1; flaky: none\n")
        assert "\n  tells passes apart: too few visits; 0% of it told; no review known\n" in said
        code, said = await asked(at, "scenarios", "history", "greeter", "--json")
        told = {one["name"]: one for one in json.loads(said)["scenarios"]}
        assert told["upper"]["power"] == {"value": None, "pairs": 0}
        assert (told["upper"]["told"], told["greets"]["told"]) == (None, 0.0)
        code, said = await asked(at, "twins", "fault", "greeter-1", "bank", "429")
        assert (code, said) == (FAILED, "greeter-1 has no twin bank; twins: none\n")
        code, said = await asked(at, "answer", "E-1", "no")
        assert (code, said) == (FAILED, f"E-1 was answered by {floor.link.actor}\n")


class Brief(Floor):
    """An engine as the demo starts it."""

    until_over = True

    async def gone(self) -> None:
        """Until the engine ended by itself."""
        assert self._engine is not None
        async with asyncio.timeout(PATIENCE):
            await self._engine


async def test_an_engine_that_ends_with_its_runs_serves_whoever_still_looks(tmp_path: Path) -> None:
    async with Brief(*make(tmp_path)) as floor:
        for _ in range(2):
            run = await floor.start()
            await floor.reach(run, "shipped")
            for _ in range(20):  # one that ends in spite of it has time to
                text, _ = await floor.link.diff(run, 0, 1)
                assert "diff --git" in text
        await floor.link.close()
        await floor.gone()


class Guarded(Twin):
    """A twin that takes one key only, as the API does."""

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if RIGHT not in (
            request.headers.get("x-api-key"),
            request.headers.get("authorization", "").removeprefix("Bearer "),
        ):
            error = {"type": "authentication_error", "message": "invalid x-api-key"}
            return web.json_response({"type": "error", "error": error}, status=401)
        return await super()._handle(request)


@pytest.fixture
async def endpoint() -> AsyncIterator[Guarded]:
    guarded = Guarded([parse(PLAYBOOK, "greeter.toml")])
    await guarded.start()
    yield guarded
    await guarded.close()


async def test_a_wrong_key_holds_a_live_run_and_the_right_one_ships_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: Guarded
) -> None:
    workspace, playbooks = make(tmp_path)
    config = workspace.config.read_text()
    workspace.config.write_text(config.replace("[models.default]", f'[models.default]\nbase_url = "{endpoint.url}"'))

    monkeypatch.setenv("GREETER_KEY", "sk-the-wrong-key")
    async with Floor(workspace, playbooks) as floor:
        await floor.command(StartRun("greeter", ledger="live", unfenced=True))
        held = await floor.reach("greeter-1", "held")
        assert (held.reason, held.retry_at) == ("credential", None)
        assert "GREETER_KEY" in held.why
        assert (await asked(workspace, "resume", held.id))[0] == SHIPPED
        await floor.until(lambda state: [m.state for m in floor.told(RunMoved)].count("held") == 2)
        assert len(floor.told(CallSettled)) == 2, "asked once each time"

    monkeypatch.setenv("GREETER_KEY", RIGHT)
    async with Floor(workspace, playbooks) as floor:
        assert floor.state.runs["greeter-1"].state == "held", "it waits for a human"
        assert (await asked(workspace, "resume", "greeter-1"))[0] == SHIPPED
        await floor.reach("greeter-1", "running")
        shipped = await floor.reach("greeter-1", "shipped", "held", "jammed", "failed")
        assert (shipped.state, len(shipped.passes), shipped.ledger) == ("shipped", 2, "live"), shipped.why
        assert floor.state.burn["live"].money == shipped.burn.money > 0
