"""One streamed answer, put together from its events exactly as received.

Pure: bytes in, blocks out. Owns the event format of the Messages API's stream (docs: "Streaming messages"). Content
stays as the endpoint wrote it: unknown block types are kept whole, a tool's input keeps its very JSON.
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any

import msgspec

from factory_tui.domain.hostile import clean_json, one_line
from factory_tui.domain.money import Tokens

INVALID = "invalid_input"
"""Key of a tool_use block that holds the input as received where that is no JSON object; `input` is then {}.

Whoever sends the block back leaves the key out: the API knows no such key.
"""
_REASON = 60
"""Characters of a stop reason."""
_MOST_TOKENS = 1 << 40
"""A count beyond it is no count, and no journal could hold it."""
_CALL = re.compile(r"[!-~]{1,128}")
"""A tool call's id: it names a command in the cell and is drawn on screens."""
_TEXTS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


class BrokenStream(Exception):  # noqa: N818
    """The stream is not what the API describes, or it ended early. The message says what came instead."""


class TooLong(Exception):  # noqa: N818
    """The answer is longer than anyone should read."""


async def events(chunks: AsyncIterable[bytes], limit: int) -> AsyncGenerator[dict[str, Any], None]:
    """The JSON of each server-sent event. Raises BrokenStream for what is none, TooLong for one beyond `limit`."""
    pending, data = bytearray(), list[bytes]()
    async for chunk in chunks:
        pending += chunk
        if len(pending) + sum(map(len, data)) > limit:
            raise TooLong(f"one event of the stream is longer than {limit} bytes")
        if b"\n" not in chunk:
            continue
        *lines, rest = bytes(pending).split(b"\n")
        pending = bytearray(rest)
        for line in lines:
            text = line.rstrip(b"\r")
            if text.startswith(b"data:"):
                data.append(text[5:].removeprefix(b" "))
            elif not text and data:
                yield _parsed(b"\n".join(data))
                data = []


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise BrokenStream(f"the stream holds what is no JSON object: {data[:200]!r}")
    return event


class Assembly:
    """The answer so far; `feed` takes one event after the other."""

    def __init__(self, limit: int) -> None:
        self.stop_reason = ""
        self.done = False
        self.usage: dict[str, int] = {}
        self.final_usage = False
        """Whether the endpoint said what the whole answer took."""
        self.error: dict[str, Any] | None = None
        """What the endpoint said went wrong in the middle of the stream."""
        self._room = limit
        self._blocks: dict[int, dict[str, Any]] = {}
        self._texts: dict[tuple[int, str], list[str]] = {}

    def feed(self, event: dict[str, Any]) -> str:
        """Take one event; the text it adds for people to see.

        Raises BrokenStream for a shape the API does not have, TooLong once the content passes the limit (characters).
        """
        try:
            return self._take(event)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError) as error:
            raise BrokenStream(f"the stream holds an event of an unknown shape: {json.dumps(event)[:200]}") from error

    def _take(self, event: dict[str, Any]) -> str:
        match event["type"]:
            case "message_start":
                self._count(event["message"].get("usage") or {})
            case "content_block_start":
                self._begin(int(event["index"]), self._own(dict(event["content_block"])))
            case "content_block_delta":
                return self._extend(int(event["index"]), event["delta"])
            case "message_delta":
                self.stop_reason = one_line(str(event["delta"].get("stop_reason") or self.stop_reason), _REASON)
                usage = event.get("usage") or {}
                self._count(usage)
                self.final_usage = self.final_usage or "output_tokens" in usage
            case "message_stop":
                self.done = True
            case "error":
                self.error = dict(event["error"])
        return ""

    def _begin(self, index: int, block: dict[str, Any]) -> None:
        if block["type"] == "tool_use":
            if not _CALL.fullmatch(block["id"]):
                raise ValueError("a tool call's id is no id")
            if any(known.get("id") == block["id"] for known in self._blocks.values()):
                raise ValueError("two tool calls have one id")
        self._blocks[index] = block

    def _use(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise TooLong("the answer is longer than the limit")

    def _count(self, usage: dict[str, Any]) -> None:
        self.usage.update(
            {name: count for name, count in usage.items() if type(count) is int and 0 <= count <= _MOST_TOKENS}
        )

    def _extend(self, index: int, delta: dict[str, Any]) -> str:
        block = self._blocks[index]
        match delta["type"]:
            case "text_delta" | "thinking_delta" | "signature_delta" as kind:
                key = _TEXTS[kind]
                piece = self._own_text(delta[key])
                self._texts.setdefault((index, key), [str(block.get(key) or "")]).append(piece)
                return piece if key != "signature" else ""
            case "input_json_delta":
                self._texts.setdefault((index, "input"), []).append(self._own_text(delta["partial_json"]))
            case "citations_delta":
                block["citations"] = [*(block.get("citations") or []), self._own(delta["citation"])]
        return ""

    def _own(self, value: Any) -> Any:
        """The value, once it is sure that a request can carry it back."""
        sound = _sound(value)
        self._use(len(msgspec.json.encode(sound)))
        return sound

    def _own_text(self, piece: object) -> str:
        if not isinstance(piece, str):
            raise TypeError("a piece of text is no text")
        self._use(len(piece))
        return piece

    @property
    def tokens(self) -> Tokens:
        """Usage as last reported."""
        count = self.usage.get
        return Tokens(
            input=count("input_tokens", 0),
            output=count("output_tokens", 0),
            cache_write=count("cache_creation_input_tokens", 0),
            cache_read=count("cache_read_input_tokens", 0),
        )

    def content(self) -> str:
        """The JSON list of the blocks, in their order; safe to store and to draw."""
        blocks = []
        for index in sorted(self._blocks):
            block = dict(self._blocks[index])
            for (owner, key), pieces in self._texts.items():
                if owner != index:
                    continue
                text = "".join(pieces)
                if key == "input":
                    block.update(_tool_input(text))
                else:
                    block[key] = text
            blocks.append(_sound(block))
        return clean_json(msgspec.json.encode(blocks).decode())


def _tool_input(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        if isinstance(msgspec.json.decode(text), dict):
            return {"input": msgspec.Raw(text.encode())}
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        pass  # told to the model by the tool's result
    return {"input": {}, INVALID: text}


def _sound(value: Any) -> Any:
    """The value without lone surrogates, which no request could carry back."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_sound(key): _sound(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_sound(item) for item in value]
    return value
