"""The stage of one trajectory: its cell, what is known so far, and how its acts went.

Owns what every kind of act shares, and how evidence shortens what came back. Knows no kind of act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from factory_tui.cells.protocol import CellDied, CellError, NoEngine
from factory_tui.harness.draws import render
from factory_tui.harness.shapes import TIMES

if TYPE_CHECKING:
    from factory_tui.cells.protocol import Cell, Outcome, Service
    from factory_tui.harness.draws import Drawn, Inputs
    from factory_tui.harness.hosting import Hosted

SHOWN = 600
"""Characters of a stream, file or body that evidence keeps."""


class Unsatisfied(Exception):  # noqa: N818
    """The product failed in a way that no expectation puts in words."""


class Unfair(Exception):  # noqa: N818
    """The scenario makes no sense of its own draws: nothing that the product did."""


class Step(msgspec.Struct, frozen=True):
    """One act as it went: what was asked and what came back, each in a line."""

    title: str
    asked: str
    answered: str


class Stage:
    """Where the acts of a scenario are played."""

    def __init__(self, cell: Cell, inputs: Drawn) -> None:
        self.cell = cell
        self.source = inputs.source()
        self.names: dict[str, Any] = dict(inputs)
        """Draws, computed values and captures, for templates."""
        self.services: dict[str, Service] = {}
        self.twins: dict[str, Hosted] = {}
        self.env: dict[str, str] = {}
        """What all of the product is told: where the twins are."""
        self.ends = float("inf")
        """When its time is up, by the monotonic clock."""
        self.shift = 0.0
        """Seconds that the product's clock is off, where the scenario sets one."""
        self.steps: list[Step] = []
        self.took: list[float] = []
        """Seconds of each time that the act at hand was done."""
        self.done = 0
        """Acts that were as wanted."""
        self.errors = ""
        """The end of what the last command wrote to stderr."""
        self.touched = False
        """Whether anything of the product has run: from then on a broken cell may be its doing."""

    async def write(self, path: str, data: bytes) -> None:
        """Put a file of the scenario's in place. Raises Unsatisfied, CellDied, NoEngine.

        What is in the way is the product's own: were that void, it could choose what is counted.
        """
        try:
            await self.cell.write(path, data)
        except (CellDied, NoEngine):
            raise
        except CellError as error:
            raise Unsatisfied(f"the file {path!r} cannot be put in place: {error}") from error


def times(repeat: int | str, names: Inputs) -> int:
    """How often something is repeated. Raises Unsatisfied."""
    number = render(repeat, names)
    if not isinstance(number, int) or not 1 <= number <= TIMES:
        raise Unsatisfied(f"{number!r} is no number of times: 1 to {TIMES} are")
    return number


def brief(data: bytes | str) -> str:
    """What was sent or came back, with its middle cut: a file's header is at its head."""
    line = data if isinstance(data, str) else data.decode("utf-8", "replace")
    return line if len(line) <= SHOWN else f"{line[: SHOWN * 2 // 3]} [...] {line[-SHOWN // 3 :]}"


def tail(data: bytes) -> str:
    """The end of a log: what went wrong last."""
    line = data.decode("utf-8", "replace")
    return line if len(line) <= SHOWN else f"[...] {line[-SHOWN:]}"


def lacked(outcome: Outcome) -> str:
    """What of its cell ran out while it ran: a symptom like any other."""
    return "".join(f"\n({lack})" for lack in outcome.lacked)
