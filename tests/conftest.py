"""What tests of several floors share: a Docker engine, a cell image, and the proof that nothing is left behind."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

pytest.register_assert_rewrite("tests.conformance.cells")


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerClient]:
    """A client of a Docker engine; without one the test is skipped, or fails under FACTORY_REQUIRE_DOCKER=1."""
    from factory_tui.cells.docker import connect
    from factory_tui.cells.protocol import CellError

    try:
        client = connect()
    except CellError as error:
        if os.environ.get("FACTORY_REQUIRE_DOCKER") == "1":
            pytest.fail(f"FACTORY_REQUIRE_DOCKER=1, and {error}")
        pytest.skip(str(error))
    yield client
    client.close()


@pytest.fixture(scope="session")
def cell_image(docker_engine: DockerClient) -> str:
    """An image for cells, made once from this host's files; workers of a parallel run share it."""
    from factory_tui.cells.images import ensure

    return ensure(docker_engine, os.environ.get("FACTORY_TEST_IMAGE", ""))


@pytest.fixture(scope="class")
def docker_workspace(docker_engine: DockerClient) -> Iterator[str]:
    """A workspace label of its own; fails when a container of it is left."""
    name = f"test-{secrets.token_hex(6)}"
    yield name
    left = docker_engine.containers.list(all=True, filters={"label": f"factory-tui.workspace={name}"})
    for container in left:
        container.remove(force=True)
    assert not left, "containers were left behind"
