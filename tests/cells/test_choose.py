"""Which cells a workspace gets, and the images they are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from factory_tui.cells import images
from factory_tui.cells.choose import choose
from factory_tui.cells.docker import connect
from factory_tui.cells.protocol import CellError, NoEngine, NoImage, NoPermission
from tests.cells.engines import engine_that

if TYPE_CHECKING:
    from pathlib import Path

    from factory_tui.cells.client import Engine
    from factory_tui.cells.reach import Address


async def test_without_an_engine_processes_are_chosen_and_why_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    cells, why = await choose("w", tmp_path, bubblewrap=False)
    assert (cells.kind, cells.fenced) == ("process", False)
    assert why.startswith("no Docker engine answers")
    with pytest.raises(NoEngine):
        await choose("w", tmp_path, kind="docker")


async def test_an_engine_that_answers_and_fails_is_as_good_as_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def fail(request: web.BaseRequest) -> web.Response:
        if request.path == "/_ping":
            return web.Response(text="OK", headers={"Api-Version": "1.44"})
        return web.json_response({"message": "no room for that"}, status=500)

    async with engine_that(fail) as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        cells, why = await choose("w", tmp_path, bubblewrap=False)
        assert (cells.kind, "no room for that" in why, "Remedy" in why) == ("process", True, True)
        with pytest.raises(CellError, match=r"no room for that.*Remedy"):
            await choose("w", tmp_path, kind="docker")


def test_who_may_not_talk_to_docker_is_told_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    def shut(_: Address) -> bytes:
        raise PermissionError

    monkeypatch.setattr("factory_tui.cells.knock._ping", shut)
    with pytest.raises(NoPermission, match="Remedy: sudo usermod -aG docker"):
        connect()


async def test_processes_can_be_asked_for(tmp_path: Path) -> None:
    cells, why = await choose("w", tmp_path, kind="process")
    assert cells.kind == "process"
    assert why.startswith("process cells were asked for; ")


@pytest.mark.docker
async def test_with_an_engine_docker_is_chosen(cell_image: str, tmp_path: Path) -> None:
    cells, why = await choose("w", tmp_path, image=cell_image)
    assert (cells.kind, cells.fenced) == ("docker", True)
    assert cell_image in why
    await cells.close()


@pytest.mark.docker
def test_an_image_is_made_once(docker_engine: Engine, cell_image: str) -> None:
    said: list[str] = []
    assert images.ensure(docker_engine, "", progress=said.append) == images.make(docker_engine)
    assert said == []


@pytest.mark.docker
def test_what_was_tried_is_said(docker_engine: Engine) -> None:
    with pytest.raises(NoImage, match=r"127\.0\.0\.1:1/none:1 .*could not be pulled.*not asked for.*Remedy"):
        images.ensure(docker_engine, "127.0.0.1:1/none:1", bootstrap=False)
