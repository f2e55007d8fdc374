"""Any split of the bytes gives the same answer, and its JSON means what was sent."""

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.domain.hostile import clean, clean_json
from factory_tui.model.stream import Assembly, BrokenStream, TooLong, events
from tests.model.endpoint import message, text, use

words = st.text(max_size=40)
values = st.recursive(st.none() | st.booleans() | st.integers() | words, lambda inner: st.lists(inner, max_size=3))
uses = st.tuples(st.uuids(), st.dictionaries(words, values, max_size=3)).map(lambda it: use(str(it[0]), "bash", it[1]))
blocks = st.lists(words.map(text) | uses, max_size=4, unique_by=lambda block: str(block.get("id", block)))


async def _chunks(data: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        yield data[start:end]


@given(blocks=blocks, cuts=st.lists(st.integers(0, 100_000), max_size=30), newline=st.sampled_from(["\n", "\r\n"]))
async def test_any_split_of_the_bytes_gives_the_blocks_as_sent(
    blocks: list[dict[str, Any]], cuts: list[int], newline: str
) -> None:
    sent = "".join(f"event: {e['type']}{newline}data: {json.dumps(e)}{newline * 2}" for e in message(*blocks))
    answer = Assembly(10_000)
    async for event in events(_chunks(sent.encode(), cuts), 100_000):
        answer.feed(event)
    assert answer.done
    assert json.loads(answer.content()) == blocks
    assert clean(answer.content()) == answer.content()


@given(words)
def test_clean_json_keeps_the_meaning(words: str) -> None:
    raw = json.dumps({words: [words]}, ensure_ascii=False)
    assert json.loads(clean_json(raw)) == {words: [words]}
    assert clean(clean_json(raw)) == clean_json(raw)


@given(st.recursive(values, lambda inner: st.dictionaries(words, inner, max_size=3)))
def test_no_event_of_any_shape_raises_anything_else(event: Any) -> None:
    answer = Assembly(10_000_000)
    deltas = ["text_delta", "signature_delta", "input_json_delta", "citations_delta", event]
    for kind in ("message_start", "content_block_start", "content_block_delta", "message_delta", "error"):
        for delta in deltas:
            inner = {"type": delta, "text": event, "signature": event, "partial_json": event, "citation": event}
            for shape in (event, inner):
                try:
                    shaped = {"delta": shape, "message": shape, "error": shape, "content_block": shape, "index": 0}
                    answer.feed({**shaped, "type": kind})
                except BrokenStream:
                    continue
    json.loads(answer.content())


@pytest.mark.parametrize("calls", [["\x1b"], [""], ["x" * 129], ["a", "a"]])
def test_a_call_whose_id_is_none_breaks_the_stream(calls: list[str]) -> None:
    answer = Assembly(10_000)
    sent = message(*(use(call, "bash", {}) for call in calls))
    with pytest.raises(BrokenStream, match="unknown shape"):
        _ = [answer.feed(event) for event in sent]


async def test_one_endless_event_is_not_read_to_its_end() -> None:
    with pytest.raises(TooLong):
        async for _ in events(_chunks(b"data: " + b"x" * 200, list(range(200))), 100):
            pass


def test_input_nested_beyond_sense_is_no_input() -> None:
    answer = Assembly(10_000_000)
    for event in message(use("t", "bash", '{"a":' + "[" * 50_000)):
        answer.feed(event)
    assert json.loads(answer.content())[0]["input"] == {}


@pytest.mark.parametrize("count", [True, 10**30, -1, "7", None, 1.5])
def test_what_is_no_count_is_not_counted(count: object) -> None:
    assembly = Assembly(1000)
    assembly.feed({"type": "message_start", "message": {"usage": {"input_tokens": 3}}})
    assembly.feed({"type": "message_delta", "delta": {}, "usage": {"input_tokens": count}})
    assert type(assembly.tokens.input) is int
    assert assembly.tokens.input == 3


def test_a_stop_reason_is_short_and_safe_to_draw() -> None:
    assembly = Assembly(1000)
    assembly.feed({"type": "message_delta", "delta": {"stop_reason": "\x1b]0;owned\x07" + "x" * 5000}})
    assert len(assembly.stop_reason) <= 60
    assert clean(assembly.stop_reason) == assembly.stop_reason
