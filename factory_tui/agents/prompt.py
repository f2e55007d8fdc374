"""What the agent is told before it begins: who it is, where it works, what holds, and what is wanted.

Pure. Owns the words; knows nothing of how the work will be judged.
"""

import base64
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from factory_tui.agents.protocol import Prompt
from factory_tui.domain.pictures import EDGE, EDGE_OF_MANY, LARGEST, MANY, MOST, Broken, Picture, picture

_LARGEST_TEXT = 100_000
"""Characters of an attachment that are shown; the file itself may be longer."""

_SYSTEM = """\
You are the engineer of a software factory. You work alone: nobody reads along, and nobody answers questions. You
build what the request describes, and you leave it working.

# Where you work
Your work tree is {work}. Everything you make belongs there; it is handed over as it is when you stop. Each command
runs in a fresh bash in the work tree: directory, variables and background processes do not outlive it. There is no
network. A command is stopped after {timeout:g} seconds.

# What holds
{rules}

# How to work
- Read what is there before you change it. Do what was asked, wholly, and nothing else.
- Build for the user who will run it: bad input, empty input and repeated use are part of the work.
- Run what you wrote, and its tests, before you say that it is done. Never make a failing test pass by weakening it.
- Where the request leaves something open, take the plain reading and note it in README.md.
- When you are told that something did not satisfy, find the cause in the code before you change anything.
- Where the request contradicts itself, or what you are told of your work contradicts the request, so that no program
  can satisfy both, stop using tools and answer with a line that begins with `DISPUTE:` and quotes both. A person then
  decides. What is only hard or left open is no dispute.
- When the work is done, stop using tools and say in a few sentences what you built and how it is run.
"""
RULES = (
    "Use Python 3 with its standard library only, unless the request says otherwise.",
    "Put unit tests in tests/, runnable by `python3 -m unittest discover -s tests` from the work tree.",
    "Leave no scratch files, logs or caches behind.",
)


class Attachment(msgspec.Struct, frozen=True):
    """A file that came with the seed; `path` is relative to the seed's folder."""

    path: str
    data: bytes


def system_prompt(work: str, *, timeout: float, standards: str = "", rules: Sequence[str] = RULES) -> str:
    """The system prompt; `standards` is the text of standards.md, `timeout` the seconds a command may take."""
    text = _SYSTEM.format(work=work, timeout=timeout, rules="\n".join(f"- {rule}" for rule in rules))
    return f"{text}\n# Standards of this house\n{standards.strip()}\n" if standards.strip() else text


def seed_prompt(prose: str, attachments: Iterable[Attachment], system: str) -> Prompt:
    """The first message of a conversation: what is wanted, with everything that came along."""
    blocks: list[dict[str, Any]] = [_text(f"# The request\n\n{prose.strip()}")]
    attached = list(attachments)
    pictures = {one.path: found for one in attached if (found := _pictured(one.data))}
    edge = EDGE_OF_MANY if len(pictures) > MANY else EDGE
    for attachment in attached:
        shown = list(pictures).index(attachment.path) < MOST if attachment.path in pictures else False
        blocks += _attached(attachment, pictures.get(attachment.path), edge if shown else 0)
    return Prompt("seed", tuple(blocks), system)


def _pictured(data: bytes) -> Picture | Broken | None:
    try:
        return picture(data)
    except Broken as broken:
        return broken


def _attached(attachment: Attachment, found: Picture | Broken | None, edge: int) -> list[dict[str, Any]]:
    """As a picture, as text, or with the words why it cannot be shown; the API would refuse the whole request."""
    head = f"# Attachment: {attachment.path}"
    if isinstance(found, Broken):
        return [_text(f"{head}\n\n({found}: it cannot be shown)")]
    if found is not None:
        data = base64.b64encode(attachment.data).decode()
        if max(found.width, found.height) <= edge and len(data) <= LARGEST:
            source = {"type": "base64", "media_type": found.kind, "data": data}
            return [_text(head), {"type": "image", "source": source}]
        size = f"{found.kind} of {found.width} x {found.height} pixels and {len(attachment.data)} bytes"
        return [_text(f"{head}\n\n({size}: too large to be shown, or one of too many)")]
    try:
        text = attachment.data.decode("utf-8")
    except UnicodeDecodeError:
        return [_text(f"{head}\n\n({len(attachment.data)} bytes that are no text and cannot be shown)")]
    shown = text[:_LARGEST_TEXT]
    rest = f"\n({len(text) - len(shown)} characters more)" if len(shown) < len(text) else ""
    return [_text(f"{head}\n\n{shown}{rest}")]


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}
