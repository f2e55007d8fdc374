"""The request of the Messages API: its shape, how a body becomes one, and the text a rule may look at.

Shapes follow the parameter types of the anthropic SDK (`MessageCreateParams`), less what a provider runs itself
(server tools, containers), plus the sampling fields that older models take. Knows no rule, no token and no HTTP.
"""

import re
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, NoReturn, TypeVar

import msgspec
from msgspec import Meta, Struct

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""HTTP status -> `error.type`, from the API's page on errors."""


class RequestError(Exception):
    """A request that the API answers with an error body: HTTP status and the message for `error.message`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def reject(message: str) -> NoReturn:
    """Raise the `RequestError` of an invalid request."""
    raise RequestError(400, message)


def error_body(status: int, message: str, request_id: str) -> bytes:
    """Return the documented error body; a status without a name of its own is named after its class."""
    kind = ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id})


class CacheControl(Struct, forbid_unknown_fields=True, frozen=True):
    """A cache breakpoint."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class Text(Struct, tag="text", forbid_unknown_fields=True):
    """Text of either side."""

    text: str
    cache_control: CacheControl | None = None
    citations: list[dict[str, object]] | None = None


class Image(Struct, tag="image", forbid_unknown_fields=True):
    """A picture."""

    source: dict[str, object]
    cache_control: CacheControl | None = None
    transformations: dict[str, object] | None = None


class Document(Struct, tag="document", forbid_unknown_fields=True):
    """A document, counted but not looked at."""

    source: dict[str, object]
    cache_control: CacheControl | None = None
    citations: dict[str, object] | None = None
    context: str | None = None
    title: str | None = None


class SearchResult(Struct, tag="search_result", forbid_unknown_fields=True):
    """A search result with its text."""

    content: list[Text]
    source: str
    title: str
    cache_control: CacheControl | None = None
    citations: dict[str, object] | None = None


class Thinking(Struct, tag="thinking", forbid_unknown_fields=True):
    """A thinking block sent back."""

    thinking: str
    signature: str

    @property
    def cache_control(self) -> None:
        """Return nothing: thinking takes no breakpoint."""
        return


class RedactedThinking(Struct, tag="redacted_thinking", forbid_unknown_fields=True):
    """A redacted thinking block sent back."""

    data: str

    @property
    def cache_control(self) -> None:
        """Return nothing: thinking takes no breakpoint."""
        return


class ToolUse(Struct, tag="tool_use", forbid_unknown_fields=True):
    """A tool call that the model made earlier."""

    id: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]+\Z")]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    input: dict[str, object]
    cache_control: CacheControl | None = None
    caller: dict[str, object] | None = None
    toolset_name: str | None = None


class ToolResult(Struct, tag="tool_result", forbid_unknown_fields=True):
    """What a tool call gave."""

    tool_use_id: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]+\Z")]
    content: str | list[Text | Image | Document | SearchResult] = ""
    is_error: bool = False
    cache_control: CacheControl | None = None
    toolset_name: str | None = None


Block = Text | Image | Document | SearchResult | Thinking | RedactedThinking | ToolUse | ToolResult


class Message(Struct, forbid_unknown_fields=True):
    """One message as sent."""

    role: Literal["user", "assistant"]
    content: str | list[Block]


class Tool(Struct, forbid_unknown_fields=True):
    """A tool on offer: native (`type` names its version) or with an `input_schema`."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    type: str | None = None
    input_schema: dict[str, object] | None = None
    description: str | None = None
    cache_control: CacheControl | None = None
    max_characters: int | None = None
    strict: bool | None = None
    defer_loading: bool | None = None
    eager_input_streaming: bool | None = None
    allowed_callers: list[str] | None = None
    input_examples: list[dict[str, object]] | None = None


class ToolChoice(Struct, forbid_unknown_fields=True):
    """Which tool the model may call."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Turn(NamedTuple):
    """Consecutive messages of one role, combined as the API does; `at` is the index of the first message."""

    role: str
    blocks: list[Block]
    at: int


class Prompt(Struct, forbid_unknown_fields=True, dict=True, kw_only=True):
    """What the token counter and a generation have in common."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    messages: list[Message]
    system: str | list[Text] = ""
    tools: list[Tool] = []
    tool_choice: ToolChoice | None = None
    thinking: dict[str, object] | None = None
    cache_control: CacheControl | None = None
    output_config: dict[str, object] | None = None
    speed: Literal["standard", "fast"] | None = None
    user_profile_id: str | None = None
    workspace_id: str | None = None

    @cached_property
    def turns(self) -> list[Turn]:
        """The conversation as alternating turns."""
        turns: list[Turn] = []
        for at, message in enumerate(self.messages):
            blocks = [Text(message.content)] if isinstance(message.content, str) else message.content
            if turns and turns[-1].role == message.role:
                turns[-1].blocks.extend(blocks)
            else:
                turns.append(Turn(message.role, list(blocks), at))
        return turns

    @cached_property
    def system_text(self) -> str:
        """The system prompt."""
        return self.system if isinstance(self.system, str) else "\n".join(block.text for block in self.system)

    @cached_property
    def last_text(self) -> str:
        """Texts and tool results of the last turn."""
        return "\n".join(text_of(block) for block in self.turns[-1].blocks)

    @cached_property
    def earlier_text(self) -> str:
        """The system prompt and everything before the last turn; tool inputs as JSON."""
        before = (text_of(block) for turn in self.turns[:-1] for block in turn.blocks)
        return "\n".join((self.system_text, *before))


class Request(Prompt, kw_only=True):
    """A request for a message."""

    max_tokens: int
    stream: bool = False
    stop_sequences: list[str] = []
    metadata: dict[str, object] | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    inference_geo: str | None = None
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None


def text_of(block: Block) -> str:
    """Return what a rule can read in a block: texts as they are, a tool's input as JSON, nothing of pictures."""
    match block:
        case Text(text=text):
            return text
        case ToolResult(content=content):
            return content if isinstance(content, str) else "\n".join(text_of(part) for part in content)
        case ToolUse(input=input):
            return msgspec.json.encode(input).decode()
        case Thinking(thinking=thinking):
            return thinking
        case SearchResult(content=parts):
            return "\n".join(part.text for part in parts)
        case _:
            return ""


P = TypeVar("P", bound=Prompt)
_REQUESTS = {kind: msgspec.json.Decoder(kind) for kind in (Request, Prompt)}
_WHERE = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?\Z", re.DOTALL)
_FIELD = re.compile(r"Object (?P<how>missing required|contains unknown) field `(?P<field>.*)`\Z", re.DOTALL)


def decode(body: bytes, kind: type[P]) -> P:
    """Return the request in `body`.

    Raises:
        RequestError: the body is no JSON, or no request; the message names the field as the API does.
    """
    try:
        request = _REQUESTS[kind].decode(body)
    except msgspec.ValidationError as error:
        reject(_field_message(str(error)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reject(f"The request body is not valid JSON: {error}")
    assert isinstance(request, kind)  # noqa: S101 - what the decoder was made for
    return request


def _field_message(message: str) -> str:
    found = _WHERE.match(message)
    what, path = (found["what"], found["path"] or "") if found else (message, "")
    path = re.sub(r"\[(.*?)\]", r".\1", path).strip(".")
    if field := _FIELD.match(what):
        path = f"{path}.{field['field']}".strip(".")
        what = "Field required" if field["how"].startswith("missing") else "Extra inputs are not permitted"
    return f"{path}: {what}" if path else what
