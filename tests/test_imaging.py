"""Images from the command line: made from this host's files with tools, listed, removed."""

from __future__ import annotations

import json
import secrets
import sys
from typing import TYPE_CHECKING, Any

import pytest

from factory_tui.cells.building import BUILT, MARK
from factory_tui.cells.stock import Stocked, stock, unused
from factory_tui.cli import main
from factory_tui.following import FAILED, SHIPPED, USAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory_tui.cells.client import Engine

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No workspace is here."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def spare(docker_engine: Engine) -> Iterator[str]:
    """An image of ours that nobody uses."""
    tag = secrets.token_hex(8)
    name = f"{BUILT}:{tag}"
    docker_engine.api.import_image_from_data(
        bytes(10240), repository=BUILT, tag=tag, changes=[f"LABEL {MARK}=seed only={tag}"]
    )
    yield name
    if name in tags(docker_engine):
        docker_engine.images.remove(name)


def tags(client: Engine) -> set[str]:
    return {tag for image in client.images.list() for tag in image.tags}


def tags_of(client: Engine, name: str) -> set[str]:
    return set(client.images.get(name).tags)


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("elsewhere")
def test_an_image_is_made_with_tools_that_work_in_it(docker_engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"factory-tui-test:{secrets.token_hex(6)}"
    try:
        assert main(["image", "bootstrap", "--with", "ruff,mypy", "--with", "git", "--tag", name, "--json"]) == SHIPPED
        made = told(capsys)
        assert made["image"] == name
        assert list(made["tools"]) == ["ruff", "mypy", "git"]
        assert made["tools"]["mypy"].startswith("mypy ")
        assert made["trouble"] == []
        image = docker_engine.images.get(name)
        assert image.labels[MARK] == "host"
        main(["image", "bootstrap", "--with", "git,mypy,ruff", "--json"])
        assert tags_of(docker_engine, told(capsys)["image"]) == set(image.tags), "made once, in whatever order"
    finally:
        docker_engine.images.remove(name)
        for tag in set(image.tags) - {name}:
            docker_engine.images.remove(tag)


@pytest.mark.usefixtures("elsewhere")
def test_what_is_not_here_is_named_with_its_remedy_and_nothing_is_made(
    docker_engine: Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = tags(docker_engine)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["image", "bootstrap", "--with", "node,git"]) == FAILED
    said = capsys.readouterr().err
    assert "node is not on this host's PATH. Remedy: install it" in said
    assert "git is not on this host's PATH" in said
    assert main(["image", "bootstrap", "--with", "emacs"]) == USAGE
    assert "Remedy: of ruff, mypy, bandit, git, node" in capsys.readouterr().err
    assert tags(docker_engine) == before


@pytest.mark.usefixtures("elsewhere")
def test_a_python_that_is_none_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake = tmp_path / "python3"
    fake.write_text("#!/bin/sh\necho 'no snake' >&2\nexit 1\n")
    fake.chmod(0o755)
    for named in (fake, tmp_path / "none"):
        assert main(["image", "bootstrap", "--python", str(named)]) == FAILED
        assert f"{named} is no Python to make an image from" in capsys.readouterr().err


@pytest.mark.usefixtures("elsewhere")
def test_images_are_listed_and_removed_by_name(
    docker_engine: Engine, spare: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["image", "ls", "--json"]) == SHIPPED
    assert spare in {one["name"] for one in told(capsys)}
    assert main(["image", "ls"]) == SHIPPED
    assert spare in capsys.readouterr().out
    assert main(["image", "rm", spare]) == USAGE, "nobody is there to be asked"
    assert spare in tags(docker_engine)
    assert main(["image", "rm", "--yes", spare]) == SHIPPED
    assert spare not in tags(docker_engine)


@pytest.mark.usefixtures("elsewhere")
def test_no_image_of_others_can_be_removed(
    docker_engine: Engine, cell_image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"factory-tui-test:{secrets.token_hex(6)}"
    docker_engine.images.get(cell_image).tag(name)  # it has our label
    try:
        assert name not in {one.name for one in stock(docker_engine)}
        assert main(["image", "rm", "--yes", name]) == FAILED
        assert f"there is no image {name} of ours" in capsys.readouterr().err
        assert name in tags(docker_engine)
    finally:
        docker_engine.images.remove(name)


@pytest.mark.usefixtures("elsewhere")
def test_an_image_in_use_stays(docker_engine: Engine, spare: str, capsys: pytest.CaptureFixture[str]) -> None:
    container = docker_engine.containers.create(spare, ["true"])
    try:
        assert main(["image", "rm", "--yes", spare]) == FAILED
        assert "is in use by" in capsys.readouterr().err
        assert spare in tags(docker_engine)
    finally:
        container.remove()


def test_what_is_used_configured_or_newest_of_the_host_is_never_chosen() -> None:
    def one(name: str, made: str, used: int = 0) -> Stocked:
        return Stocked(name, made, "", 1, 1, used)

    found = [one("new", "host"), one("old", "host"), one("mine", "host"), one("a", "seed"), one("b", "seed", 2)]
    assert [item.name for item in unused(found, keep="mine")] == ["old", "a"]


def test_this_python_is_the_default() -> None:
    from factory_tui.cells.tools import python

    assert python().version == sys.version_info[:2]
