"""The `messages` agent: this project's own loop over the Messages API.

Owns the order of things: a prompt is journalled before it is sent, an answer before its tools run, a tool's result
before the next request is sent. What to do next follows from the conversation alone, so that a resumed run does the
same. Where order is all that matters nobody waits for the disk: a result shares the commit of the next reservation.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from factory_tui.agents import rebuilding
from factory_tui.agents.conversation import Conversation, ToolUse
from factory_tui.agents.protocol import Beside, Gate, Generated, Heed, Prompt, Watch
from factory_tui.agents.tools import BASH, Toolbox, brief, definitions
from factory_tui.cells.protocol import Cell, CellDied
from factory_tui.config.settings import AgentTable
from factory_tui.domain.events import Answered, AnyFact, ConversationRebuilt, Prompted, ToolCalled, ToolReturned
from factory_tui.domain.hostile import clean, clean_json, one_line
from factory_tui.domain.money import Ledger
from factory_tui.domain.scribe import Scribe
from factory_tui.model.door import Door, Model
from factory_tui.model.failures import ProviderHeld
from factory_tui.policy.circles import CALLS, circle

_CUT_SHORT = 3
"""Answers in a row that may be cut by max_tokens."""
_SMALLER = (
    "Your last answer was cut off at the output limit. Go on in smaller pieces: "
    "write long files in several steps, and keep each answer short."
)
_CIRCLE = (
    "Your last {calls} tool calls and their results repeat, {period} in turn. Doing the same again will not help. "
    "Find out why by something you have not looked at yet, or go about it in another way."
)
_SAY_SOMETHING = (
    "Your last answer was empty. Go on with the work by using a tool, or say in a sentence that the work is done."
)


class MessagesAgent:
    """One for a run; it keeps nothing between two calls of `generate`."""

    def __init__(
        self,
        door: Door,
        model: Model,
        ledger: Ledger,
        table: AgentTable,
        redact: Callable[[str], str],
        *,
        watch: Watch,
    ) -> None:
        self._door = door
        self._model = model
        self._ledger = ledger
        self._table = table
        self._redact = redact
        self._watch = watch
        self._tools = definitions(model.table.tools)

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
        """See `Agent.generate`."""
        talk = Conversation.fold(past)
        table, live = self._table, self._door.live
        box = Toolbox(cell, scribe, self._redact, live=live, timeout=table.command_timeout, limit=table.output_limit)
        self._look(talk)
        if prompt is not None:
            talk = await self._say(talk, scribe, node, prompt)
        notes: list[asyncio.Task[None]] = []
        try:
            while True:
                if talk.pending and talk.stop != "refusal":
                    await gate()
                    talk = await self._use(talk, scribe, box, talk.pending[0], notes)
                    continue
                due = (heed() if talk.messages else None) or self._due(talk)
                if isinstance(due, Generated):
                    return due
                if isinstance(due, Prompt):
                    if notes:  # a prompt gives up on every tool that has not returned by then
                        await _written(notes)
                        continue  # since people may have taken back meanwhile what they said
                    talk = await self._say(talk, scribe, node, due)
                    continue
                await gate()
                if rebuilding.due(talk, self._model.table.window, self._tools):
                    await _written(notes)
                    talk = await self._rebuild(talk, scribe, cell, node)
                    self._look(talk)
                    continue
                talk = await self._ask(talk, scribe, beside)
                await _written(notes)
                self._look(talk)
        finally:
            await _written(notes)

    def _look(self, talk: Conversation) -> None:
        """Have the watch see what the model said, before its tools run; what it was told the watch has seen."""
        if talk.messages and talk.messages[-1]["role"] == "assistant":
            self._watch(f"the model's answer in step {talk.step}", _spelt(talk.messages[-1]))
        elif talk.rebuilt and len(talk.messages) == 1:
            self._watch("the conversation as it was summed up", _spelt(talk.messages[-1]))

    def _due(self, talk: Conversation) -> Generated | Prompt | None:
        """What comes next when no tool is pending: an end, a nudge, or (None) a model call."""
        if not talk.messages:
            return Generated("fail", "there is no prompt to answer")
        match talk.stop:
            case "refusal":
                return Generated("fail", "the model refused to go on")
            case "model_context_window_exceeded":
                return Generated("fail", "the conversation no longer fits the model's window")
            case "max_tokens":
                if talk.nudges >= _CUT_SHORT:
                    return Generated("fail", f"{talk.nudges + 1} answers in a row were cut off at max_tokens")
                return _nudge(_SMALLER)
        finished = talk.stop not in ("", "pause_turn") and not talk.asked
        if finished and (talk.empty or talk.stop == "tool_use"):
            if talk.nudges:
                return Generated("fail", "the model answered nothing, twice")
            return _nudge(_SAY_SOMETHING)
        if finished:
            return Generated("disputes", talk.dispute) if talk.dispute else Generated("success")
        if talk.steps >= self._table.max_steps:
            return Generated("fail", f"no end after {talk.steps} steps ([agent] max_steps)")
        if period := circle(talk.lately):
            if talk.circles:
                return Generated("circling", f"its last {CALLS} tool calls repeat, {period} in turn, once more")
            return _nudge(_CIRCLE.format(calls=CALLS, period=period))
        return None

    async def _say(self, talk: Conversation, scribe: Scribe, node: str, prompt: Prompt) -> Conversation:
        said = as_prompted(node, prompt, self._redact, self._watch)
        await scribe.record(said)
        return talk.take(said)

    async def _ask(self, talk: Conversation, scribe: Scribe, beside: Beside) -> Conversation:
        step = talk.step + 1
        aside = asyncio.ensure_future(beside(talk.step))
        try:
            answer = await self._door.call(
                scribe,
                model=self._model,
                ledger=self._ledger,
                purpose="agent",
                step=step,
                system=talk.system,
                messages=talk.messages,
                tools=self._tools,
                known=talk.known_to(self._model.id),
            )
        finally:
            aside.cancel()
            await asyncio.wait([aside])
        if not aside.cancelled():
            aside.result()
        answered = Answered(step, self._model.id, answer.content, answer.stop_reason, answer.seconds)
        return talk.paid(answer.tokens).take(answered)

    async def _rebuild(self, talk: Conversation, scribe: Scribe, cell: Cell, node: str) -> Conversation:
        """The conversation as one message; the summary in it is an answer of the model's to all of it.

        Raises ProviderHeld where nothing is left to be summed up.
        """
        table, name = self._model.table, self._model.name
        before = rebuilding.occupied(talk, self._tools)
        if not rebuilding.answers(talk):
            raise ProviderHeld("config", rebuilding.too_long(before, name, table.window))
        tree = self._redact(await rebuilding.listing(cell))
        self._watch("the names of the work tree", tree)
        limit = min(rebuilding.SUMMARY, table.max_tokens)
        asked, whole = rebuilding.question(talk, table.window - limit, self._tools)
        made: list[ConversationRebuilt] = []

        def rebuilt(answered: Answered) -> ConversationRebuilt:
            blocks = rebuilding.message(talk, tree, answered.content, whole=whole)
            content = self._redact(clean_json(msgspec.json.encode(blocks).decode()))
            after = rebuilding.weight(talk.system, self._tools, content)
            made.append(
                ConversationRebuilt(node, answered.step, content, before, after, table.window, self._model.name)
            )
            return made[-1]

        await self._door.call(
            scribe,
            model=self._model,
            ledger=self._ledger,
            purpose="summary",
            step=talk.step + 1,
            system=talk.system,
            messages=asked,
            tools=self._tools,
            max_tokens=limit,
            known=talk.known_to(self._model.id),
            said=rebuilt,
        )
        return talk.take(made[-1])

    async def _use(
        self, talk: Conversation, scribe: Scribe, box: Toolbox, use: ToolUse, notes: list[asyncio.Task[None]]
    ) -> Conversation:
        """Run a tool; what is written down about it joins `notes`, in order."""
        if not use.begun:
            called = ToolCalled(use.step, use.call, one_line(use.tool), self._redact(brief(use)))
            notes.append(asyncio.create_task(scribe.record(called)))
            # A cell runs no command's id twice, so a command need not wait for this fact. An edit has no id.
            if use.tool != BASH:
                await _written(notes)
        result = await box.run(use)
        self._watch(f"what {one_line(use.tool)} returned in step {use.step}", result.output)
        returned = ToolReturned(
            use.step, use.call, result.output, result.failed, result.exit, result.seconds, result.cut
        )
        notes.append(asyncio.create_task(scribe.record(returned)))
        if result.died:
            raise CellDied(result.output)
        return talk.take(returned)


async def _written(notes: list[asyncio.Task[None]]) -> None:
    """Until these facts are on disk. Raises what kept one from it."""
    if not notes:
        return
    await asyncio.wait(notes)  # which, cancelled, cancels none of them
    faults = [note.exception() for note in notes]
    notes.clear()
    for fault in filter(None, faults):
        raise fault


def as_prompted(node: str, prompt: Prompt, redact: Callable[[str], str], watch: Watch) -> Prompted:
    """The fact that a prompt becomes: seen by the watch, clean, and without any known key."""
    watch(f"a {prompt.origin} prompt", prompt.words)
    content = redact(clean_json(msgspec.json.encode(prompt.content).decode()))
    return Prompted(node, prompt.origin, content, redact(clean(prompt.system)), prompt.told)


def _spelt(message: dict[str, Any]) -> str:
    """All that a message says, its tools' inputs too, as JSON spells it."""
    return json.dumps(message["content"], ensure_ascii=False)


def _nudge(words: str) -> Prompt:
    content: tuple[dict[str, Any], ...] = ({"type": "text", "text": words},)
    return Prompt("nudge", content)
