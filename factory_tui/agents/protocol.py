"""What an agent is to the engine: someone who takes a prompt and a cell, and says when the work is done.

Owns the contract only.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal, Protocol

import msgspec

from factory_tui.cells.protocol import Cell
from factory_tui.domain.events import AnyFact
from factory_tui.domain.scribe import Scribe

Gate = Callable[[], Awaitable[None]]
"""Awaited before every model call and every tool; the engine lets it wait while a run is paused."""
Heed = Callable[[], "Prompt | None"]
"""What people said that the agent has not been told, as one message; asked before every model call, and at the end."""
Beside = Callable[[int], Awaitable[None]]
"""Awaited beside every model call, with the last step, while no tool is at work; cancelled once the model answered."""
Watch = Callable[[str, str], None]
"""Sees what a text is, and the text, before the agent has it; raises what keeps it from the agent."""
Origin = Literal["seed", "feedback", "checkpoint", "recovery", "answer", "steer", "reseed", "nudge"]


class Prompt(msgspec.Struct, frozen=True):
    """What is said to the agent: blocks of the Messages API. With a `system` prompt, a new conversation begins."""

    origin: Origin
    content: tuple[dict[str, Any], ...]
    system: str = ""
    told: int = 0
    """How many of the things that people said are in it."""

    @property
    def words(self) -> str:
        """All text of it."""
        return "\n".join((self.system, *(str(block.get("text", "")) for block in self.content)))


class Generated(msgspec.Struct, frozen=True):
    """The agent is done, or cannot go on by itself; then `why` says what stopped it.

    One that is circling does the same again and again, one that disputes says in `why` what contradicts what: then
    somebody else has to say how it goes on.
    """

    status: Literal["success", "fail", "circling", "disputes"]
    why: str = ""


class Agent(Protocol):
    """Who writes the code. Its tools touch nothing but the cell."""

    async def generate(
        self,
        scribe: Scribe,
        cell: Cell,
        past: Iterable[AnyFact],
        *,
        node: str,
        prompt: Prompt | None,
        gate: Gate,
        heed: Heed,
        beside: Beside,
    ) -> Generated:
        """Work until there is nothing left to do.

        `past` holds the run's facts so far, oldest first (others than the conversation's may be among them). `prompt`
        is None when it is already among them: then the work goes on where it stopped, and nothing that was answered
        is asked again. Raises ProviderHeld, and CellDied when the cell ends under its work; both may be called again.
        """
        ...
