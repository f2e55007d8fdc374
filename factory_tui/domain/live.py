"""Live frames: text as it streams. Shown and coalesced, never journalled; the finished message is an event."""

from typing import Literal

import msgspec


class LiveText(msgspec.Struct, frozen=True, tag_field="live", tag="text"):
    """A piece of the model's answer as it arrives, cleaned of control sequences."""

    run: str
    step: int
    text: str


class LiveOutput(msgspec.Struct, frozen=True, tag_field="live", tag="output"):
    """A piece of a command's output as it arrives, cleaned of control sequences."""

    run: str
    call: str
    stream: Literal["stdout", "stderr"]
    text: str


LiveFrame = LiveText | LiveOutput
