"""Whatever is sent, the twin answers as the API documents: a message or an error body, never a failure of its own."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_tui.twins.messages.playbook import parse
from factory_tui.twins.messages.server import Twin, serve
from tests.twins.messages.conftest import SHORTLINKS, events_held_strictly, held_strictly

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
IDS = st.sampled_from(["a", "b", "c"])
CACHE = st.sampled_from([None, {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}])


def nearly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what belongs there."""
    return st.integers(0, 19).flatmap(lambda draw: JSON if draw == 0 else right)


BLOCK = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("text"), "text": nearly(st.sampled_from(["Hello", "x", ""]))},
        optional={"cache_control": CACHE},
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("tool_use"),
            "id": IDS,
            "name": st.just("bash"),
            "input": nearly(st.dictionaries(st.text(max_size=5), JSON, max_size=2)),
        }
    ),
    st.fixed_dictionaries({"type": st.just("tool_result"), "tool_use_id": IDS, "content": nearly(st.text(max_size=9))}),
    st.fixed_dictionaries({"type": st.just("image"), "source": nearly(st.just({"type": "base64", "data": ""}))}),
)
MESSAGE = st.fixed_dictionaries(
    {
        "role": nearly(st.sampled_from(["user", "assistant"])),
        "content": nearly(st.just("Hello") | st.lists(BLOCK, max_size=3)),
    }
)
BODY = st.fixed_dictionaries(
    {
        "model": nearly(st.just("m")),
        "max_tokens": nearly(st.integers(-1, 50)),
        "messages": nearly(
            st.lists(MESSAGE, max_size=5).map(lambda rest: [{"role": "user", "content": "go"}, *rest])
            | st.lists(MESSAGE, max_size=3)
        ),
    },
    optional={
        "stream": nearly(st.booleans()),
        "system": nearly(st.text(max_size=5)),
        "stop_sequences": nearly(st.lists(st.text(max_size=2), max_size=2)),
        "tools": nearly(st.just([{"type": "bash_20250124", "name": "bash"}])),
        "cache_control": CACHE,
    },
)


@pytest.fixture
async def twin() -> AsyncIterator[Twin]:
    anything = SHORTLINKS + "\n[[rule]]\nname = 'else'\nlast = '^[a-z]'\n[[rule.block]]\ntype = 'text'\ntext = 'ok'\n"
    async with serve([parse(anything, "p.toml")]) as twin:
        yield twin


HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}


def raw(value: object) -> bytes:
    return msgspec.json.encode(value)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(content=st.one_of(st.binary(max_size=60), JSON.map(raw), BODY.map(raw), BODY.map(raw)), counting=st.booleans())
async def test_any_body_is_answered_as_documented(twin: Twin, content: bytes, counting: bool) -> None:
    path = "/v1/messages/count_tokens" if counting else "/v1/messages"
    async with httpx2.AsyncClient(trust_env=False, headers=HEADERS) as http:
        answer = await http.post(twin.url + path, content=content)
    assert answer.status_code in (200, 400)
    if answer.headers["content-type"].startswith("text/event-stream"):
        names = events_held_strictly(answer.content)
        assert (names[0], names[-1]) == ("message_start", "message_stop")
    else:
        held_strictly(answer.content)
