"""The workspace: found, named, held by one engine, and copied whole."""

import multiprocessing
import os
import socket
import stat
import tempfile
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from factory_tui.config.reading import Mistakes
from factory_tui.config.workspace import SOCKET_LIMIT, Workspace, bundled, copy_bundled


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    (home / "run").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    return home


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "ws"
    (root / "seeds" / "deep").mkdir(parents=True)
    (root / "config.toml").touch()
    return Workspace(root)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_found_from_any_folder_inside(workspace: Workspace) -> None:
    assert Workspace.find(workspace.seeds / "deep").root == workspace.root
    (workspace.seeds / "deep" / "config.toml").touch()  # somebody else's: no seeds beside it
    assert Workspace.find(workspace.seeds / "deep").root == workspace.root


def test_where_none_is_the_remedy_is_told(tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match=r"no workspace here.*Remedy: Make one with `factory-tui init`"):
        Workspace.find(tmp_path)


def test_its_identity_is_drawn_once(workspace: Workspace, tmp_path: Path) -> None:
    first = workspace.identity
    assert len(first) == 16
    assert Workspace(workspace.root).identity == first
    assert Workspace(tmp_path / "ws").identity == first
    assert mode(workspace.state) == 0o700
    (workspace.state / "id").write_text("../../etc\n")
    with pytest.raises(Mistakes, match="not the workspace's identity"):
        _ = workspace.identity


def test_the_socket_is_in_the_state_folder_while_its_path_is_short(home: Path) -> None:
    assert Workspace(Path("/w")).socket == Path("/w/.factory/engine.sock")


def test_a_long_path_takes_the_socket_to_the_users_runtime_folder(tmp_path: Path, home: Path) -> None:
    root = tmp_path / ("long" * 25)
    root.mkdir()
    workspace = Workspace(root)
    socket = workspace.socket
    assert len(os.fsencode(socket)) <= SOCKET_LIMIT
    assert socket.name == f"{workspace.identity}.sock"
    assert mode(socket.parent) == 0o700
    assert Workspace(root).socket == socket


def test_a_session_with_another_runtime_folder_finds_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / ("long" * 20))
    workspace.root.mkdir()
    with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
        monkeypatch.setenv("XDG_RUNTIME_DIR", here)
        listens_at = workspace.socket
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(listens_at))
        workspace.tell_socket()
        monkeypatch.setenv("XDG_RUNTIME_DIR", there)
        assert workspace.socket == listens_at
        listens_at.unlink()
        assert workspace.socket.parent == Path(there) / "factory-tui", "nobody is there any more"


def test_a_runtime_folder_of_somebody_else_is_refused(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / ("long" * 25)
    root.mkdir()
    runtime = Path(f"/tmp/factory-tui-test-{os.getpid()}")
    runtime.mkdir()
    try:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
        (runtime / "factory-tui").symlink_to(home)
        with pytest.raises(Mistakes, match="is not a folder of this user"):
            _ = Workspace(root).socket
    finally:
        (runtime / "factory-tui").unlink()
        runtime.rmdir()


def test_keys_live_outside_for_this_user_only(
    workspace: Workspace, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workspace.keys == home / ".local" / "state" / "factory-tui" / workspace.identity
    assert mode(workspace.keys) == 0o700
    monkeypatch.setenv("XDG_STATE_HOME", str(workspace.root / "state"))
    with pytest.raises(Mistakes, match=r"inside the workspace\. Remedy: Set XDG_STATE_HOME"):
        _ = workspace.keys


def _hold(root: Path, pipe: Connection) -> None:
    with Workspace(root).hold():
        pipe.send(os.getpid())
        pipe.recv()


def test_a_second_engine_is_told_who_holds_it(workspace: Workspace) -> None:
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    engine = context.Process(target=_hold, args=(workspace.root, theirs))
    engine.start()
    try:
        assert pipe.poll(30)
        pid = pipe.recv()
        with pytest.raises(Mistakes, match=rf"process {pid}\) holds this workspace\. Remedy: .*engine stop"):
            workspace.hold()
    finally:
        engine.kill()
        engine.join()
    with workspace.hold():  # a killed engine holds nothing
        assert (workspace.state / "lock").read_text() == f"{os.getpid()}\n"
    workspace.hold().release()


def test_who_only_looked_is_waited_for(workspace: Workspace) -> None:
    looking = workspace.hold()
    threading.Timer(0.2, looking.release).start()
    workspace.hold().release()


def test_the_bundled_workspace_is_copied_into_an_empty_folder(tmp_path: Path) -> None:
    copied = copy_bundled(tmp_path / "new" / "ws")
    assert copied.config.read_bytes() == (bundled() / "config.toml").read_bytes()
    assert copied.standards.is_file()
    assert not copied.state.exists()
    with pytest.raises(Mistakes, match=r"not an empty folder\. Remedy: "):
        copy_bundled(copied.root)
