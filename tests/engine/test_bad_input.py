"""What a person gets wrong is answered by file, line, key and remedy, through the real command line."""

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory_tui.config.workspace import Workspace
from tests.engine.floor import ROOT
from tests.engine.greeter import make

if TYPE_CHECKING:
    from docker import DockerClient

Spoil = Callable[[Workspace], object]


class Ground:
    """A workspace whose engine runs, and its command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace, self.playbooks = make(folder)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        self.env |= {"HOME": str(folder), "PYTHONPATH": str(ROOT)}
        self.env.pop("GREETER_KEY", None)

    def call(self, *arguments: str, **env: str) -> tuple[int, str]:
        """Its exit code and all that it said."""
        done = subprocess.run(
            [sys.executable, "-m", "factory_tui", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.env | env,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout.decode()

    def at(self, *arguments: str, **env: str) -> tuple[int, str]:
        """A call on this workspace."""
        return self.call(*arguments, "--workspace", str(self.workspace.root), **env)

    def run(self, seed: str = "greeter", **env: str) -> tuple[int, str]:
        return self.at("run", seed, "--plain", "--rehearsals", str(self.playbooks), **env)


@pytest.fixture(scope="module")
def served() -> Iterator[Ground]:
    with tempfile.TemporaryDirectory(prefix="bad") as folder:  # short, for the socket
        ground = Ground(Path(folder))
        shutil.copytree(ground.workspace.root, Path(folder) / "good")
        code, said = ground.at("engine", "start", "--rehearsals", str(ground.playbooks))
        assert code == 0, said
        yield ground
        assert ground.at("engine", "stop")[0] == 0


@pytest.fixture
def ground(served: Ground) -> Iterator[Ground]:
    """The same with everything in order again afterwards."""
    yield served
    for name in ("seeds", "loops", "scenarios"):
        shutil.rmtree(served.workspace.root / name)
        shutil.copytree(served.folder / "good" / name, served.workspace.root / name)
    shutil.copy(served.folder / "good" / "config.toml", served.workspace.config)


@pytest.fixture
def unserved() -> Iterator[Ground]:
    with tempfile.TemporaryDirectory(prefix="bad") as folder:
        ground = Ground(Path(folder))
        yield ground
        assert ground.at("engine", "stop")[0] == 0


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def seed(text: bytes) -> Spoil:
    return lambda w: (w.seeds / "greeter.md").write_bytes(text)


def both(w: Workspace) -> None:
    (w.seeds / "greeter").mkdir()
    shutil.copy(w.seeds / "greeter.md", w.seeds / "greeter" / "seed.md")


def linked(w: Workspace) -> None:
    both(w)
    (w.seeds / "greeter.md").unlink()
    (w.seeds / "greeter" / "users").symlink_to("/etc/passwd")


def without_vault(w: Workspace) -> None:
    for path in (w.scenarios / "greeter").glob("*.toml"):
        edit(path, 'set = "vault"', 'set = "feedback"') if 'set = "vault"' in path.read_text() else None


CASES: dict[str, tuple[Spoil, list[str]]] = {
    "an unknown key": (
        lambda w: edit(w.config, "slots", "slot"),
        ["config.toml:3: engine.slot: unknown key `slot`", "Remedy: "],
    ),
    "a wrong type": (
        lambda w: edit(w.config, "slots = 4", 'slots = "four"'),
        ["config.toml:3: engine.slots: expected a whole number", "Remedy: "],
    ),
    "no TOML": (lambda w: edit(w.config, "slots = 4", "slots ="), ["config.toml:3", "Remedy: "]),
    "no DOT": (
        lambda w: edit(w.loops / "factory.dot", "shape=Mdiamond", "shape="),
        ["loops/factory.dot:13:18", "expected a value"],
    ),
    "no such seed": (
        lambda w: (w.seeds / "greeter.md").rename(w.seeds / "other.md"),
        ["seeds/greeter.md", "there is no seed `greeter`", "Remedy: ", "other"],
    ),
    "a seed without an owner": (seed(b"+++\nship_at = 0.7\n+++\nGreet.\n"), ["seeds/greeter.md:2: owner", "Remedy: "]),
    "an empty seed": (seed(b""), ["seeds/greeter.md:1", "the seed is empty", "Remedy: "]),
    "a seed in Latin-1": (
        seed(b'+++\nowner = "demo"\n+++\nGr\xfc\xdfe\n'),
        ["seeds/greeter.md:4", "0xfc, is not UTF-8", "Remedy: "],
    ),
    "a file and a folder": (both, ["seeds/greeter/ and seeds/greeter.md are one name", "Remedy: "]),
    "a case twin": (
        lambda w: shutil.copy(w.seeds / "greeter.md", w.seeds / "Greeter.md"),
        ["seeds/Greeter.md and seeds/greeter.md are one name", "Remedy: "],
    ),
    "a link out of the seed": (linked, ["seeds/greeter/users", "leads out of its folder", "Remedy: "]),
    "no vault": (without_vault, ["scenarios/greeter", "no vault", "Remedy: "]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_named_with_its_place_and_its_remedy(ground: Ground, case: str) -> None:
    spoil, wanted = CASES[case]
    spoil(ground.workspace)
    code, said = ground.run()
    assert code == 2, said
    for words in wanted:
        assert words in said
    assert "Traceback" not in said


def test_a_seed_with_spaces_is_offered_a_name(ground: Ground) -> None:
    shutil.copy(ground.workspace.seeds / "greeter.md", ground.workspace.seeds / "my seed.md")
    code, said = ground.run("my seed")
    assert code == 2
    assert "seeds/my seed.md" in said
    assert "`my-seed`" in said


def test_a_scenario_folder_without_a_seed_is_found_by_the_doctor(ground: Ground) -> None:
    (ground.workspace.scenarios / "ghost").mkdir()
    code, said = ground.at("doctor")
    assert code == 1
    assert "scenarios/ghost: there is no seed `ghost`" in said


def test_the_doctor_names_line_and_key_of_every_mistake(ground: Ground) -> None:
    seeds, scenarios = ground.workspace.seeds, ground.workspace.scenarios
    (seeds / "other.md").write_text('+++\nowner = "demo"\nship_at = "high"\n+++\nGreet.\n')
    shutil.copytree(scenarios / "greeter", scenarios / "other")
    first = min((scenarios / "greeter").glob("*.toml"))
    first.write_text(f"zork = 1\n{first.read_text()}")
    code, said = ground.at("doctor")
    assert code == 1
    assert "seeds/other.md:3: ship_at: expected a number" in said
    assert f"scenarios/greeter/{first.name}:1: zork: unknown key" in said
    assert "there is no seed" not in said


def test_a_misspelt_attribute_of_a_loop_is_named_by_the_doctor_and_when_a_run_begins(ground: Ground) -> None:
    edit(ground.workspace.loops / "factory.dot", "max_retries=3", "max_retires=3")
    place = "loops/factory.dot:32:21: warning: the attribute 'max_retires' does nothing ('max_retries' is what it is"
    _, said = ground.at("doctor")
    assert place in said
    _, said = ground.run()
    assert said.count(place) == 1


def test_a_model_that_came_after_the_engine_began_can_be_used(ground: Ground) -> None:
    with ground.workspace.config.open("a") as config:
        config.write('[models.late]\nid = "claude-haiku-4-5"\n')
    code, said = ground.at("run", "greeter", "--plain", "--model", "late", "--rehearsals", str(ground.playbooks))
    assert code == 0, said


def test_the_doctor_has_a_remedy_for_what_the_machine_lacks(ground: Ground) -> None:
    code, said = ground.at("doctor", "--json", DOCKER_HOST="unix:///nowhere/docker.sock", PATH="/nowhere")
    assert code == 1
    found = {one["what"]: one for one in json.loads(said)}
    assert {what: one["found"] for what, one in found.items() if not one["well"]}.keys() == {
        "git",
        "docker",
        "bubblewrap",
    }
    assert "install git" in found["git"]["remedy"]
    assert found["docker"]["found"] == "no Docker engine answers"
    assert "set DOCKER_HOST" in found["docker"]["remedy"]
    assert "UNFENCED" in found["docker"]["remedy"]
    assert "GREETER_KEY is not set" in found["model default"]["found"]
    assert "set it before the engine starts" in found["model default"]["remedy"]
    assert found["seed greeter"]["well"]
    assert all(one["found"] for one in found.values())
    assert "key is set" in ground.at("doctor", GREETER_KEY="sk-of-a-test")[1]


@pytest.mark.parametrize(
    ("does", "found"),
    [
        ("echo git version 2.20.1", "2.20.1"),
        ("echo git of our own", "tells no version"),
        ("echo no developer tools were found >&2; exit 1", "git version: no developer tools were found."),
    ],
)
def test_the_doctor_has_a_remedy_for_a_git_that_will_not_do(
    ground: Ground, tmp_path: Path, does: str, found: str
) -> None:
    (git := tmp_path / "shim" / "git").parent.mkdir()
    git.write_text(f"#!/bin/sh\n{does}\n")
    git.chmod(0o755)
    code, said = ground.at("doctor", "--json", PATH=f"{git.parent}:{os.environ['PATH']}")
    assert code == 1
    told = next(one for one in json.loads(said) if one["what"] == "git")
    assert (told["well"], told["found"]) == (False, found)
    assert told["remedy"].startswith("install git")


@pytest.mark.docker
def test_the_doctor_says_what_becomes_of_an_image_that_is_missing(
    ground: Ground, docker_engine: "DockerClient"
) -> None:
    edit(ground.workspace.config, 'image = "factory-cell"', 'image = "factory-tui-test:nowhere"')
    _, said = ground.at("doctor")
    assert "✓ docker: engine " in said
    assert "image: factory-tui-test:nowhere is not here\n  Remedy: none needed: it is pulled, or made" in said


def test_the_doctor_walks_the_journal_of_a_living_engine_and_names_a_broken_row(unserved: Ground) -> None:
    assert unserved.at("engine", "start", "--rehearsals", str(unserved.playbooks))[0] == 0
    _, said = unserved.at("doctor")
    assert re.search(r"✓ journal: [1-9]\d* events, the chain is whole\n", said)
    assert unserved.at("engine", "stop")[0] == 0
    before = sorted(path.name for path in unserved.workspace.state.iterdir())
    with closing(sqlite3.connect(unserved.workspace.state / "journal.db")) as database, database:
        database.execute("UPDATE event SET actor = 'mallory' WHERE seq = 2")
    code, said = unserved.at("doctor")
    assert code == 1
    assert "✗ journal: seq 2: the row, or its place, is not what was written" in said
    assert (
        "  Remedy: what stands before seq 2 can be trusted, the rest cannot; factory-tui journal restore BACKUP" in said
    )
    assert sorted(path.name for path in unserved.workspace.state.iterdir()) == before


def test_a_live_model_without_a_key_and_a_second_engine_are_refused(ground: Ground) -> None:
    code, said = ground.at("run", "greeter", "--plain", "--live")
    assert (code, "GREETER_KEY is not set" in said) == (2, True), said
    code, said = ground.at("engine", "run")
    assert code == 1
    assert "another engine (process" in said
    assert "factory-tui engine stop" in said


def test_without_docker_rehearsals_go_on_unfenced_and_a_live_model_is_refused(unserved: Ground) -> None:
    edit(unserved.workspace.config, '"process"', '"auto"')
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock", "GREETER_KEY": "k"}
    code, said = unserved.at("run", "greeter", "--plain", "--live", **nowhere)
    assert code == 2, said
    assert "refused where no fence holds" in said
    assert "--unfenced" in said
    _, status = unserved.at("status")
    assert "cells: process" in status


def test_docker_that_was_asked_for_and_is_not_there_is_named(unserved: Ground) -> None:
    edit(unserved.workspace.config, '"process"', '"docker"')
    code, said = unserved.run(DOCKER_HOST="unix:///nowhere/docker.sock")
    assert code == 1
    assert "Docker" in said
    assert "Traceback" not in said


def test_without_git_nothing_is_begun(unserved: Ground) -> None:
    code, said = unserved.run(PATH="/nowhere")
    assert code == 2, said
    assert "install git" in said


def test_a_stale_socket_is_cleared_away(unserved: Ground) -> None:
    unserved.workspace.state.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(unserved.workspace.socket))
    assert unserved.at("engine", "start")[0] == 0
    assert unserved.at("engine", "status")[0] == 0


def test_a_socket_path_that_is_too_long_falls_back(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 20)
    deep.mkdir()
    ground = Ground(deep)
    runtime = os.environ["XDG_RUNTIME_DIR"]
    assert ground.at("engine", "start", XDG_RUNTIME_DIR=runtime)[0] == 0
    try:
        assert ground.at("engine", "status", XDG_RUNTIME_DIR=runtime)[0] == 0
        assert not list(ground.workspace.state.glob("*.sock"))
    finally:
        assert ground.at("engine", "stop", XDG_RUNTIME_DIR=runtime)[0] == 0


def test_a_port_in_use_is_named(unserved: Ground) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        playbook = unserved.playbooks / "greeter.toml"
        code, said = unserved.call("twin", "messages", "--playbook", str(playbook), "--port", str(port))
    assert code == 1
    assert f"port {port} on 127.0.0.1 cannot be had" in said
    assert "--port 0" in said


@pytest.mark.parametrize("engine", [True, False])
def test_scenarios_that_judge_another_revision_are_found_and_can_be_confirmed(
    request: pytest.FixtureRequest, *, engine: bool
) -> None:
    ground: Ground = request.getfixturevalue("ground" if engine else "unserved")
    vault = ground.workspace.scenarios / "greeter" / "percent.toml"
    vault.write_text('reviewed_for = "000000000000"  # by ana\n' + vault.read_text())
    code, said = ground.at("scenarios", "check")
    assert code == 0, said
    assert "warning: scenarios/greeter/percent.toml:1: reviewed_for: `000000000000` is not the seed's" in said
    code, said = ground.at("scenarios", "confirm", "greeter")
    assert code == 0, said
    assert "# by ana" in vault.read_text()
    assert json.loads(ground.at("scenarios", "check", "greeter", "--json")[1]) == []
    edit(vault, 'set = "vault"', 'set = "volt"')
    code, said = ground.at("scenarios", "check", "greeter")
    assert code == 1
    assert "error: scenarios/greeter/percent.toml:4: set: `volt` is not one of" in said
    assert ground.at("scenarios", "confirm", "nobody")[0] == 2
