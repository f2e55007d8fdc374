"""A scripted endpoint on loopback: answers in order, faults included, and keeps what it was sent."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.test_utils import TestServer

from factory_tui.domain.events import AnyFact
from factory_tui.domain.live import LiveFrame

F = TypeVar("F")
Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Notebook:
    """A scribe that keeps everything in memory."""

    def __init__(self, run: str = "shortlinks-1", facts: Sequence[AnyFact] = ()) -> None:
        self._run = run
        self.facts: list[AnyFact] = list(facts)
        self.frames: list[LiveFrame] = []

    @property
    def run(self) -> str:
        return self._run

    async def record(self, *facts: AnyFact) -> None:
        await asyncio.sleep(0)
        self.facts.extend(facts)

    def show(self, frame: LiveFrame) -> None:
        self.frames.append(frame)

    def of(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def use(call: str, name: str, given: dict[str, Any] | str) -> dict[str, Any]:
    """A tool_use block; an input given as a string is sent as it is."""
    return {"type": "tool_use", "id": call, "name": name, "input": given}


def message(
    *blocks: dict[str, Any], stop: str = "end_turn", input_tokens: int = 100, output_tokens: int = 10
) -> list[dict[str, Any]]:
    """The stream events of a whole message."""
    usage = {"input_tokens": input_tokens, "output_tokens": 1}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": head}]
    for index, block in enumerate(blocks):
        start, deltas = dict(block), list[dict[str, Any]]()
        if block["type"] == "text":
            start["text"] = ""
            half = len(block["text"]) // 2
            deltas = [{"type": "text_delta", "text": part} for part in (block["text"][:half], block["text"][half:])]
        elif block["type"] == "tool_use":
            start["input"] = {}
            raw = block["input"] if isinstance(block["input"], str) else json.dumps(block["input"])
            parts = (raw[: len(raw) // 2], raw[len(raw) // 2 :])
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": stop, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": output_tokens}})
    events.append({"type": "message_stop"})
    return events


def stream(events: Sequence[dict[str, Any]], *, cut: bool = False, hang: asyncio.Event | None = None) -> Reply:
    """Send the events; then end in good order, cut the connection, or say so and hang."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        for event in events:
            await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        if hang is not None:
            hang.set()
            await asyncio.Event().wait()
        if cut and request.transport is not None:
            request.transport.abort()
        return response

    return reply


def status(code: int, words: str = "no", headers: dict[str, str] | None = None) -> Reply:
    """An error body as the API documents it."""

    async def reply(_request: web.Request) -> web.StreamResponse:
        body = {"type": "error", "error": {"type": "some_error", "message": words}}
        return web.json_response(body, status=code, headers=headers)

    return reply


def page(code: int = 200) -> Reply:
    """A web page, as a wrong base_url gives."""

    async def reply(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="<!DOCTYPE html><title>Welcome</title>", content_type="text/html", status=code)

    return reply


class Endpoint:
    """`script` is consumed from the front, its last reply stays."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.sent: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.connections: set[object] = set()
        self.gone = asyncio.Event()
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/messages", self._serve)
        self._server = TestServer(app)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.sent.append(await request.json())
        self.connections.add(request.transport)
        self.keys.append(request.headers.get("x-api-key", "") or request.headers.get("authorization", ""))
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        try:
            return await reply(request)
        except (asyncio.CancelledError, ConnectionResetError):
            self.gone.set()
            raise

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    async def __aenter__(self) -> "Endpoint":
        await self._server.start_server()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._server.close()
