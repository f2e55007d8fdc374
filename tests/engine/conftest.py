"""A home of its own for every test: keys, sockets and git's configuration come from nowhere else."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

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
