"""What the twin refuses, in the API's words."""

from typing import Any

import msgspec
import pytest

from factory_tui.twins.messages.request import Request, RequestError, decode
from factory_tui.twins.messages.validate import check

USER = {"role": "user", "content": "go"}
EPHEMERAL = {"type": "ephemeral"}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def calls(*ids: str) -> dict[str, Any]:
    return {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": call, "name": "bash", "input": {}} for call in ids],
    }


def results(*ids: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call} for call in ids]}


def body(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": list(messages) or [USER], **more}


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in body().items() if name != key}


def accepts(value: object) -> None:
    check(decode(msgspec.json.encode(value), Request))


def refused(value: object) -> str:
    with pytest.raises(RequestError) as raised:
        check(decode(msgspec.json.encode(value), Request))
    assert raised.value.status == 400
    return raised.value.message


SCHEMA = {"name": "look", "input_schema": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(
    "accepted",
    [
        body(),
        body(USER, USER, {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}, USER),
        body(USER, calls("a", "b"), results("b", "a")),
        body(USER, calls("a", "b"), results("a"), results("b"), USER),
        body(system=[text("s", cache_control=EPHEMERAL | {"ttl": "1h"})]),
        body(tools=[SCHEMA, {"type": "bash_20250124", "name": "bash"}], tool_choice={"type": "tool", "name": "look"}),
        body(tools=[{"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 10}]),
        body(temperature=1, top_p=0.5, top_k=3, stop_sequences=["x"], metadata={"user_id": "u"}),
    ],
)
def test_what_the_api_accepts(accepted: dict[str, Any]) -> None:
    accepts(accepted)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (without("model"), "model: Field required"),
        (without("max_tokens"), "max_tokens: Field required"),
        (without("messages"), "messages: Field required"),
        (body(max_tokens=0), "max_tokens: Input should be greater than or equal to 1"),
        (body(max_tokens="9"), "max_tokens: Expected `int`"),
        (body(surprise=1), "surprise: Extra inputs are not permitted"),
        (body(temperature=1.5), "temperature: "),
        (body(system=[text("")]), "system: text content blocks must be non-empty"),
        (body(system=3), "system: "),
        ({**body(), "messages": []}, "at least one message is required"),
        (body({"role": "assistant", "content": "a"}, USER), 'first message must use the "user" role'),
        (body(USER, {"role": "assistant", "content": "a"}), "must end with a user message"),
        (body({"role": "system", "content": "a"}), "messages.0.role: Invalid"),
        (body({"role": "user", "content": ""}), "messages.0: all messages must have non-empty content"),
        (body({"role": "user", "content": []}), "messages.0: all messages must have non-empty content"),
        (body({"role": "user", "content": [text("")]}), "text content blocks must be non-empty"),
        (body({"role": "user", "content": [{"type": "hologram"}]}), "messages.0.content.0.type: "),
        (body({"role": "user", "content": [text("a", x=1)]}), "messages.0.content.0.x: Extra inputs"),
        (body({"role": "user", "content": calls("a")["content"]}), "`tool_use` blocks are not allowed in `user`"),
        (body(USER, {**results("a"), "role": "assistant"}, USER), "not allowed in `assistant`"),
        (
            body(USER, calls("a", "b"), results("a")),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: b. Each",
        ),
        (
            body(USER, calls("a"), {"role": "user", "content": [text("no"), *results("a")["content"]]}),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a. Each",
        ),
        (
            body(USER, calls("a"), results("a", "z")),
            "messages.2.content.1: unexpected `tool_use_id` found in `tool_result` blocks: z. Each",
        ),
        (body(results("a")), "messages.0.content.0: unexpected `tool_use_id`"),
        (body(USER, calls("a"), results("a"), calls("b"), results("b", "a")), "messages.4.content.1: unexpected"),
        (body(USER, calls("a"), results("a", "a")), "each tool_use must have a single result"),
        (body(USER, calls("a", "a"), results("a")), "`tool_use` ids must be unique"),
        (body(USER, calls("a"), results("a"), calls("a"), results("a")), "`tool_use` ids must be unique"),
        (
            body({"role": "user", "content": [text("a", cache_control=EPHEMERAL)] * 5}),
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
        (
            body({"role": "user", "content": [text("a", cache_control=EPHEMERAL)] * 4}, cache_control=EPHEMERAL),
            "Found 5.",
        ),
        (
            body(
                {"role": "user", "content": [text("a", cache_control={**EPHEMERAL, "ttl": "1h"})]},
                system=[text("s", cache_control=EPHEMERAL)],
            ),
            "must not come after a ttl='5m'",
        ),
        (body({"role": "user", "content": [text("a", cache_control={"type": "eternal"})]}), "cache_control.type"),
        (body(tools=[SCHEMA, SCHEMA]), "Tool names must be unique"),
        (body(tools=[{"name": "a"}]), "tools.0.custom.input_schema: Field required"),
        (body(tools=[{"name": "a", "input_schema": {"type": "array"}}]), "tools.0.custom.input_schema.type"),
        (
            body(tools=[{"type": "bash_20250124", "name": "shell"}]),
            "tools.0.bash_20250124.name: Input should be 'bash'",
        ),
        (body(tools=[{"type": "bash_20990101", "name": "bash"}]), "tools.0: Input tag 'bash_20990101'"),
        (body(tools=[{"type": "web_search_20250305", "name": "web_search"}]), "tools.0: Input tag"),
        (body(tool_choice={"type": "tool", "name": "x"}, tools=[SCHEMA]), "Tool 'x' not found"),
        (body(tool_choice={"type": "any"}), "only be specified while providing tools"),
        ([], "Expected `object`"),
    ],
)
def test_what_the_api_refuses(given: object, message: str) -> None:
    assert message in refused(given)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff", b'{"messages":[{"role":"user","content":[{"type":"image","source":{"a":' + b"[" * 100_000],
)
def test_a_body_that_is_no_json(raw: bytes) -> None:
    with pytest.raises(RequestError, match="not valid JSON"):
        decode(raw, Request)
