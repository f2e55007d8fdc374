"""The rules of the Messages API that a shape cannot say: order of roles, tool pairing, breakpoints, tools.

Wording follows the error bodies that the API is known to send, so that a client which reads them finds the same here.
Narrower than the API on purpose: no prefill (as current models), no server tools, no system role inside `messages`,
no `max_tokens = 0`.
"""

from collections.abc import Iterator

from factory_tui.twins.messages.pictures import check_pictures
from factory_tui.twins.messages.request import (
    Block,
    CacheControl,
    Prompt,
    RedactedThinking,
    Request,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
    reject,
)

MAX_BREAKPOINTS = 4
NATIVE_TOOLS = {
    "bash_20250124": "bash",
    "text_editor_20250124": "str_replace_editor",
    "text_editor_20250429": "str_replace_based_edit_tool",
    "text_editor_20250728": "str_replace_based_edit_tool",
}
"""Native tool type -> the only name it may carry."""


def check(request: Prompt) -> None:
    """Hold a request against the rules of the API.

    Raises:
        RequestError: status 400, with the message that the API would send.
    """
    if isinstance(request, Request):
        _check_generation(request)
    if not request.messages:
        reject("messages: at least one message is required")
    if request.messages[0].role != "user":
        reject('messages: first message must use the "user" role')
    _check_content(request)
    check_pictures(request)
    if request.turns[-1].role != "user":
        reject("This model does not support assistant message prefill. The conversation must end with a user message.")
    _check_pairs(request.turns)
    _check_tools(request)
    _check_breakpoints(request)


def _check_generation(request: Request) -> None:
    if request.max_tokens < 1:
        reject("max_tokens: Input should be greater than or equal to 1")
    if any(not stop.strip() for stop in request.stop_sequences):
        reject("stop_sequences: each stop sequence must contain non-whitespace")


def _check_content(request: Prompt) -> None:
    if not isinstance(request.system, str) and any(not block.text for block in request.system):
        reject("system: text content blocks must be non-empty")
    for at, message in enumerate(request.messages):
        if not message.content:
            reject(
                f"messages.{at}: all messages must have non-empty content "
                "except for the optional final assistant message"
            )
        if isinstance(message.content, str):
            continue
        for index, block in enumerate(message.content):
            if isinstance(block, Text) and not block.text:
                reject("messages: text content blocks must be non-empty")
            if not _may_say(message.role, block):
                kind = type(block).__struct_config__.tag
                reject(f"messages.{at}.content.{index}: `{kind}` blocks are not allowed in `{message.role}` messages")


def _may_say(role: str, block: Block) -> bool:
    if isinstance(block, Text):
        return True
    return isinstance(block, ToolUse | Thinking | RedactedThinking) == (role == "assistant")


def _check_pairs(turns: list[Turn]) -> None:
    """Hold every tool call against its one result at the head of the next turn."""
    seen: set[str] = set()
    asked: list[str] = []
    asked_at = 0
    for turn in turns:
        if turn.role == "assistant":
            asked = [block.id for block in turn.blocks if isinstance(block, ToolUse)]
            asked_at = turn.at
            if len(set(asked)) < len(asked) or not seen.isdisjoint(asked):
                reject("messages: `tool_use` ids must be unique")
            seen.update(asked)
            continue
        given = _leading_results(turn)
        if unanswered := [call for call in asked if call not in given]:
            reject(
                f"messages.{asked_at}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(unanswered)}. "
                "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
            )
        answered: set[str] = set()
        for index, block in enumerate(turn.blocks):
            if not isinstance(block, ToolResult):
                continue
            if block.tool_use_id not in asked:
                reject(
                    f"messages.{turn.at}.content.{index}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{block.tool_use_id}. "
                    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
            if block.tool_use_id in answered:
                reject(
                    f"messages.{turn.at}.content.{index}: each tool_use must have a single result. "
                    f"Found multiple `tool_result` blocks with id: {block.tool_use_id}"
                )
            answered.add(block.tool_use_id)
        asked = []


def _leading_results(turn: Turn) -> set[str]:
    given: set[str] = set()
    for block in turn.blocks:
        if not isinstance(block, ToolResult):
            break
        given.add(block.tool_use_id)
    return given


def _check_tools(request: Prompt) -> None:
    names = [tool.name for tool in request.tools]
    if len(set(names)) < len(names):
        reject("tools: Tool names must be unique.")
    for at, tool in enumerate(request.tools):
        _check_tool(at, tool)
    choice = request.tool_choice
    if choice is None:
        return
    if choice.type == "tool" and choice.name not in names:
        reject(f"tool_choice: Tool '{choice.name}' not found in provided tools")
    if choice.type != "tool" and choice.name is not None:
        reject(f"tool_choice.{choice.type}.name: Extra inputs are not permitted")
    if choice.type != "none" and not names:
        reject("tool_choice: tool_choice may only be specified while providing tools")


def _check_tool(at: int, tool: Tool) -> None:
    if tool.type in (None, "custom"):
        if tool.input_schema is None:
            reject(f"tools.{at}.custom.input_schema: Field required")
        if tool.input_schema.get("type") != "object":
            reject(f"tools.{at}.custom.input_schema.type: Input should be 'object'")
        if tool.max_characters is not None:
            reject(f"tools.{at}.custom.max_characters: Extra inputs are not permitted")
        return
    name = NATIVE_TOOLS.get(str(tool.type))
    if name is None:
        reject(f"tools.{at}: Input tag '{tool.type}' found using 'type' does not match any of the expected tags")
    if tool.name != name:
        reject(f"tools.{at}.{tool.type}.name: Input should be '{name}'")
    for field in ("input_schema", "description", "eager_input_streaming"):
        if getattr(tool, field) is not None:
            reject(f"tools.{at}.{tool.type}.{field}: Extra inputs are not permitted")
    if tool.max_characters is not None and name == "bash":
        reject(f"tools.{at}.{tool.type}.max_characters: Extra inputs are not permitted")


def _check_breakpoints(request: Prompt) -> None:
    marks = list(_marks(request))
    if len(marks) > MAX_BREAKPOINTS:
        reject(f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {len(marks)}.")
    ttls = [mark.ttl for mark in marks]
    if ttls != sorted(ttls):
        reject(
            "cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
            "Note that blocks are processed in the following order: `tools`, `system`, `messages`."
        )


def _marks(request: Prompt) -> Iterator[CacheControl]:
    parts: list[Tool | Text | Block] = [*request.tools]
    if not isinstance(request.system, str):
        parts += request.system
    for turn in request.turns:
        parts += turn.blocks
    for part in parts:
        if part.cache_control:
            yield part.cache_control
        if isinstance(part, ToolResult) and not isinstance(part.content, str):
            yield from (inner.cache_control for inner in part.content if inner.cache_control)
    if request.cache_control:
        yield request.cache_control
