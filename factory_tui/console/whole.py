"""All that an event says, as a text: what a line of the trace is short for. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from factory_tui.console.figures import duration, plural, size
from factory_tui.console.trace import blocks, lines
from factory_tui.domain import events as e
from factory_tui.domain.hostile import clean


def whole(events: Sequence[e.Event]) -> str:
    """These events one after the other, safe to draw; a command as its model asked for it."""
    asked = {
        block.get("id"): block
        for event in events
        if isinstance(event.fact, e.Answered)
        for block in blocks(event.fact.content)
        if block.get("type") == "tool_use"
    }
    called = any(isinstance(event.fact, e.ToolCalled) for event in events)
    parts = [_text(event, asked) for event in events if not (called and isinstance(event.fact, e.Answered))]
    return "\n\n".join(part.strip("\n") for part in parts if part)


def _text(event: e.Event, asked: dict[Any, dict[str, Any]]) -> str:
    match event.fact:
        case e.ToolCalled() as fact:
            block = asked.get(fact.call)
            return _arguments(fact.tool, block["input"]) if block and "input" in block else f"{fact.tool} {fact.brief}"
        case e.ToolReturned() as fact:
            end = f"exit {fact.exit}" if fact.exit is not None else "failed" if fact.failed else "done"
            cut = f", {size(fact.cut)} left out of the middle" if fact.cut else ""
            return f"{clean(fact.output)}\n\n{end} in {duration(fact.seconds)}{cut}"
        case e.CheckpointRan() as fact:
            end = "passed" if fact.passed else "failed"
            return (
                f"{clean(fact.command)}\n\n{clean(fact.output)}\n\n{end}, exit {fact.exit} in {duration(fact.seconds)}"
            )
        case e.Answered() as fact:
            return "\n\n".join(_block(block) for block in blocks(fact.content))
        case e.Prompted() as fact:
            system = [f"system:\n{clean(fact.system)}"] if fact.system else []
            return "\n\n".join([*system, *(_block(block) for block in blocks(fact.content))])
        case e.EscalationRaised() as fact:
            return "\n\n".join(clean(part) for part in (fact.question, fact.evidence) if part)
    return _fields(event)


def _block(block: dict[str, Any]) -> str:
    if block.get("type") == "text":
        return clean(str(block.get("text", "")))
    if block.get("type") == "tool_use":
        return _arguments(str(block.get("name", "tool")), block.get("input"))
    return clean(msgspec.json.format(msgspec.json.encode(block)).decode())


def _arguments(tool: str, given: object) -> str:
    """A tool's name, and what it was given."""
    if not isinstance(given, dict):
        return clean(f"{tool} {given}")
    return clean("\n".join([tool, *(f"  {name}: {_said(value)}" for name, value in given.items())]))


def _said(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return "\n    ".join(["", *text.splitlines()]) if "\n" in text else text


def _fields(event: e.Event) -> str:
    """What the trace says of it, then each thing that is known."""
    said = [line.text for line in lines(event)]
    fields = msgspec.to_builtins(event.fact)
    width = max((len(name) for name in fields), default=0)
    known = [f"{name:<{width}}  {_said(value)}" for name, value in fields.items() if name != "type"]
    return clean("\n".join([*said, "", *known]))


def measured(text: str) -> str:
    """`1,204 lines, 83 kB`."""
    return f"{plural(text.count(chr(10)) + 1, 'line')}, {size(len(text.encode('utf-8', 'replace')))}"
