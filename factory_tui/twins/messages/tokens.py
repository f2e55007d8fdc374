"""Token counts and cache accounting of the twin, by one rule each, from the request alone.

**Counting.** A text costs ceil(UTF-8 bytes / 4). On top: 4 a message, 8 a tool call or tool result, 16 a tool with a
schema (and its JSON at the rate of text), 245 the bash tool and 700 a text editor (the figures of the API's pages on
those tools), 346 once when any tool is offered, 1,500 a picture. Other blocks cost their JSON at the rate of text.

**Cache.** Prompt order is tools, system, messages. A breakpoint caches everything up to its block, if that is at
least 1,024 tokens (the API's figure for most models). The twin keeps nothing, so what was cached is derived:

- *sent* is all that precedes the last assistant turn: that turn answered exactly this prompt, so it was sent before.
- An entry exists at each of this request's breakpoints that lies inside *sent*; and at the end of *sent*, if a
  breakpoint of the last user turn lies within the API's look-back of 20 blocks: a client that moves its breakpoint
  along with the conversation had it there one request earlier.
- `cache_read` = the longest such entry; `cache_creation` = from there to the last breakpoint, told apart by ttl (what
  precedes the last 1h breakpoint is 1h); `input_tokens` = what follows the last breakpoint.

So the first request of a conversation always writes and never reads, and time never expires an entry.
"""

import msgspec

from factory_tui.twins.messages.request import (
    Block,
    CacheControl,
    Image,
    Prompt,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
)

MIN_CACHEABLE = 1024
LOOK_BACK = 20
MESSAGE, CALL, SCHEMA_TOOL, TOOL_PREAMBLE, IMAGE = 4, 8, 16, 346, 1500
NATIVE = {"bash": 245, "text_editor": 700}


def text_tokens(text: str) -> int:
    """Count a text: ceil(UTF-8 bytes / 4)."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return (size + 3) // 4


def call_tokens(name: str, arguments: dict[str, object]) -> int:
    """Count a tool call with its input as JSON."""
    return CALL + text_tokens(name) + _json_tokens(arguments)


def _json_tokens(value: object) -> int:
    return (len(msgspec.json.encode(value)) + 3) // 4


def _tool_tokens(tool: Tool) -> int:
    if tool.input_schema is None:
        return next((cost for kind, cost in NATIVE.items() if str(tool.type).startswith(kind)), SCHEMA_TOOL)
    return SCHEMA_TOOL + text_tokens(tool.name + (tool.description or "")) + _json_tokens(tool.input_schema)


def _block_tokens(block: Block) -> int:
    match block:
        case Text(text=text) | Thinking(thinking=text):
            return text_tokens(text)
        case ToolUse(name=name, input=arguments):
            return call_tokens(name, arguments)
        case ToolResult(content=str() as text):
            return CALL + text_tokens(text)
        case ToolResult(content=list() as parts):
            return CALL + sum(_block_tokens(part) for part in parts)
        case Image():
            return IMAGE
        case _:
            return _json_tokens(block)


def _mark(block: Block) -> CacheControl | None:
    """Return the block's breakpoint; one inside a tool result counts as the result's."""
    if block.cache_control is None and isinstance(block, ToolResult) and not isinstance(block.content, str):
        return next((part.cache_control for part in block.content if part.cache_control), None)
    return block.cache_control


class Ledger:
    """The prompt as a row of parts: running token totals, breakpoints, and how much of it was sent before."""

    def __init__(self, request: Prompt) -> None:
        self.totals: list[int] = []
        self.marks: list[tuple[int, str]] = []
        self.sent = 0
        self.answered = 0
        self._total = TOOL_PREAMBLE if request.tools else 0
        for tool in request.tools:
            self._add(_tool_tokens(tool), tool.cache_control)
        system = [Text(request.system)] if isinstance(request.system, str) else request.system
        for part in system:
            self._add(text_tokens(part.text), part.cache_control)
        for turn in request.turns:
            if turn.role == "assistant":
                self.sent = len(self.totals)
            self._total += MESSAGE
            for block in turn.blocks:
                self._add(_block_tokens(block), _mark(block))
            if turn.role == "assistant":
                self.answered = len(self.totals)
        if request.cache_control and (not self.marks or self.marks[-1][0] != len(self.totals)):
            self.marks.append((len(self.totals), request.cache_control.ttl))

    def _add(self, tokens: int, mark: CacheControl | None) -> None:
        self._total += tokens
        self.totals.append(self._total)
        if mark:
            self.marks.append((len(self.totals), mark.ttl))

    def upto(self, count: int) -> int:
        """Return the tokens of the first `count` parts."""
        return self.totals[count - 1] if count else 0


def count(request: Prompt) -> int:
    """Count the whole prompt, whatever a cache makes of it."""
    return Ledger(request).totals[-1]


def usage(request: Prompt, output_tokens: int) -> dict[str, object]:
    """Return the `usage` object of a message: input, cache creation by ttl, cache read, output."""
    ledger = Ledger(request)
    marks = [(at, ttl) for at, ttl in ledger.marks if ledger.upto(at) >= MIN_CACHEABLE]
    entries = [at for at, _ in marks if at <= ledger.sent]
    if any(ledger.answered < at <= ledger.sent + LOOK_BACK for at, _ in marks) and ledger.sent:
        entries.append(ledger.sent)
    read = max((ledger.upto(at) for at in entries if ledger.upto(at) >= MIN_CACHEABLE), default=0)
    cached = max((ledger.upto(at) for at, _ in marks), default=0)
    hour = max((ledger.upto(at) for at, ttl in marks if ttl == "1h"), default=0)
    hour_written = max(hour - read, 0)
    return {
        "input_tokens": ledger.totals[-1] - cached,
        "output_tokens": output_tokens,
        "cache_creation_input_tokens": cached - read,
        "cache_read_input_tokens": read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": cached - read - hour_written,
            "ephemeral_1h_input_tokens": hour_written,
        },
        "service_tier": "standard",
    }
