"""What is sent: where the cache's breakpoints go, and how many tokens a request can be at most.

Pure. Breakpoints: the system prompt (with the tools before it) and the last two user messages, so that each request
finds what the one before it wrote (docs: "Prompt caching", at most four).
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from factory_tui.domain.money import Tokens

_EPHEMERAL = {"cache_control": {"type": "ephemeral"}}
_FRAME = 64
"""Tokens that the endpoint adds around any request."""
_TOOLS = 2_500
"""Tokens that it adds for tools whose description it holds itself, and for using tools at all."""
_IMAGE = 5_000
"""Tokens of an image, whatever its bytes."""
_REMEMBERED = 64

Body = tuple[bytes, bytes]
"""What is the same over a conversation, and the messages so far."""
Known = tuple[Sequence[dict[str, Any]], int]
"""Messages, and the tokens that the endpoint once counted for a request with them."""


def with_breakpoints(
    system: str, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]] = (), tool: str = ""
) -> dict[str, Any]:
    """What is said in a request; what is before a breakpoint is never changed. `tool`: what has to be called."""
    sent = list(messages)
    users = [place for place, message in enumerate(sent) if message["role"] == "user"]
    for place in users[-2:]:
        *blocks, last = sent[place]["content"]
        sent[place] = {**sent[place], "content": [*blocks, {**last, **_EPHEMERAL}]}
    request: dict[str, Any] = {"messages": sent}
    if system:
        request["system"] = [{"type": "text", "text": system, **_EPHEMERAL}]
    if tools:
        request["tools"] = list(tools)
    if tool:
        request["tool_choice"] = {"type": "tool", "name": tool, "disable_parallel_tool_use": True}
    return request


class Bounds:
    """Upper bounds on input tokens: what was reported last for a conversation, and a token for every byte since."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[Body, int]] = {}

    def body(self, system: str, tools: Sequence[dict[str, Any]], messages: Sequence[dict[str, Any]]) -> Body:
        """The request's bytes, as far as they count as tokens."""
        return msgspec.json.encode([system, list(tools)]), msgspec.json.encode(messages)[1:-1]

    def worst(self, talk: str, body: Body) -> int:
        """Tokens that the next request of a talk has at most: no token is shorter than a byte."""
        head, said = body
        (known_head, known), tokens = self._last.get(talk, ((b"", b""), 0))
        if known and head == known_head and said.startswith(known):
            return tokens + _text_bound(said[len(known) :])
        return _head_bound(head) + _text_bound(said)

    def recall(self, talk: str, system: str, tools: Sequence[dict[str, Any]], known: Known) -> None:
        """What a dead engine had learnt of a talk, unless this one knows more. The tools may be others by now."""
        if talk not in self._last:
            head, said = self.body(system, tools, known[0])
            self._last[talk] = (head, said), _head_bound(head) + known[1]

    def learn(self, talk: str, body: Body, tokens: Tokens) -> None:
        """Remember what the endpoint reported for this body; an endpoint that reports nothing teaches nothing."""
        reported = tokens.input + tokens.cache_write + tokens.cache_read
        self._last.pop(talk, None)
        if reported:
            self._last[talk] = (body, reported)
        while len(self._last) > _REMEMBERED:
            del self._last[next(iter(self._last))]


def _head_bound(head: bytes) -> int:
    return _FRAME + (0 if head.endswith(b",[]]") else _TOOLS) + len(head)


def _text_bound(data: bytes) -> int:
    return len(data) + data.count(b'"type":"image"') * _IMAGE
