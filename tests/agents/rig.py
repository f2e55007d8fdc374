"""An agent at an endpoint, with a real cell and a notebook that can be cut and gone on with."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from factory_tui.agents.conversation import Conversation
from factory_tui.agents.messages import MessagesAgent
from factory_tui.agents.prompt import seed_prompt, system_prompt
from factory_tui.agents.protocol import Beside, Generated, Heed, Prompt
from factory_tui.cells.protocol import Cell
from factory_tui.config.settings import AgentTable, ModelTable
from factory_tui.domain.events import ToolReturned
from factory_tui.domain.money import Price
from factory_tui.model.door import Door, Model
from factory_tui.policy.budget import Budget
from factory_tui.policy.credentials import Credentials
from tests.model.endpoint import Notebook, Reply, message, stream, use
from tests.playbooks import calls, playbook, rule, runs, speaks

PRICE = Price(Decimal(3), Decimal(15), Decimal("3.75"), Decimal("0.30"))
SEED = seed_prompt("Build a greeter.", [], system_prompt("/work", timeout=5))
EDITOR = "str_replace_based_edit_tool"

PLAYBOOK = playbook(
    "greeter",
    rule(
        "write it",
        "Build a greeter",
        speaks("I begin."),
        calls(EDITOR, command="create", path="greet.py", file_text="print('helo')\n"),
        runs("python3 greet.py"),
    ),
    rule("mend it", "^helo$", calls(EDITOR, command="str_replace", path="greet.py", old_str="helo", new_str="hello")),
    rule("look again", "has been edited", runs("python3 greet.py; echo ran >> /dev/stderr")),
    rule("done", "(^hello$|lost in a restart)", speaks("It greets.")),
    rule("feedback", "too quiet", speaks("So be it."), earlier=("It greets",)),
)


async def nothing_beside(step: int) -> None:
    """Nobody keeps this work."""


async def no_gate() -> None:
    """Never paused."""


def watch(what: str, text: str) -> None:
    """Keeps what is marked from the agent."""
    if "MARKED" in text:
        raise Kept(what)


class Kept(Exception):  # noqa: N818
    """What the watch keeps from the agent."""


class Rig:
    """An agent at a base_url, with a notebook that can be cut and gone on with."""

    def __init__(self, cell: Cell, url: str, window: int = 200_000, name: str = "claude-test", **table: Any) -> None:
        self.cell = cell
        self.notes = Notebook()
        model = ModelTable(id=name, base_url=url, key_env="", max_tokens=1000, window=window)
        self.napped = 0.0
        self.door = Door(
            Budget(),
            Credentials([model], {}),
            now=lambda: 0,
            attempts=3,
            sleep=self._nap,
            clock=lambda: self.napped,
            chance=lambda: 0.0,
        )
        self.agent = MessagesAgent(
            self.door, Model("default", model, PRICE), "rehearsal", AgentTable(**table), str, watch=watch
        )

    async def _nap(self, seconds: float) -> None:
        self.napped += seconds
        await asyncio.sleep(0)

    async def go(
        self,
        prompt: Prompt | None = SEED,
        gate: Callable[[], Any] = no_gate,
        heed: Heed = lambda: None,
        beside: Beside = nothing_beside,
    ) -> Generated:
        past = list(self.notes.facts)
        return await self.agent.generate(
            self.notes, self.cell, past, node="generate", prompt=prompt, gate=gate, heed=heed, beside=beside
        )

    @property
    def talk(self) -> Conversation:
        return Conversation.fold(self.notes.facts)

    @property
    def results(self) -> list[ToolReturned]:
        return self.notes.of(ToolReturned)


def says(*blocks: dict[str, Any], stop: str = "") -> Reply:
    uses = any(block["type"] == "tool_use" for block in blocks)
    return stream(message(*blocks, stop=stop or ("tool_use" if uses else "end_turn")))


def bash(call: str, command: str) -> dict[str, Any]:
    return use(call, "bash", {"command": command})
