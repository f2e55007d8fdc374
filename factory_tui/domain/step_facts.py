"""Facts about an agent's conversation: what it is told, each model call and its price, each tool it asks for.

Part of the closed set that is `domain.events`; import from there.
"""

from decimal import Decimal
from typing import Literal

from factory_tui.domain.fact import Fact
from factory_tui.domain.hostile import Text
from factory_tui.domain.money import Tokens

Purpose = Literal["agent", "judge", "summary"]


class Prompted(Fact, frozen=True, tag="prompted"):
    """A user message joined the agent's conversation. `content` is the JSON list of its blocks, as sent."""

    node: str
    origin: Literal["seed", "feedback", "checkpoint", "recovery", "answer", "steer", "reseed", "nudge"]
    content: Text
    system: Text = ""
    """The system prompt, on the first message of a conversation only."""
    told: int = 0
    """How many of the things that people said are in it."""


class CallReserved(Fact, frozen=True, tag="call-reserved"):
    """A model call is about to be sent; `money` is its worst case."""

    step: int
    attempt: int
    model: str
    purpose: Purpose
    money: Decimal
    tokens: int = 0
    """Its worst case in tokens."""


class CallSettled(Fact, frozen=True, tag="call-settled"):
    """A model call ended and was paid for; a failed one without usage at its reservation."""

    step: int
    attempt: int
    tokens: Tokens
    money: Decimal
    released: Decimal
    """The reservation this settles."""
    seconds: float
    outcome: Literal["answered", "failed", "cancelled", "possibly-paid-twice"]
    why: Text = ""
    purpose: Purpose = "agent"
    unsaid: int = 0
    """Tokens that count against caps beside `tokens`: nobody said what was used, so all that was reserved counts."""
    day: int = 0
    """The day it counts for, in days since 1970; 0: that of the event."""


class Answered(Fact, frozen=True, tag="answered"):
    """The model's finished message: the JSON list of its content blocks, exactly as received."""

    step: int
    model: str
    content: Text
    stop_reason: str
    seconds: float


class ConversationRebuilt(Fact, frozen=True, tag="conversation-rebuilt"):
    """The agent's conversation came near its model's window, and goes on from this one user message in its place."""

    node: str
    step: int
    """That of the call which wrote the summary."""
    content: Text
    """The JSON list of its blocks, as sent: seed, work tree, summary, and what the agent was told last."""
    before: int
    """Tokens of the conversation that it replaces."""
    after: int
    """Tokens of this one, at a guess."""
    window: int
    """Tokens that the model takes."""
    model: str = ""


class Disputed(Fact, frozen=True, tag="disputed"):
    """The agent says that what it is asked for contradicts itself; a person decides."""

    node: str
    text: Text


class ToolCalled(Fact, frozen=True, tag="tool-called"):
    """A tool the model asked for begins."""

    step: int
    call: str
    """The model's id for this call; also the id of the command in the cell."""
    tool: str
    brief: Text
    """One line for the trace: the command, or what is edited."""


class ToolReturned(Fact, frozen=True, tag="tool-returned"):
    """A tool's result, as the next user message will carry it."""

    step: int
    call: str
    output: Text
    failed: bool = False
    exit: int | None = None
    seconds: float = 0.0
    cut: int = 0
    """Bytes left out of the middle."""
