"""Runs of one seed side by side: started as one, told as one, bound by what binds any run."""

import json
from pathlib import Path

import pytest

from factory_tui.domain.commands import Command, StartRun
from factory_tui.domain.events import CommandTaken, RunMoved, RunQueued
from factory_tui.following import SHIPPED
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import Floor
from tests.engine.greeter import DONE, WRITES, make
from tests.engine.test_asking import asked
from tests.playbooks import playbook

AT_ONCE = playbook("greeter", WRITES.replace("names[0] if", "names[0].strip() if"), DONE)


async def test_replicas_are_one_command_of_one_revision_and_take_their_turns(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, playbook=AT_ONCE)
    workspace.config.write_text(workspace.config.read_text().replace("slots = 4", "slots = 1"))
    async with Floor(workspace, playbooks) as floor:
        code, said = await asked(workspace, "run", "greeter", "--replicas", "2", "--rehearse", "--plain")
        assert code == SHIPPED, said
        await floor.until(lambda state: len(state.runs) == 2 and all(r.state == "shipped" for r in state.runs.values()))

        queued = {event.run: event.fact for event in floor.events if isinstance(event.fact, RunQueued)}
        assert [(run, fact.group) for run, fact in queued.items()] == [
            ("greeter-1", "greeter-1"),
            ("greeter-2", "greeter-1"),
        ]
        assert queued["greeter-1"] == queued["greeter-2"], "they differ in their names only"
        assert len([one for one in floor.told(CommandTaken) if isinstance(one.command, StartRun)]) == 1
        running: set[str] = set()
        for event in floor.events:
            if isinstance(event.fact, RunMoved):
                running = running | {event.run} if event.fact.state == "running" else running - {event.run}
            assert len(running) <= 1, "slots bound them as any runs"

        assert "2 replicas of seed greeter at" in said
        assert ": 2 shipped" in said
        rows = [line.split() for line in said.splitlines() if line.startswith(("satisfied ", "passes ", "money "))]
        assert [row[-1] for row in rows] == ["2"] * 3, "known of both"
        assert "REHEARSAL: the twin answers all of them alike" in said

        (group,) = json.loads((await asked(workspace, "status", "--json"))[1])["replicas"]
        assert (group["runs"], group["over"]) == (["greeter-1", "greeter-2"], True)
        assert group["passes"] == {"runs": 2, "mean": 1.0, "deviation": 0.0, "least": 1.0, "median": 1.0, "most": 1.0}


@pytest.mark.parametrize("number", [0, 51])
async def test_a_number_that_cannot_be_is_refused_and_starts_nothing(tmp_path: Path, number: int) -> None:
    async with Floor(*make(tmp_path)) as floor:
        command: Command = StartRun("greeter", ledger="rehearsal", replicas=number)
        with pytest.raises(RefusedError, match="Remedy: 1 to 50 at once"):
            await floor.link.command(command)
        assert not floor.state.runs
