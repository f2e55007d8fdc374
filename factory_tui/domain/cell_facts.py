"""Facts about cells and the checkpoints that run in them.

Part of the closed set that is `domain.events`; import from there.
"""

from typing import Literal

from factory_tui.domain.fact import Fact
from factory_tui.domain.gauges import Scarce
from factory_tui.domain.hostile import Text

CellRole = Literal["agent", "trajectory"]


class CellStarted(Fact, frozen=True, tag="cell-started"):
    """A cell is up."""

    cell: str
    role: CellRole
    kind: Literal["docker", "process"]
    fenced: bool
    seconds: float
    image: str = ""
    """What it was made from, by the name it was asked for; empty: a process cell, or an older journal."""
    image_id: str = ""
    """The same, by the container engine's own id."""
    recipe: str = ""
    """Digest of what the seed asked of it; empty: nothing but the workspace's image."""


class CellClosed(Fact, frozen=True, tag="cell-closed"):
    """A cell is gone: closed by us, or lost."""

    cell: str
    lost: bool = False
    why: Text = ""


class CellLacked(Fact, frozen=True, tag="cell-lacked"):
    """Something ran out in a run's cell while a command ran; its agent was told with the command's outcome."""

    cell: str
    what: Scarce
    limit: int
    """Bytes, or how many."""
    where: str = ""
    """The folder, where it is of one."""


class ImageLogged(Fact, frozen=True, tag="image-logged"):
    """What was said, since the last of these, while an image for the run's cells is built or pulled."""

    text: Text
    left_out: int = 0
    """Lines before these that were too many."""


class ImageReady(Fact, frozen=True, tag="image-ready"):
    """An image for the run's cells was built or pulled."""

    image: str
    seconds: float


class CheckpointRan(Fact, frozen=True, tag="checkpoint-ran"):
    """A checkpoint ended."""

    node: str
    command: Text
    exit: int
    output: Text
    seconds: float
    passed: bool
