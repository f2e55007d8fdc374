"""The conversation of a run, as a fold over its facts: what was said, what is still to be done.

Pure. The messages are the same, byte for byte, whether they are folded live or from the journal, so that a resumed run
sends what it would have sent and the endpoint's prompt cache still fits.
"""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from factory_tui.domain.events import (
    Answered,
    AnyFact,
    CallSettled,
    ConversationRebuilt,
    Prompted,
    RunRestarted,
    ToolCalled,
    ToolReturned,
)
from factory_tui.domain.money import Tokens
from factory_tui.model.stream import INVALID
from factory_tui.policy.circles import CALLS, circle, digest

DISPUTE = "DISPUTE:"
"""How the line begins by which an agent says that what it is asked for contradicts itself."""
UNANSWERED = "Not run: the conversation went on without this call."


class ToolUse(msgspec.Struct, frozen=True):
    """A tool the model asked for and has no result of yet."""

    step: int
    call: str
    tool: str
    input: dict[str, Any]
    invalid: str | None = None
    """The input as received where that is no JSON object."""
    begun: bool = False
    """Whether it was begun, perhaps by an engine that is gone."""
    again: bool = False
    """Whether the model used this id before; then the id names no command in the cell."""


class Conversation(msgspec.Struct, frozen=True):
    """What the agent knows. `messages` may be sent whenever nothing is pending."""

    system: str = ""
    messages: tuple[dict[str, Any], ...] = ()
    pending: tuple[ToolUse, ...] = ()
    """Tools asked for by the last answer, in order, that have not returned; the next prompt gives up on them."""
    step: int = 0
    """Of the last answer, over the whole run."""
    steps: int = 0
    """Answers since the last prompt that was no nudge."""
    nudges: int = 0
    """Nudges since the last prompt or the last answer that used tools to the end."""
    stop: str = ""
    """Why the last answer stopped; empty while a prompt waits for its answer."""
    asked: bool = False
    """Whether the last answer asked for tools."""
    empty: bool = False
    """Whether the last answer said nothing and asked for nothing."""
    dispute: str = ""
    """What the last answer, which asked for no tool, says against what was asked for."""
    calls: frozenset[str] = frozenset()
    lately: tuple[str, ...] = ()
    """Digests of the newest calls with their results, since the last prompt."""
    circles: int = 0
    """Nudges out of a circle since the last prompt that was no nudge."""
    seed: tuple[dict[str, Any], ...] = ()
    """What is wanted, as it was said at first, and every change of it since."""
    told: tuple[tuple[str, tuple[dict[str, Any], ...]], ...] = ()
    """By origin: the last feedback, the last checkpoint since, and what people said since."""
    used: int = 0
    """Tokens up to the last answer, as the endpoint counted them; 0 while it did not."""
    counted: tuple[int, int, str] = (0, 0, "")
    """How many messages the last answer was to, what they took as the endpoint counted, and the model that it knows."""
    rebuilt: bool = False
    """Whether it stands in the place of one that came near the model's window."""

    @classmethod
    def fold(cls, facts: Iterable[AnyFact]) -> "Conversation":
        """The conversation after these facts of one run, oldest first."""
        talk = cls()
        for fact in facts:
            talk = talk.take(fact)
        return talk

    def take(self, fact: AnyFact) -> "Conversation":
        """The conversation after one more fact; facts of other kinds change nothing."""
        match fact:
            case Prompted():
                return self._prompted(fact)
            case CallSettled(purpose="agent", outcome="answered"):
                return self.paid(fact.tokens)
            case ConversationRebuilt():
                return self._rebuilt(fact)
            case Answered():
                return self._answered(fact)
            case ToolCalled():
                begun = tuple(replace(use, begun=True) if use.call == fact.call else use for use in self.pending)
                return replace(self, pending=begun)
            case ToolReturned():
                return self._returned(fact)
            case RunRestarted():
                return Conversation(step=self.step)
        return self

    def paid(self, tokens: Tokens) -> "Conversation":
        """The conversation once the endpoint has said what it and its answer took."""
        return replace(self, used=tokens.total, counted=(len(self.messages), tokens.total - tokens.output, ""))

    def known_to(self, model: str) -> tuple[tuple[dict[str, Any], ...], int] | None:
        """The messages that the model has counted, and the tokens that they took; None where nobody knows."""
        size, tokens, counter = self.counted
        # Followed by their answer: what the user says next would have joined the last of them otherwise.
        whole = len(self.messages) > size and self.messages[size]["role"] == "assistant"
        return (self.messages[:size], tokens) if tokens and whole and counter == model else None

    def _prompted(self, fact: Prompted) -> "Conversation":
        talk = Conversation(system=fact.system, step=self.step, calls=self.calls) if fact.system else self
        results = [_result(use.call, UNANSWERED, failed=True) for use in talk.pending]
        nudge, circled = fact.origin == "nudge", bool(circle(talk.lately))
        blocks = json.loads(fact.content)
        return replace(
            talk,
            messages=said(talk.messages, [*results, *blocks]),
            pending=(),
            steps=talk.steps if nudge else 0,
            nudges=talk.nudges + 1 if nudge else 0,
            dispute="",
            circles=talk.circles + circled if nudge else 0,
            lately=(),
            stop="",
            seed=(*talk.seed, *blocks) if fact.system or fact.origin == "reseed" else talk.seed,
            told=talk.told if fact.system else _told(talk.told, fact.origin, tuple(blocks)),
        )

    def _rebuilt(self, fact: ConversationRebuilt) -> "Conversation":
        return replace(
            self,
            messages=({"role": "user", "content": json.loads(fact.content)},),
            pending=(),
            step=fact.step,
            stop="",
            used=0,
            counted=(0, 0, ""),
            rebuilt=True,
        )

    def _answered(self, fact: Answered) -> "Conversation":
        blocks = json.loads(fact.content)
        uses = tuple(self._use(fact.step, block) for block in blocks if block.get("type") == "tool_use")
        kept = [_sendable(block) for block in blocks if not _blank(block)]
        # A message without content cannot be sent: such an answer leaves no trace in the messages.
        answer = ({"role": "assistant", "content": kept},) if kept else ()
        return replace(
            self,
            messages=(*self.messages, *answer),
            counted=(*self.counted[:2], fact.model),
            pending=uses,
            step=fact.step,
            steps=self.steps + 1,
            nudges=0 if uses and fact.stop_reason == "tool_use" else self.nudges,
            stop=fact.stop_reason or "end_turn",
            asked=bool(uses),
            empty=not uses and not any(block.get("type") == "text" for block in kept),
            dispute="" if uses else _disputed(kept),
            calls=self.calls | {use.call for use in uses},
        )

    def _use(self, step: int, block: dict[str, Any]) -> ToolUse:
        given, call = block.get("input"), str(block.get("id", ""))
        invalid = block.get(INVALID)
        if not isinstance(given, dict):
            given, invalid = {}, json.dumps(given)
        return ToolUse(step, call, str(block.get("name", "")), given, invalid, again=call in self.calls)

    def _returned(self, fact: ToolReturned) -> "Conversation":
        use = next((use for use in self.pending if use.call == fact.call), None)
        if use is None:
            return self
        return replace(
            self,
            messages=said(self.messages, [_result(fact.call, fact.output, failed=fact.failed)]),
            pending=tuple(other for other in self.pending if other.call != fact.call),
            lately=(*self.lately, digest(use.tool, use.input, fact.output))[-CALLS:],
        )


