"""The Docker engine dies while runs work: they are held, say why, and come back by themselves with nothing lost."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from factory_tui.cells.docker import connect
from factory_tui.domain.commands import Pause, Resume, StartRun
from factory_tui.domain.events import (
    Answered,
    CellClosed,
    CellStarted,
    Noticed,
    Prompted,
    RunMoved,
    ToolCalled,
    ToolReturned,
    VerdictReached,
)
from factory_tui.following import FAILED, SHIPPED
from tests.conftest import unmet
from tests.engine.daemon import Daemon
from tests.engine.floor import Floor
from tests.engine.greeter import PLAYBOOK, make
from tests.engine.test_asking import asked

SLOW = PLAYBOOK.replace("echo trimmed", "sleep 2 && echo trimmed")


@pytest.mark.docker
@pytest.mark.timeout(240)
@pytest.mark.parametrize("daemon", [True], indirect=True, ids=["live-restore"])
async def test_a_cell_that_lives_on_without_its_engine_is_taken_up_again(tmp_path: Path, daemon: Daemon) -> None:
    async with Floor(*make(tmp_path, kind="docker", image=daemon.image(), playbook=SLOW)) as floor:
        run = await floor.start()
        called = await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
        await daemon.kill()
        held = await floor.reach(run, "held", "jammed", "failed")
        assert (held.state, held.reason) == ("held", "config")
        assert "the Docker engine does not answer" in held.why
        assert held.retry_at is not None
        (cell,) = held.cells
        await daemon.start()
        returned = await floor.fact(ToolReturned, after=called.seq)
        assert isinstance(returned.fact, ToolReturned)
        assert "trimmed" in returned.fact.output, "the outcome was kept while nobody listened"
        ended = await floor.reach(run, "shipped", "jammed", "failed")
        assert (ended.state, len(ended.passes)) == ("shipped", 2), ended.why
        assert [fact.cell for fact in floor.told(CellStarted)] == [cell], "the same cell all along"
        assert not [fact for fact in floor.told(CellClosed) if fact.lost]
        steps = [fact.step for fact in floor.told(Answered)]
        assert len(steps) == len(set(steps)), "no step was paid twice"
    assert daemon.containers() == []


@pytest.mark.docker
@pytest.mark.timeout(240)
@pytest.mark.parametrize("daemon", [False], indirect=True, ids=["no-live-restore"])
async def test_cells_that_die_with_their_engine_are_rebuilt_and_no_verdict_is_made_up(
    tmp_path: Path, daemon: Daemon
) -> None:
    async with Floor(*make(tmp_path, kind="docker", image=daemon.image(), playbook=SLOW)) as floor:
        run = await floor.start()
        await floor.fact(VerdictReached, lambda fact: fact.number == 1)
        await daemon.kill()
        await floor.reach(run, "held", "jammed", "failed")
        await daemon.start()
        await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
        await daemon.kill()
        await floor.reach(run, "held", "jammed", "failed")
        await daemon.start()
        said = await floor.fact(Prompted, lambda fact: fact.origin == "recovery")
        assert isinstance(said.fact, Prompted)
        assert "as it was at the end of pass 1" in said.fact.content
        ended = await floor.reach(run, "shipped", "jammed", "failed")
        assert (ended.state, len(ended.passes)) == ("shipped", 2), ended.why
        verdicts = floor.told(VerdictReached)
        assert not [fact.evidence for fact in verdicts if fact.satisfied is None], "none is void"
        judged = [(fact.visit, fact.scenario, fact.index) for fact in verdicts]
        assert len(judged) == len(set(judged)), "none counts twice"
        trims = [fact for fact in verdicts if fact.number == 1 and not fact.satisfied]
        assert all("Hello" in fact.evidence for fact in trims), "no product is blamed for the engine"
    assert daemon.containers() == []


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_a_live_model_is_not_moved_into_cells_without_a_fence(
    tmp_path: Path, cell_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, playbooks = make(tmp_path, kind="docker", image=cell_image)
    nowhere = 'key_env = "GREETER_KEY"\nbase_url = "http://127.0.0.1:9"'
    workspace.config.write_text(workspace.config.read_text().replace('key_env = "GREETER_KEY"', nowhere))
    monkeypatch.setenv("GREETER_KEY", "sk-none")
    async with Floor(workspace, playbooks) as floor:
        await floor.link.command(StartRun("greeter", ledger="live"))
        await floor.fact(CellStarted)
        (run,) = floor.state.runs
        await floor.command(Pause(run, now=True))
        await floor.reach(run, "paused", "held")
    workspace.config.write_text(workspace.config.read_text().replace('kind = "docker"', 'kind = "process"'))
    async with Floor(workspace, playbooks) as floor:
        await floor.command(Resume(run))
        held = await floor.fact(RunMoved, lambda fact: fact.state == "held")
        assert isinstance(held.fact, RunMoved)
        assert held.fact.reason == "config"
        assert held.fact.why.startswith("the cells here have no fence, and its model is live. Remedy: ")
        assert not floor.told(CellStarted)


async def chattr(flag: str, path: Path) -> int:
    return await (await asyncio.create_subprocess_exec("chattr", flag, path)).wait()


@pytest.mark.docker
@pytest.mark.timeout(240)
@pytest.mark.parametrize("daemon", [False], indirect=True, ids=["plain"])
async def test_a_container_that_cannot_be_removed_is_told_and_keeps_nobody_from_work(
    tmp_path: Path, daemon: Daemon
) -> None:
    """As with a file system that holds on to it; here a file that not even root may unlink."""
    workspace, playbooks = make(tmp_path, kind="docker", image=daemon.image())
    names = []
    with closing(connect()) as client:
        for _ in range(2):
            made = client.containers.create(
                daemon.image(), ["true"], labels={"factory-tui.workspace": workspace.identity}
            )
            names.append(str(made.id))
    held = daemon.folder / "data" / "containers" / names[0] / "hostconfig.json"
    if await chattr("+i", held):
        unmet("no file can be made immutable there")
    try:
        async with Floor(workspace, playbooks) as floor:
            told = await floor.fact(Noticed, lambda fact: "cannot remove" in str(fact))
            assert names[0][:12] in str(told.fact)
            assert "cells rm" in str(told.fact)
            run = await floor.start()
            await floor.reach(run, "shipped")
        code, said = await asked(workspace, "cells", "rm", names[0][:12], "--yes")
        assert (code, f"cannot remove the container {names[0][:12]}" in said) == (FAILED, True), said
        assert daemon.containers() == [names[0]]
    finally:
        await chattr("-i", held)
    code, said = await asked(workspace, "cells", "rm", names[0][:12], "--yes")
    assert (code, said) == (SHIPPED, "1 removed\n")
