"""What the engine's tests share: a home of their own, an endpoint, and a Docker engine that may be killed."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from factory_tui.cells import connection
from tests.conftest import unmet
from tests.engine.daemon import Daemon
from tests.model.endpoint import Endpoint


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="home") as folder:
        monkeypatch.setenv("HOME", folder)
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "GREETER_KEY", "ANTHROPIC_API_KEY"):
            monkeypatch.delenv(name, raising=False)
        yield Path(folder)


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture
async def daemon(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Daemon]:
    """A Docker engine that may be killed; `request.param`: whether its containers live on without it."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("dockerd", "ip"))):
        unmet("no dockerd with a bridge of its own can be started")
    daemon = Daemon(Path(tempfile.mkdtemp(prefix="ftd-", dir="/tmp")), live_restore=request.param)
    monkeypatch.setenv("DOCKER_HOST", daemon.host)
    monkeypatch.setattr(connection, "_AGAIN", (0.0, 0.2, 0.5))  # else each outage is waited for seven seconds
    try:
        await daemon.start()
        yield daemon
    finally:
        await daemon.close()
