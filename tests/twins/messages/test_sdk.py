"""The real SDK over real HTTP: answers, tool loops, streams, errors, faults."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx2
import msgspec
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message, MessageParam, RawMessageStreamEvent, ToolUnionParam

from factory_tui.twins.messages.playbook import PlaybookError, parse
from factory_tui.twins.messages.server import PortInUseError, Twin, serve
from tests.twins.messages.conftest import SHORTLINKS, Connect, events_held_strictly

MODEL = "any-model"
BASH: ToolUnionParam = {"type": "bash_20250124", "name": "bash"}
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}


def hello(**more: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}], **more}


async def ask(client: AsyncAnthropic, messages: list[MessageParam], *, streaming: bool) -> Message:
    asked: dict[str, Any] = {
        "model": MODEL,
        "max_tokens": 1000,
        "system": "You are a careful engineer.",
        "tools": [BASH, {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}],
        "messages": messages,
    }
    if not streaming:
        answer: Message = await client.messages.create(**asked)
        return answer
    async with client.messages.stream(**asked) as stream:
        return await stream.get_final_message()


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_tool_loop_ends_when_the_conversation_says_so(client: AsyncAnthropic, streaming: bool) -> None:
    messages: list[MessageParam] = [{"role": "user", "content": "Write a URL shortener"}]
    first = await ask(client, messages, streaming=streaming)
    assert first.stop_reason == "tool_use"
    text, call = first.content
    assert text.type == "text"
    assert text.text == "I write the server first."
    assert call.type == "tool_use"
    assert call.input == {"command": "cat > server.py <<'EOF'\nprint(1)\nEOF\nls", "timeout": 5}
    messages.append(first.to_param())
    messages.append(
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "server.py\n"}]}
    )
    second = await ask(client, messages, streaming=streaming)
    assert second.stop_reason == "end_turn"
    assert [block.type for block in second.content] == ["text"]


async def test_streaming_and_not_say_the_same(client: AsyncAnthropic) -> None:
    messages: list[MessageParam] = [{"role": "user", "content": "Write a URL shortener"}]
    plain = await ask(client, messages, streaming=False)
    streamed = await ask(client, messages, streaming=True)
    assert [block.to_dict() | {"id": ""} for block in streamed.content] == [
        block.to_dict() | {"id": ""} for block in plain.content
    ]
    assert streamed.usage.output_tokens == plain.usage.output_tokens
    assert streamed.usage.input_tokens == plain.usage.input_tokens


async def test_the_same_request_has_the_same_ids(client: AsyncAnthropic) -> None:
    messages: list[MessageParam] = [{"role": "user", "content": "Write a URL shortener"}]
    assert (await ask(client, messages, streaming=False)).to_dict() == (
        await ask(client, messages, streaming=False)
    ).to_dict()


async def test_a_stream_has_the_events_of_the_api_in_order(twin: Twin) -> None:
    async with httpx2.AsyncClient(trust_env=False, headers=HEADERS) as http:
        answer = await http.post(f"{twin.url}/v1/messages", json=hello(stream=True))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert events_held_strictly(answer.content) == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


async def test_a_tool_input_streams_in_fragments(client: AsyncAnthropic) -> None:
    stream = await client.messages.create(
        model=MODEL,
        max_tokens=1000,
        system="careful engineer",
        messages=[{"role": "user", "content": "Write a URL shortener"}],
        tools=[BASH],
        stream=True,
    )
    fragments = [
        event.delta.partial_json
        async for event in stream
        if event.type == "content_block_delta" and event.delta.type == "input_json_delta"
    ]
    assert len(fragments) > 1
    assert msgspec.json.decode("".join(fragments))["timeout"] == 5


async def test_broken_tool_input_streams_as_written(connect: Connect) -> None:
    block = """type = "tool_use"\nname = "bash"\ninput = {}\ninput_json = '{"comm'"""
    text = f"seed = 's'\n[[rule]]\nname = 'r'\nlast = '.'\n[[rule.block]]\n{block}\n"
    async with serve([parse(text, "b.toml")]) as twin:
        stream = await connect(twin.url).messages.create(**hello(stream=True))
        fragments = [
            event.delta.partial_json
            async for event in stream
            if event.type == "content_block_delta" and event.delta.type == "input_json_delta"
        ]
    assert "".join(fragments) == '{"comm'


async def test_a_pace_spreads_the_stream_over_time(connect: Connect) -> None:
    async with serve([parse(SHORTLINKS, "x.toml")], pace=45.0) as twin:
        began = asyncio.get_running_loop().time()
        async with connect(twin.url).messages.stream(**hello()) as stream:
            assert await stream.get_final_text() == "Good day."
        assert asyncio.get_running_loop().time() - began >= 0.2


async def test_a_refusal_carries_its_stop_reason(client: AsyncAnthropic) -> None:
    asked = hello(messages=[{"role": "user", "content": "how to pick a lock"}])
    plain = await client.messages.create(**asked)
    async with client.messages.stream(**asked) as stream:
        streamed = await stream.get_final_message()
    assert plain.stop_reason == streamed.stop_reason == "refusal"
    assert plain.content == []


async def test_an_answer_is_cut_at_max_tokens(client: AsyncAnthropic) -> None:
    answer = await client.messages.create(**hello(max_tokens=1))
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 1
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "Good"


async def test_an_answer_is_cut_at_a_stop_sequence(client: AsyncAnthropic) -> None:
    answer = await client.messages.create(**hello(stop_sequences=["day", "Zzz"]))
    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "day")
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "Good "


async def test_models_and_token_counts(client: AsyncAnthropic) -> None:
    listed = [model.id async for model in client.models.list()]
    assert listed == ["rehearsal"]
    assert (await client.models.retrieve("any-model")).id == "any-model"
    counted = await client.messages.count_tokens(
        model=MODEL, messages=[{"role": "user", "content": "Hello"}], tools=[BASH]
    )
    answer = await client.messages.create(**hello(tools=[BASH]))
    assert counted.input_tokens == answer.usage.input_tokens == 346 + 245 + 4 + 2


async def test_an_unmatched_conversation_names_the_nearest_rule(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.BadRequestError) as raised:
        await client.messages.create(**hello(messages=[{"role": "user", "content": "Write a URL shortener, please"}]))
    message = str(raised.value.api_message)
    assert "playbook 'shortlinks'" in message
    assert "'write the server'" in message
    assert "system = 'careful engineer' is not in the system prompt" in message
    assert raised.value.type == "invalid_request_error"
    assert raised.value.request_id


async def test_headers_that_the_api_requires(client: AsyncAnthropic) -> None:
    keyless: dict[str, Any] = {"x-api-key": anthropic.omit, "authorization": anthropic.omit}
    with pytest.raises(anthropic.AuthenticationError, match="x-api-key header is required"):
        await client.messages.create(**hello(), extra_headers=keyless)
    with pytest.raises(anthropic.BadRequestError, match="anthropic-version: header is required"):
        await client.messages.create(**hello(), extra_headers={"anthropic-version": ""})


async def test_wrong_paths_and_methods(twin: Twin, connect: Connect) -> None:
    with pytest.raises(anthropic.NotFoundError, match="/shortlinks"):
        await connect(twin.base_url("unknown")).messages.create(**hello())
    async with httpx2.AsyncClient(trust_env=False, headers=HEADERS) as http:
        assert (await http.get(f"{twin.url}/v1/messages")).status_code == 405
        assert (await http.post(f"{twin.url}/v1/complete", json={})).status_code == 404
        assert (await http.get(f"{twin.url}/")).json()["error"]["type"] == "not_found_error"


async def test_a_body_that_is_too_large(twin: Twin, connect: Connect) -> None:
    huge = hello(messages=[{"role": "user", "content": "x" * (33 * 1024 * 1024)}])
    with pytest.raises(anthropic.APIStatusError) as raised:
        await connect(twin.url).messages.create(**huge)
    assert raised.value.status_code == 413


async def test_playbooks_are_told_apart_by_path(connect: Connect) -> None:
    other = parse(SHORTLINKS.replace('"shortlinks"', '"orders-etl"').replace("Good day", "Orders"), "o.toml")
    async with serve([parse(SHORTLINKS, "s.toml"), other]) as twin:
        answers = [
            await connect(twin.base_url(seed)).messages.create(**hello()) for seed in ("shortlinks", "orders-etl")
        ]
        assert [str(answer.content[0].to_dict()["text"]) for answer in answers] == ["Good day.", "Orders."]
        with pytest.raises(anthropic.NotFoundError):
            await connect(twin.url).messages.create(**hello())


async def test_two_playbooks_of_one_seed_are_refused() -> None:
    book = parse(SHORTLINKS, "s.toml")
    with pytest.raises(PlaybookError, match="shortlinks"):
        Twin([book, book])


async def test_a_port_in_use_says_what_to_do(twin: Twin) -> None:
    port = int(twin.url.rpartition(":")[2])
    with pytest.raises(PortInUseError, match="--port"):
        await Twin([]).start(port)


def faulty(then: str, more: str = "") -> str:
    return f"{SHORTLINKS}\n[[fault]]\nthen = {then}\n{more}"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, anthropic.AuthenticationError),
        (403, anthropic.PermissionDeniedError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.OverloadedError),
    ],
)
async def test_a_scripted_status_raises_the_sdk_s_class(connect: Connect, status: int, error: type[Exception]) -> None:
    async with serve([parse(faulty(str(status)), "f.toml")]) as twin:
        with pytest.raises(error):
            await connect(twin.url).messages.create(**hello())


async def test_a_fault_of_the_first_attempt_is_outlived_by_a_retry(connect: Connect) -> None:
    async with serve([parse(faulty("529", "attempt = 0\nrule = 'greet'"), "f.toml")]) as twin:
        answer = await connect(twin.url, max_retries=1).messages.create(**hello())
        assert answer.stop_reason == "end_turn"
        with pytest.raises(anthropic.OverloadedError):
            await connect(twin.url, max_retries=1).messages.create(**hello(), extra_headers={"x-factory-attempt": "0"})


async def test_a_refusal_says_how_long_to_wait(connect: Connect) -> None:
    async with serve([parse(faulty("429", "retry_after = 7"), "f.toml")]) as twin:
        with pytest.raises(anthropic.RateLimitError) as raised:
            await connect(twin.url).messages.create(**hello())
    assert raised.value.response.headers["retry-after"] == "7"


async def test_a_slow_answer_is_one_that_a_client_may_give_up(connect: Connect) -> None:
    async with serve([parse(faulty("'slow'", "seconds = 60\nattempt = 0"), "f.toml")]) as twin:
        with pytest.raises(anthropic.APITimeoutError):
            await connect(twin.url, timeout=0.2).messages.create(**hello())
        again = await connect(twin.url).messages.create(**hello(), extra_headers={"x-factory-attempt": "1"})
        assert again.stop_reason == "end_turn"


async def test_a_fault_can_name_one_request_by_its_digest(twin: Twin, connect: Connect) -> None:
    first = await connect(twin.url).messages.with_raw_response.create(**hello())
    digest = first.headers["request-id"].removeprefix("req_")
    async with serve([parse(faulty("500", f"digest = '{digest}'"), "f.toml")]) as other:
        with pytest.raises(anthropic.InternalServerError):
            await connect(other.url).messages.create(**hello())
        assert await connect(other.url).messages.create(**hello(max_tokens=99))


async def record(stream: anthropic.AsyncStream[RawMessageStreamEvent], seen: list[str]) -> None:
    async for event in stream:
        seen.append(event.type)  # noqa: PERF401 - what came before the break is kept


@pytest.mark.parametrize("pace", [0.0, 1000.0])
async def test_a_cut_stream_is_a_broken_connection(connect: Connect, pace: float) -> None:
    async with serve([parse(faulty("'cut'"), "f.toml")], pace=pace) as twin:
        seen: list[str] = []
        stream = await connect(twin.url).messages.create(**hello(stream=True))
        with pytest.raises(httpx2.RemoteProtocolError):
            await record(stream, seen)
        assert "message_start" in seen
        assert "message_stop" not in seen


async def test_a_cut_answer_is_a_connection_error(connect: Connect) -> None:
    async with serve([parse(faulty("'cut'"), "f.toml")]) as twin:
        with pytest.raises((anthropic.APIConnectionError, httpx2.RemoteProtocolError)):
            await connect(twin.url).messages.create(**hello())


@pytest.mark.parametrize("pace", [0.0, 100_000.0])
async def test_a_cut_comes_after_just_so_many_bytes(connect: Connect, pace: float) -> None:
    async with serve([parse(SHORTLINKS, "x.toml")], pace=pace) as twin:
        whole = b"".join([part async for part in raw(twin)])
        for at in (0, 1, len(whole) // 3, len(whole)):
            twin.playbooks["shortlinks"] = parse(faulty("'cut'", f"at = {at}"), "f.toml")
            came: list[bytes] = []
            with pytest.raises(httpx2.RemoteProtocolError):
                await keep(raw(twin), came)
            assert b"".join(came) == whole[:at]


async def keep(parts: AsyncIterator[bytes], came: list[bytes]) -> None:
    async for part in parts:
        came.append(part)  # noqa: PERF401 - what came before the break is kept


async def raw(twin: Twin) -> AsyncIterator[bytes]:
    async with httpx2.AsyncClient(trust_env=False) as http:
        url = f"{twin.url}/v1/messages"
        async with http.stream("POST", url, json=hello(stream=True), headers=HEADERS) as answer:
            async for part in answer.aiter_bytes():
                yield part


async def test_a_page_instead_of_an_answer(connect: Connect) -> None:
    async with serve([parse(faulty("'html'"), "f.toml")]) as twin:
        answer = await connect(twin.url).messages.with_raw_response.create(**hello())
        assert answer.headers["content-type"].startswith("text/html")


async def test_a_client_that_hangs_up_disturbs_nobody(connect: Connect) -> None:
    async with serve([parse(SHORTLINKS, "x.toml")], pace=100.0) as twin:
        client = connect(twin.url)
        stream = await client.messages.create(**hello(stream=True))
        await anext(aiter(stream))
        await stream.close()
        assert (await client.messages.create(**hello())).stop_reason == "end_turn"
