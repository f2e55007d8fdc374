"""An answer with text and two tool calls, cut at one byte after the other: the real door, SDK and twin over HTTP."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

import httpx2
import msgspec

from factory_tui.config.settings import ModelTable
from factory_tui.domain.events import Answered, CallReserved, CallSettled
from factory_tui.domain.money import Price
from factory_tui.model.door import Answer, Door, Model
from factory_tui.model.request import with_breakpoints
from factory_tui.policy.budget import Budget
from factory_tui.policy.credentials import Credentials
from factory_tui.twins.messages.faults import Fault
from factory_tui.twins.messages.playbook import parse
from factory_tui.twins.messages.server import Twin, serve
from tests.model.endpoint import Notebook, text
from tests.playbooks import playbook, rule, runs, speaks

PRICE = Price(Decimal(3), Decimal(15), Decimal("3.75"), Decimal("0.30"))
BOOK = parse(
    playbook("cut", rule("both", "begin", speaks("I look — 短い — and list."), runs("cat greet.py"), runs("ls -l"))),
    "cut.toml",
)
TALK = [{"role": "user", "content": [text("begin")]}]


@dataclass
class Cuts:
    """One door and one twin; each `after` is a call whose first attempts are cut."""

    twin: Twin
    door: Door
    budget: Budget
    asked: int = 0
    size: int = 0
    """Bytes of the whole answer."""
    whole: str = ""
    """Its content."""

    async def after(self, at: int | None, attempts: int = 1) -> tuple[Answer, Notebook]:
        """The answer where so many attempts are cut after `at` bytes; None: none is."""
        faults = [] if at is None else [Fault("cut", attempt=number, at=at) for number in range(attempts)]
        self.twin.playbooks["cut"] = replace(BOOK, faults=faults)
        self.asked += 1
        notes = Notebook(f"cut-{self.asked}")
        model = Model("default", ModelTable(base_url=self.twin.base_url("cut"), key_env="", max_tokens=1000), PRICE)
        answer = await self.door.call(
            notes, model=model, ledger="rehearsal", purpose="agent", step=1, system="", messages=TALK
        )
        return answer, notes

    async def hold(self, at: int, attempts: int = 1) -> None:
        """No tool call is lost or twice there, and each attempt without its end is paid as it was reserved."""
        answer, notes = await self.after(at, attempts)
        assert answer.content == self.whole, at
        assert [fact.content for fact in notes.of(Answered)] == [self.whole], at
        reserved, settled = notes.of(CallReserved), notes.of(CallSettled)
        lost = settled[:-1]
        assert len(reserved) == len(settled), at
        # The answer is whole with its last event, whether or not the body's end comes.
        assert len(lost) == (attempts if at < self.size else 0), at
        assert all(fact.outcome == "failed" and fact.money == fact.released for fact in lost), at
        assert [fact.money for fact in reserved] == [fact.released for fact in settled], at
        assert (settled[-1].outcome, settled[-1].money) == ("answered", answer.money), at
        assert self.budget.spent(notes.run) == sum((fact.money for fact in settled), Decimal(0)), at


@asynccontextmanager
async def cutting() -> AsyncIterator[Cuts]:
    """A door at a twin; what the whole answer is, is known."""

    naps: list[float] = []

    async def at_once(seconds: float) -> None:
        """No wait between attempts."""
        naps.append(seconds)

    budget = Budget()
    async with serve([BOOK]) as twin:
        door = Door(budget, Credentials([], {}), now=lambda: 0, attempts=4, sleep=at_once, clock=lambda: sum(naps))
        cuts = Cuts(twin, door, budget)
        try:
            answer, _ = await cuts.after(None)
            cuts.whole, cuts.size = answer.content, await _size(twin)
            yield cuts
        finally:
            await door.close()


async def _size(twin: Twin) -> int:
    body = with_breakpoints("", TALK) | {"model": "default", "max_tokens": 1000, "stream": True}  # as the door sends it
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{twin.base_url('cut')}/v1/messages", json=body, headers=headers)
    return len(answer.content)


def calls(content: str) -> Iterable[str]:
    """The ids of the tool calls in an answer, in order."""
    return [block["id"] for block in msgspec.json.decode(content) if block["type"] == "tool_use"]
