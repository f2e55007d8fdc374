"""A twin per test, an SDK client that talks to it, and the SDK's own types held strictly over all that passes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, cast

import httpx2
import msgspec
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import (
    Message,
    MessageCountTokensParams,
    MessageTokensCount,
    ModelInfo,
    RawMessageStreamEvent,
)
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from anthropic.types.shared import ErrorResponse
from pydantic import TypeAdapter

from factory_tui.twins.messages.playbook import parse
from factory_tui.twins.messages.server import Twin, serve

NON_STREAMING = TypeAdapter(MessageCreateParamsNonStreaming)
STREAMING = TypeAdapter(MessageCreateParamsStreaming)
COUNTING = TypeAdapter(MessageCountTokensParams)
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)

SHORTLINKS = """
seed = "shortlinks"

[[rule]]
name = "refuse"
last = 'how to pick a lock'
stop_reason = "refusal"

[[rule]]
name = "finish"
last = 'server\\.py'
earlier = ['Write a URL shortener', 'cat > server\\.py']
absent = ['Traceback']
[[rule.block]]
type = "text"
text = "Done: the server is written, and it answers — 短い."

[[rule]]
name = "write the server"
last = 'Write a URL shortener'
system = 'careful engineer'
[[rule.block]]
type = "text"
text = "I write the server first."
[[rule.block]]
type = "tool_use"
name = "bash"
input = { command = "cat > server.py <<'EOF'\\nprint(1)\\nEOF\\nls", timeout = 5 }

[[rule]]
name = "greet"
last = '^Hello'
[[rule.block]]
type = "text"
text = "Good day."
"""


def held_strictly(body: bytes) -> None:
    """Hold an answer's body against the SDK's type for it: every field there, none of another type, none unknown."""
    kind = msgspec.json.decode(body)
    if kind.get("type") == "message":
        answer = Message.model_validate_json(body, strict=True)
        assert not answer.model_extra
        assert not answer.usage.model_extra
        assert not any(block.model_extra for block in answer.content)
    elif kind.get("type") == "error":
        if kind["error"]["type"] != "request_too_large":  # documented, but absent from the SDK's union
            ErrorResponse.model_validate_json(body, strict=True)
        assert set(kind) == {"type", "error", "request_id"}
        assert set(kind["error"]) == {"type", "message"}
    elif "input_tokens" in kind:
        assert not MessageTokensCount.model_validate_json(body, strict=True).model_extra
    elif kind.get("type") == "model":
        assert not ModelInfo.model_validate_json(body, strict=True).model_extra
    else:
        assert [ModelInfo.model_validate(entry) for entry in kind["data"]]


def events_held_strictly(body: bytes) -> list[str]:
    """Hold each server-sent event against the SDK's type and return their names in order."""
    names = []
    for raw in body.decode().removesuffix("\n\n").split("\n\n"):
        head, data = raw.split("\n")
        names.append(head.removeprefix("event: "))
        payload = data.removeprefix("data: ")
        if names[-1] != "ping":
            event = EVENT.validate_json(payload, strict=True)
            assert event.type == names[-1]
            assert not event.model_extra
    return names


async def _request_held(request: httpx2.Request) -> None:
    if request.method != "POST" or "x-unchecked" in request.headers:
        return
    body = msgspec.json.decode(request.content)
    adapter: TypeAdapter[Any] = STREAMING if body.get("stream") else NON_STREAMING
    (COUNTING if request.url.path.endswith("count_tokens") else adapter).validate_python(body)


async def _response_held(response: httpx2.Response) -> None:
    if (
        response.headers["content-type"].startswith("application/json")
        and "x-unchecked" not in response.request.headers
    ):
        held_strictly(await response.aread())


Connect = Callable[..., AsyncAnthropic]


@pytest.fixture
async def twin() -> AsyncIterator[Twin]:
    async with serve([parse(SHORTLINKS, "shortlinks.toml")]) as twin:
        yield twin


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """SDK clients whose every request and answer is held against the SDK's types."""
    async with AsyncExitStack() as stack:

        def client(base_url: str, **options: Any) -> AsyncAnthropic:
            hooks = {"request": [_request_held], "response": [_response_held]}
            http = httpx2.AsyncClient(event_hooks=cast("Any", hooks), trust_env=False)
            made = AsyncAnthropic(
                **{"base_url": base_url, "api_key": "rehearsal", "max_retries": 0, "http_client": http, **options}
            )
            stack.push_async_callback(made.close)
            return made

        yield client


@pytest.fixture
def client(twin: Twin, connect: Connect) -> AsyncAnthropic:
    return connect(twin.base_url("shortlinks"))
