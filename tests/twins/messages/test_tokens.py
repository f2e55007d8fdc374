"""Counting and cache accounting: one rule each, from the request alone."""

from typing import Any

import msgspec
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Usage
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.twins.messages.request import Request, decode
from factory_tui.twins.messages.tokens import count, text_tokens, usage
from factory_tui.twins.messages.validate import check

LONG = "word " * 1000  # 1,250 tokens
MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def request(*turns: Any, **more: Any) -> Request:
    messages = [{"role": ("user", "assistant")[at % 2], "content": turn} for at, turn in enumerate(turns)]
    made = decode(msgspec.json.encode({"model": "m", "max_tokens": 9, "messages": messages, **more}), Request)
    check(made)
    return made


def accounted(*turns: Any, **more: Any) -> tuple[int, int, int]:
    """Return input, creation and read."""
    counted = Usage.model_validate(usage(request(*turns, **more), 1), strict=True)
    assert counted.cache_creation
    assert (
        counted.cache_creation.ephemeral_5m_input_tokens + counted.cache_creation.ephemeral_1h_input_tokens
        == counted.cache_creation_input_tokens
    )
    return counted.input_tokens, counted.cache_creation_input_tokens or 0, counted.cache_read_input_tokens or 0


@pytest.mark.parametrize(("words", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("短い", 2)])
def test_a_text_costs_a_quarter_of_its_bytes(words: str, tokens: int) -> None:
    assert text_tokens(words) == tokens


def test_without_a_breakpoint_everything_is_input() -> None:
    assert accounted(LONG) == (1254, 0, 0)


def test_below_the_minimum_nothing_is_cached() -> None:
    assert accounted([text("short", **MARK)]) == (6, 0, 0)


def test_a_first_request_writes_up_to_its_last_breakpoint() -> None:
    assert accounted([text(LONG, **MARK), text("tail")]) == (1, 1254, 0)


def test_a_system_breakpoint_is_read_once_a_turn_was_answered() -> None:
    system = [text(LONG, **MARK)]
    assert accounted("one", system=system) == (5, 1250, 0)
    assert accounted("one", "two", "three", system=system) == (5 + 5 + 6, 0, 1250)


def test_a_moving_breakpoint_reads_what_the_last_request_wrote() -> None:
    written = accounted([text(LONG, **MARK)])
    assert written == (0, 1254, 0)
    then = accounted(LONG, "answer", [text("next", **MARK)])
    assert then == (0, (4 + 2) + (4 + 1), 1254)


def test_the_look_back_ends_after_twenty_blocks() -> None:
    within, beyond = (accounted(LONG, [text("a")] * count_, [text("next", **MARK)])[2] for count_ in (19, 20))
    assert (within, beyond) == (1254, 0)


def test_top_level_cache_control_marks_the_last_block() -> None:
    assert accounted(LONG, "answer", "next", **MARK) == accounted(LONG, "answer", [text("next", **MARK)])


def test_writes_are_told_apart_by_ttl() -> None:
    made = usage(request([text(LONG, **MARK)], system=[text(LONG, **HOUR)]), 1)
    assert made["cache_creation"] == {"ephemeral_1h_input_tokens": 1250, "ephemeral_5m_input_tokens": 1254}


def test_a_breakpoint_inside_a_tool_result_counts() -> None:
    call = [{"type": "tool_use", "id": "a", "name": "bash", "input": {}}]
    result = [{"type": "tool_result", "tool_use_id": "a", "content": [text(LONG, **MARK)]}]
    fresh, written, read = accounted(LONG, call, result)
    assert (fresh, read) == (0, 1254)
    assert written > 1250


@given(
    st.lists(st.lists(st.booleans(), min_size=1, max_size=3), min_size=1, max_size=9).filter(
        lambda turns: len(turns) % 2 == 1 and sum(map(sum, turns)) <= 4
    ),
    st.integers(0, 3000),
)
def test_input_creation_and_read_are_the_whole_prompt(turns: list[list[bool]], size: int) -> None:
    blocks = [[text("x" * (size + 1), **(MARK if marked else {})) for marked in turn] for turn in turns]
    fresh, written, read = accounted(*blocks)
    assert min(fresh, written, read) >= 0
    assert fresh + written + read == count(request(*blocks))


async def test_usage_over_a_growing_conversation(client: AsyncAnthropic) -> None:
    messages: list[Any] = []
    before = 0
    for _ in range(4):
        messages.append({"role": "user", "content": [text(f"Hello {LONG}", **MARK)]})
        answer = await client.messages.create(model="m", max_tokens=99, messages=messages)
        assert answer.usage.cache_read_input_tokens == before
        assert answer.usage.input_tokens == 0
        before += answer.usage.cache_creation_input_tokens or 0
        messages[-1] = {"role": "user", "content": f"Hello {LONG}"}
        messages.append(answer.to_param())
