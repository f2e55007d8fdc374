"""Live frames: text as it streams, and what cells use. Shown and coalesced, never journalled."""

from typing import Literal

import msgspec

from factory_tui.domain.gauges import Gauge


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


class LiveCell(msgspec.Struct, frozen=True, tag_field="live", tag="cell"):
    """A cell that is up, and what it uses, for those who asked for it; the newest frame of a cell is all there is."""

    cell: str
    run: str
    role: str
    number: int
    """The pass that a trajectory looks at."""
    kind: str
    fenced: bool
    image: str
    since: int
    """UTC ms at which this engine got it."""
    gauge: Gauge | None = None
    """None: not looked at yet, or of a kind that cannot tell."""
    up: bool = True
    """False, once: it is gone."""


LiveStream = LiveText | LiveOutput
"""Text in pieces."""
LiveFrame = LiveStream | LiveCell
