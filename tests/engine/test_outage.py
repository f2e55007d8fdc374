"""An endpoint in trouble: its runs are held with the time until they come back, by themselves or by a word."""

import time
from pathlib import Path

import pytest

from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import Resume, StartRun
from factory_tui.domain.events import RunMoved
from factory_tui.domain.state import Run
from factory_tui.model import door
from tests.engine.floor import Floor
from tests.engine.greeter import make
from tests.model.endpoint import Endpoint, status

QUOTA = status(429, "daily quota", headers={"retry-after": "3600"})
HOUR = 3_600_000


def live(tmp_path: Path, url: str, more: str = "") -> tuple[Workspace, Path]:
    """A workspace whose model is at that address."""
    workspace, playbooks = make(tmp_path)
    config = workspace.config.read_text()
    at_it = config.replace("[models.default]", f'[models.default]\nbase_url = "{url}"')
    workspace.config.write_text(at_it + more)
    return workspace, playbooks


@pytest.fixture(autouse=True)
def key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREETER_KEY", "sk-any-key")


async def held(floor: Floor) -> Run:
    """The run that is started there, once it is held."""
    await floor.command(StartRun("greeter", ledger="live", unfenced=True))
    return await floor.reach("greeter-1", "held")


def holds(floor: Floor) -> list[str]:
    """Why it was held, each time."""
    return [moved.why for moved in floor.told(RunMoved) if moved.state == "held"]


async def test_a_run_is_held_until_the_endpoint_said_and_asked_at_once_when_somebody_knows_better(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    endpoint.script = [QUOTA, status(400, "it is back")]
    async with Floor(*live(tmp_path, endpoint.url)) as floor:
        run = await held(floor)
        assert run.reason == "provider"
        assert run.retry_at is not None
        assert 0 < run.retry_at - time.time_ns() // 1_000_000 <= HOUR
        await floor.command(Resume(run.id))
        await floor.until(lambda _: len(holds(floor)) == 2)
        assert "it is back" in holds(floor)[-1]


async def test_a_run_whose_endpoint_is_back_goes_on_by_itself(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_OUTAGE", 0.2)
    endpoint.script = [status(529, "overloaded"), status(400, "it is back")]
    async with Floor(*live(tmp_path, endpoint.url, "[agent]\nattempts = 1\n")) as floor:
        await held(floor)
        await floor.until(lambda _: len(holds(floor)) == 2)
        assert ["overloaded" in holds(floor)[0], "it is back" in holds(floor)[1]] == [True, True]


async def test_where_somebody_is_to_say_when_the_run_waits_and_says_from_when_on(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    endpoint.script = [QUOTA]
    async with Floor(*live(tmp_path, endpoint.url, '[policy]\noutage = "ask"\n')) as floor:
        run = await held(floor)
        assert run.retry_at is None
        assert "daily quota; worth a try from" in run.why
