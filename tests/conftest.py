"""What tests of several floors share: Docker, a cell image, a small disk, and the proof that nothing is left behind."""

from __future__ import annotations

import gc
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import venv
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory_tui.cells.bubblewrap import Bubble
    from factory_tui.cells.client import Engine

pytest.register_assert_rewrite("tests.conformance")
gc.set_threshold(100_000, 50, 100)  # by default it looks through a console's widgets for a fifth of a test's time

for _number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN:  # by nohup or a shell's `&`: programs that tests start inherit that
        signal.signal(_number, lambda *_: None)  # but no handler


def unmet(what: str) -> NoReturn:
    """What the test needs is not on this machine: it is skipped, or fails under FACTORY_REQUIRE_DOCKER=1."""
    if os.environ.get("FACTORY_REQUIRE_DOCKER") == "1":
        pytest.fail(f"FACTORY_REQUIRE_DOCKER=1, and {what}")
    pytest.skip(what)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """32 MiB that are a file system of their own, which only root can make."""
    became = [] if os.geteuid() == 0 or shutil.which("sudo") is None else ["sudo", "-n"]
    options = f"size=32m,uid={os.geteuid()}"
    with tempfile.TemporaryDirectory(prefix="disk") as folder:
        mount = [*became, "mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        mounted = subprocess.run(mount, capture_output=True, check=False)
        if mounted.returncode:
            unmet(f"no file system can be mounted: {mounted.stderr.decode()}")
        yield Path(folder)
        subprocess.run([*became, "umount", "-l", folder], check=True)


@pytest.fixture(scope="session")
def sshd_program() -> str:
    """OpenSSH's server, which starts by its whole path only; without it and its client as without Docker."""
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None or not shutil.which("ssh") or not shutil.which("ssh-keygen"):
        unmet("no sshd with its client and ssh-keygen is installed")
    return found


@pytest.fixture(scope="session")
def root_program() -> list[str]:
    """How this user becomes root, to start a Docker engine of its own; without a way as without Docker."""
    lacking = [name for name in ("dockerd", "docker", "openssl", "ip") if shutil.which(name) is None]
    if lacking:
        unmet(f"there is no {lacking[0]}")
    if os.geteuid() == 0:
        return []
    became = ["sudo", "-n"]
    if shutil.which("sudo") is None or subprocess.run([*became, "true"], capture_output=True, check=False).returncode:
        unmet("this user cannot become root, who alone may start a second Docker engine")
    return became


@pytest.fixture(scope="session")
def bubble() -> Bubble:
    """bubblewrap as it works here; where it does not, as without Docker."""
    from factory_tui.cells.bubblewrap import look

    found = look()
    if isinstance(found, str):
        unmet(found)
    return found


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where there is a python3 without packages: where it has many, it starts several times as slowly."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    return folder / "bin"


@pytest.fixture
def quick_python(bare_python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The python3 of process cells is one that starts quickly."""
    from factory_tui.cells import process

    monkeypatch.setattr(process, "_PYTHON", bare_python)


@pytest.fixture(scope="session")
def tmux_program() -> str:
    """tmux; without it as without Docker."""
    found = shutil.which("tmux")
    if found is None:
        unmet("no tmux is installed")
    return found


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """A client of a Docker engine; without one the test is skipped, or fails under FACTORY_REQUIRE_DOCKER=1."""
    from factory_tui.cells.docker import connect
    from factory_tui.cells.protocol import CellError

    try:
        client = connect()
    except CellError as error:
        unmet(str(error))
    yield client
    client.close()


@pytest.fixture(scope="session")
def cell_image(docker_engine: Engine) -> str:
    """An image for cells, made once from this host's files; workers of a parallel run share it."""
    from factory_tui.cells.images import ensure

    return ensure(docker_engine, os.environ.get("FACTORY_TEST_IMAGE", ""))


@pytest.fixture(scope="class")
def docker_workspace(docker_engine: Engine) -> Iterator[str]:
    """A workspace label of its own; fails when a container of it is left."""
    name = f"test-{secrets.token_hex(6)}"
    yield name
    left = docker_engine.containers.list(all=True, filters={"label": f"factory-tui.workspace={name}"})
    for container in left:
        container.remove(force=True)
    assert not left, "containers were left behind"


@pytest.fixture(autouse=True)
def containers_of_its_workspaces(request: pytest.FixtureRequest) -> Iterator[None]:
    """A run that rests keeps its container when its engine stops, to go on in it; nobody does once the test is over."""
    if request.node.get_closest_marker("docker") is None or "tmp_path" not in request.fixturenames:
        yield
        return
    folder: Path = request.getfixturevalue("tmp_path")
    yield
    identities = [path.read_text().strip() for path in folder.glob("**/.factory/id")]
    if identities:
        remove_containers(identities)


def remove_containers(identities: list[str]) -> None:
    """Those of these workspaces, from the machine's engine."""
    from factory_tui.cells.docker import connect
    from factory_tui.cells.protocol import CellError

    try:
        client = connect()
    except CellError:
        return
    with closing(client):
        for identity in identities:
            for left in client.containers.list(all=True, filters={"label": f"factory-tui.workspace={identity}"}):
                left.remove(force=True)
