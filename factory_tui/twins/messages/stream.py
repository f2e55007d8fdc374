"""From a rule's answer to the bytes of the API: the message object, and the same as server-sent events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import msgspec

from factory_tui.twins.messages.playbook import Answer, CallTool, SayText
from factory_tui.twins.messages.request import Request
from factory_tui.twins.messages.tokens import call_tokens, text_tokens, usage

FRAGMENT = 24
"""Characters of one delta at a pace; without one, a block comes in at most `FRAGMENTS` deltas, to spare readers."""
FRAGMENTS = 12


@dataclass(frozen=True)
class Spoken:
    """An answer as far as the request lets it go."""

    blocks: Sequence[SayText | CallTool]
    stop_reason: str
    stop_sequence: str | None
    tokens: int


def speak(answer: Answer, request: Request) -> Spoken:
    """Cut an answer at the first stop sequence in its text, and at `max_tokens`.

    A text is cut where the tokens end; a tool call that does not fit is left out with all that follows.
    """
    blocks: list[SayText | CallTool] = []
    tokens = 0
    for whole in answer.blocks:
        block, stop = _stopped(whole, request.stop_sequences)
        left = request.max_tokens - tokens
        cost = text_tokens(block.text) if isinstance(block, SayText) else call_tokens(block.name, block.input)
        if cost > left:
            if isinstance(block, SayText) and left:
                part = block.text.encode()[: left * 4].decode(errors="ignore")
                blocks.append(SayText(part))
            return Spoken(blocks, "max_tokens", None, request.max_tokens)
        tokens += cost
        if not isinstance(block, SayText) or block.text:
            blocks.append(block)
        if stop is not None:
            return Spoken(blocks, "stop_sequence", stop, max(tokens, 1))
    return Spoken(blocks, answer.stop_reason, None, max(tokens, 1))


def _stopped(block: SayText | CallTool, stops: Sequence[str]) -> tuple[SayText | CallTool, str | None]:
    if isinstance(block, SayText):
        found = [(block.text.index(stop), stop) for stop in stops if stop in block.text]
        if found:
            at, stop = min(found)
            return SayText(block.text[:at]), stop
    return block, None


def message(spoken: Spoken, request: Request, digest: str) -> dict[str, Any]:
    """Return the message object; its ids come from the request's digest, so the same request has the same ids."""
    content: list[dict[str, Any]] = []
    for index, block in enumerate(spoken.blocks):
        if isinstance(block, SayText):
            content.append({"type": "text", "text": block.text, "citations": None})
        else:
            call = f"toolu_{digest[:20]}{index:02d}"
            content.append({"type": "tool_use", "id": call, "name": block.name, "input": block.input})
    refused = spoken.stop_reason == "refusal"
    return {
        "id": f"msg_{digest[:24]}",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": content,
        "stop_reason": spoken.stop_reason,
        "stop_sequence": spoken.stop_sequence,
        "stop_details": {"type": "refusal", "category": None, "explanation": None} if refused else None,
        "usage": usage(request, spoken.tokens),
    }


def events(spoken: Spoken, whole: dict[str, Any], *, paced: bool) -> Iterator[tuple[bytes, int]]:
    """Yield the stream of a message: each event's bytes, and how many characters of the answer it carries."""
    usage_now = whole["usage"]
    opening = {
        **whole,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {**usage_now, "output_tokens": 1},
    }
    yield _event("message_start", {"message": opening}), 0
    yield _event("ping", {}), 0
    for index, (said, block) in enumerate(zip(spoken.blocks, whole["content"], strict=True)):
        if isinstance(said, SayText):
            blank, text, kind, field = {**block, "text": ""}, said.text, "text_delta", "text"
        else:
            text = said.input_json if said.input_json is not None else msgspec.json.encode(said.input).decode()
            blank, kind, field = {**block, "input": {}}, "input_json_delta", "partial_json"
        yield _event("content_block_start", {"index": index, "content_block": blank}), 0
        size = FRAGMENT if paced else max(FRAGMENT, ceil(len(text) / FRAGMENTS))
        for start in range(0, len(text), size):
            piece = text[start : start + size]
            yield _event("content_block_delta", {"index": index, "delta": {"type": kind, field: piece}}), len(piece)
        yield _event("content_block_stop", {"index": index}), 0
    delta = {key: whole[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    counts = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    yield _event("message_delta", {"delta": delta, "usage": {key: usage_now[key] for key in counts}}), 0
    yield _event("message_stop", {}), 0


def _event(kind: str, fields: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **fields}))
