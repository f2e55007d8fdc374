"""A conversation that comes near its model's window, and the one message that takes its place.

Owns when that is due, what is asked for the summary, and what the new message holds. The seed comes first in it, as it
was first sent, so that the endpoint's cache of tools, system prompt and seed still fits; and the summary is asked for
at the end of the very conversation that is in the cache.
"""

import json
from collections.abc import Sequence
from typing import Any

from factory_tui.agents.conversation import Conversation, said
from factory_tui.cells.protocol import Cell
from factory_tui.domain.hostile import clean

FULL = 0.8
"""Share of the window from which on a conversation is rebuilt."""
SUMMARY = 4_000
"""Tokens that a summary may have."""
_IMAGE = 1_600
"""Tokens of an image, whatever its bytes."""
_BYTES = 4
"""Bytes of a token, at a guess: for what the endpoint has not counted yet."""
_LISTED = 300
"""Files of the work tree that are named."""
_TREE = f"""
import os
found = []
for folder, folders, files in os.walk("."):
    folders[:] = sorted(name for name in folders if name != ".git")
    found += [os.path.join(folder, name)[2:] for name in sorted(files)]
    if len(found) > 100 * {_LISTED}:
        break
print("\\n".join(found[:{_LISTED}]))
if len(found) > {_LISTED}:
    print(f"({{len(found) - {_LISTED}}} more)")
"""
_ASKED = (
    "This conversation is about to be replaced by a summary of it, for it comes near the most that you can read. "
    "Write that summary now, and use no tool. For whoever goes on from it, who sees the request, the names of the "
    "files and your summary and nothing else, say: what is done and how it is built, what you found out and what did "
    "not work, what is left to do, and which step comes next."
)
_REPLACED = (
    "# Where the work stands\n\nYou have worked on this already. What was said since came near the most that you can "
    "read, and this stands in its place.\n\n## Files of the work tree\n\n{tree}\n\n## Your summary\n\n{summary}{cut}"
)
_NO_SUMMARY = "(You wrote none. Look at the work tree before you go on.)"
_CUT = (
    "\n\n## Left out\n\nThe results of your last calls were too long for the summary to know of them. Ask again for "
    "what you need, in smaller pieces."
)
_LAST = "# What you were told last\n\nIt was said before the summary was written, so some of it may be done."
_GO_ON = "Go on from here."


def due(talk: Conversation, window: int, tools: Sequence[dict[str, Any]]) -> bool:
    """Whether the next request is too near the window. One that was never answered may fill it."""
    most = window if not answers(talk) and not talk.rebuilt else int(window * FULL)
    return occupied(talk, tools) >= most


def occupied(talk: Conversation, tools: Sequence[dict[str, Any]]) -> int:
    """Tokens of the next request: what the endpoint counted, and a guess at what came since."""
    if not talk.used:
        return weight(talk.system, tools, json.dumps(talk.messages))
    return talk.used + (_weight(talk.messages[-1:]) if talk.messages[-1]["role"] == "user" else 0)


def answers(talk: Conversation) -> int:
    """How often the model answered in it."""
    return sum(message["role"] == "assistant" for message in talk.messages)


def weight(system: str, tools: Sequence[dict[str, Any]], messages: str) -> int:
    """Tokens of a request, at a guess."""
    return (len(system.encode()) + len(json.dumps(list(tools)))) // _BYTES + _weight(json.loads(messages))


def _weight(messages: Sequence[dict[str, Any]]) -> int:
    blocks = [block for one in messages for block in one.get("content", [one])]
    images: int = sum(block.get("type") == "image" for block in blocks)
    text = [block for block in blocks if block.get("type") != "image"]
    return images * _IMAGE + len(json.dumps(text, ensure_ascii=False).encode()) // _BYTES


def question(talk: Conversation, room: int, tools: Sequence[dict[str, Any]]) -> tuple[tuple[dict[str, Any], ...], bool]:
    """The conversation with the question for its summary, and whether all of it fits the room."""
    whole = occupied(talk, tools) <= room or len(talk.messages) <= 2
    # Cut after a user's message, so that every call keeps its result; what is before it was sent once, and fitted.
    kept = talk.messages if whole else talk.messages[: -2 if talk.messages[-1]["role"] == "user" else -1]
    return said(kept, [_text(_ASKED)]), whole


def message(talk: Conversation, tree: str, answer: str, *, whole: bool) -> list[dict[str, Any]]:
    """The blocks of the message that takes its place; `answer`: those in which the model summed it up."""
    words = "\n\n".join(str(block.get("text", "")) for block in json.loads(answer) if block.get("type") == "text")
    stands = _REPLACED.format(tree=tree, summary=words.strip() or _NO_SUMMARY, cut="" if whole else _CUT)
    told = [block for _, blocks in talk.told for block in blocks]
    last = [_text(_LAST), *told] if told else []
    return [*talk.seed, _text(stands), *last, _text(_GO_ON)]


async def listing(cell: Cell) -> str:
    """The names of the work tree's files, as the agent's own commands would list them."""
    outcome = await cell.run(["python3", "-I", "-c", _TREE], timeout=30.0, limit=16_000)
    if outcome.exit or outcome.lost:
        return "(They could not be listed.)"
    return clean(outcome.stdout.decode("utf-8", "replace")).strip() or "(none)"


def too_long(tokens: int, model: str, window: int) -> str:
    """Why such a conversation cannot be sent, for the operator."""
    return (
        f"the agent's conversation takes about {tokens} tokens, though it holds nothing but the seed, the names of "
        f"the files, a summary and what was said last; model {model} takes {window} (`window`). Remedy: name a "
        "model of a larger window in config.toml, or make the seed smaller; then resume the run."
    )


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}
