"""The demo: which seeds it runs, and who answers what they ask where no terminal is.

Owns the stand-in for a person: it speaks once a run, as an operator of its own, after everything that a person would
see was printed. Only rehearsals are answered so. Imports stay inside the functions: the console paints first.
"""

import argparse
import shlex
import sys
from functools import partial
from typing import TYPE_CHECKING

from factory_tui.following import order, shape_of, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory_tui.config.workspace import Workspace
    from factory_tui.domain.state import Escalation, State

SEEDS = ("shortlinks", "orders-etl", "interval-bug", "ledger")
NAME = "demo"
"""The actor of what it answers, in the journal."""


class StandIn:
    """Answers the demo's escalations with the words beside their playbooks."""

    def __init__(self, workspace: "Workspace", arguments: argparse.Namespace) -> None:
        self._workspace = workspace
        self._folder = arguments.rehearsals
        # A script reads the events; what is said to people goes beside them.
        self._say = partial(print, file=sys.stderr if shape_of(arguments) == "json" else sys.stdout, flush=True)
        self._answered: dict[str, str] = {}
        """Run to the escalation of it that was answered."""

    async def attend(self, state: "State") -> bool:
        """Answer what is asked for the first time; whether an answer is on its way that the state does not show yet."""
        under_way = False
        for run in list(state.runs.values()):
            if run.state != "jammed" or not run.rehearsal:
                continue
            asked = state.escalations.get(run.escalation)
            if asked is not None and run.id not in self._answered and (words := self._words(run.seed)):
                self._answered[run.id] = asked.id
                await self._answer(asked, words)
            under_way |= run.id in self._answered and (asked is None or asked.id == self._answered[run.id])
        return under_way

    def _words(self, seed: str) -> str:
        from factory_tui.twins.messages.playbook import BUNDLED, load_folder

        playbook = load_folder(self._folder or BUNDLED).get(seed)
        return playbook.guidance if playbook else ""

    async def _answer(self, asked: "Escalation", words: str) -> None:
        from factory_tui.domain.commands import Answer
        from factory_tui.link.protocol import Lower

        for line in packet(asked):
            self._say(line)
        self._say(f"REHEARSAL: nobody is at a terminal, so the demo answers {asked.id} itself, as operator {NAME}, by")
        self._say(f"  {typed(self._workspace, f'answer {asked.id} --text {shlex.quote(words)}')}")
        if against := await order(self._workspace, Answer(asked.id, text=words), Lower(NAME, "operator")):
            self._say(f"REHEARSAL: {against}")  # somebody was faster


def packet(asked: "Escalation") -> "Iterator[str]":
    """What somebody has to see who is to answer: the question, its evidence, the choices."""
    from factory_tui.domain.hostile import one_line

    kind = f"{asked.kind}, {asked.jam}" if asked.jam else asked.kind
    yield ""
    yield one_line(f"{asked.id} ({kind}) asks {asked.to}, of {asked.run}: {asked.question}")
    yield from (f"  {one_line(line)}" for line in asked.evidence.splitlines())
    yield f"  Choices: {one_line(', '.join(asked.choices))}; or words of your own, which the agent is told"
