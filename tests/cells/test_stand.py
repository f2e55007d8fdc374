"""Freezing a container whose Docker engine cannot at first: what starts meanwhile escapes it."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from factory_tui.cells import containers
from factory_tui.cells.docker import connect
from factory_tui.cells.protocol import CellError
from tests.cells.engines import engine_that


@pytest.mark.parametrize("fails", [2, 9])
async def test_it_is_tried_again_and_not_for_ever(monkeypatch: pytest.MonkeyPatch, fails: int) -> None:
    heard: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/_ping":
            return web.Response(text="OK", headers={"Api-Version": "1.44"})
        if request.path.endswith("/pause"):
            heard.append(request.path)
            if len(heard) > fails:
                return web.Response(status=204)
            return web.json_response({"message": "unable to freeze"}, status=500)
        return web.json_response({"State": {"Running": True, "Paused": False}})

    async with engine_that(answer) as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        client = await asyncio.to_thread(connect)
        stand = asyncio.to_thread(lambda: containers.stand(client, "cell", still=True))
        if fails == 2:
            await stand
        else:
            with pytest.raises(CellError, match=r"cannot freeze the cell: unable to freeze\. Remedy"):
                await stand
        assert len(heard) == 3
        client.close()
