"""What each key asks for before it becomes a command: the words, the choices, and what is wrong with a reply."""

from typing import TYPE_CHECKING

from factory_tui.console.paint import Row, wrap
from factory_tui.console.screens.ask import Ask, Question, Reply
from factory_tui.domain import commands as c
from factory_tui.domain.hostile import clean, one_line
from factory_tui.domain.state import Escalation

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory_tui.console.app import ConsoleApp

GO_ON = "go on"
"""The choice of a jam that words alone stand for: they are what the agent is told."""
ROOM = 58
"""Cells of a line in a dialog."""


def _put(app: "ConsoleApp", question: Question, do: "Callable[[int, str], None]") -> None:
    def replied(reply: Reply | None) -> None:
        if reply is not None:
            do(*reply)

    app.push_screen(Ask(question), replied)


def _said(text: str, role: str = "text", limit: int = 40) -> list[Row]:
    """Somebody's text as rows of a dialog."""
    parts = [part for line in clean(text).splitlines() for part in wrap(one_line(line, 400), ROOM)]
    return [[(part, role)] for part in parts[:limit]]


def answer(app: "ConsoleApp", asked: Escalation) -> None:
    """By one of the choices, in words, or both."""
    body = _said(asked.question, "asks")
    if asked.evidence:
        body += [[], *_said(asked.evidence)]

    def check(choice: int, words: str) -> str:
        if choice < 0 and not words:
            return "An empty answer is no answer: choose by digit, or write one." if asked.choices else "Say something."
        if choice < 0 and asked.choices and GO_ON not in asked.choices:
            return f"{asked.id} wants one of its choices, with or without words."
        return ""

    def do(choice: int, words: str) -> None:
        app.send(c.Answer(asked.id, asked.choices[choice] if choice >= 0 else "", words))

    choices = [(choice, "") for choice in asked.choices]
    words = "words for the agent" if asked.kind == "jam" else "words that stay with it"
    _put(app, Question(f"Answer {asked.id} of {asked.run}", body, choices, words, check, rows=3), do)
