"""`factory-tui cells`: what there is, who needs it, and away with the rest; with an engine, without, after a crash."""

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from factory_tui.config.workspace import Workspace
from factory_tui.domain.events import ToolCalled, VerdictReached
from factory_tui.engine.doctor import examine
from factory_tui.following import FAILED, SHIPPED, USAGE
from tests.engine.floor import ROOT, FarFloor, Floor, cli
from tests.engine.greeter import PLAYBOOK, make
from tests.engine.test_asking import asked

SLOW = PLAYBOOK.replace("echo trimmed", "sleep 300; echo trimmed")


async def listed(workspace: Workspace) -> list[dict[str, Any]]:
    code, said = await asked(workspace, "cells", "ls", "--json")
    assert code == SHIPPED, said
    found: list[dict[str, Any]] = json.loads(said)["cells"]
    return found


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_cells_are_listed_with_who_needs_them_and_only_the_rest_goes(
    tmp_path: Path, cell_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, playbooks = make(tmp_path, kind="docker", image=cell_image, playbook=SLOW)
    async with FarFloor(workspace, playbooks) as floor:
        run = await floor.start()
        await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
        (agent,) = [one for one in await listed(workspace) if one["role"] == "agent"]
        assert (agent["run"], agent["number"], agent["kind"], agent["state"]) == (run, 2, "docker", "running")
        assert agent["memory"] > 1_000_000
        assert agent["needed"] == f"{run} is running"
        code, said = await asked(workspace, "cells")
        assert (code, run in said, "MiB" in said) == (SHIPPED, True, True)
        assert (await asked(workspace, "cells", "rm", "--yes"))[1].count("no cell to remove") == 1
        code, said = await asked(workspace, "cells", "rm", agent["cell"][:12], "--yes")
        assert (code, said) == (
            FAILED,
            f"{agent['cell'][:12]} is in use: {run} is running. Remedy: stop that first\n",
        )
        await floor.kill()
    (left,) = [one for one in await listed(workspace) if one["role"] == "agent"]
    assert (left["needed"], left["loses"]) == ("", f"what the agent of {run} did since pass 1")
    code, said = await asked(workspace, "cells", "rm")
    assert code == USAGE
    assert f"LOSES what the agent of {run} did since pass 1" in said
    assert "nothing was removed" in said
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(workspace.root)
    (finding,) = [one for one in await examine(tmp_path) if one.what == "cells"]
    assert finding.remedy.startswith("factory-tui cells rm ")
    assert left["cell"][:12] in finding.remedy
    process = await cli(*finding.remedy.split()[1:], "--yes")
    assert process.stdout is not None
    assert (await process.stdout.read()).decode().endswith(" removed\n")
    assert await process.wait() == SHIPPED
    assert not [one for one in await examine(tmp_path) if one.what == "cells"]


@pytest.mark.timeout(120)
async def test_a_process_cell_that_a_killed_engine_left_is_listed_and_removed(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, playbook=SLOW)
    async with FarFloor(workspace, playbooks) as floor:
        run = await floor.start()
        await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
        (cell,) = [one for one in await listed(workspace) if one["role"] == "agent"]
        assert (cell["run"], cell["kind"], cell["fenced"], cell["memory"]) == (run, "process", False, None)
        code, said = await asked(workspace, "cells")
        assert "process UNFENCED" in said
        assert "not measured" in said
        await floor.kill()
    code, said = await asked(workspace, "cells", "rm", "--yes")
    assert code == SHIPPED
    assert said.endswith(" removed\n")
    assert not list((workspace.state / "cells").glob("process-*.json"))


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_stats_are_a_line_a_sample_until_somebody_breaks_them_off(tmp_path: Path, cell_image: str) -> None:
    async with Floor(*make(tmp_path, kind="docker", image=cell_image, playbook=SLOW)) as floor:
        run = await floor.start()
        await floor.fact(VerdictReached)
        stats = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "factory_tui", "cells", "stats", "--json"),
            *("--workspace", str(floor.workspace.root)),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert stats.stdout is not None
        async with asyncio.timeout(60):
            sample = json.loads(await stats.stdout.readline())
            while sample["gauge"] is None:  # one that went before it was looked at
                sample = json.loads(await stats.stdout.readline())
        assert sample["run"] == run
        assert sample["gauge"]["memory_limit"] > 0
        stats.send_signal(signal.SIGINT)
        assert await stats.wait() == SHIPPED


async def test_stats_without_an_engine_say_what_to_do(tmp_path: Path) -> None:
    workspace, _ = make(tmp_path)
    code, said = await asked(workspace, "cells", "stats")
    assert code == FAILED
    assert "no engine runs on this workspace" in said
    assert "engine start" in said