def _told(
    told: tuple[tuple[str, tuple[dict[str, Any], ...]], ...], origin: str, blocks: tuple[dict[str, Any], ...]
) -> tuple[tuple[str, tuple[dict[str, Any], ...]], ...]:
    """What was told last after one more prompt: what a newer one of its kind replaces is left out."""
    if origin in ("nudge", "reseed"):
        return told
    if origin in ("seed", "feedback", "recovery"):
        return ((origin, blocks),)
    return (*(one for one in told if origin != "checkpoint" or one[0] != origin), (origin, blocks))


def said(messages: tuple[dict[str, Any], ...], blocks: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """One more thing that the user says: roles alternate, so it joins a user message that was not answered."""
    if messages and messages[-1]["role"] == "user":
        return (*messages[:-1], {"role": "user", "content": [*messages[-1]["content"], *blocks]})
    return (*messages, {"role": "user", "content": blocks})


def _disputed(blocks: list[dict[str, Any]]) -> str:
    """What follows the word, to the end of the text that it stands in."""
    for block in blocks:
        lines = str(block.get("text", "")).splitlines() if block.get("type") == "text" else []
        for at, line in enumerate(lines):
            if line.strip(" *`#>-").startswith(DISPUTE):
                first = line.strip(" *`#>-").removeprefix(DISPUTE).strip(" *`")
                return "\n".join([first, *lines[at + 1 :]]).strip()
    return ""


def _result(call: str, output: str, *, failed: bool) -> dict[str, Any]:
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": call, "content": output}
    return result | {"is_error": True} if failed else result


def _blank(block: dict[str, Any]) -> bool:
    """A text block without words, which the API refuses to take back."""
    return block.get("type") == "text" and not str(block.get("text", "")).strip()


def _sendable(block: dict[str, Any]) -> dict[str, Any]:
    if block.get("type") != "tool_use":
        return block
    given = block.get("input")
    sent = {key: value for key, value in block.items() if key != INVALID}
    return sent if isinstance(given, dict) else sent | {"input": {}}
