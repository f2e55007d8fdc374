"""32 runs against one cap, through the real door and the real SDK: it is never passed, and nobody starves.

The endpoint draws what it bills; streams are cut, calls cancelled, and the engine killed with calls in flight.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from factory_tui.agents.tools import definitions
from factory_tui.config.settings import ModelTable
from factory_tui.domain.events import AnyFact, CallSettled, Event, RunQueued
from factory_tui.domain.live import LiveFrame
from factory_tui.domain.money import FLOOR_CAPS, FloorCap, Ledger, Price, in_tokens
from factory_tui.domain.reducer import fold, reduce
from factory_tui.model.door import Answer, Door, Model
from factory_tui.model.failures import ProviderHeld
from factory_tui.policy.budget import Budget, Hold, lost_calls
from factory_tui.policy.credentials import Credentials
from tests.model.biller import Biller
from tests.model.endpoint import text

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""A connection whose making is cancelled is closed by the collector of garbage, which says so."""
RUNS = 32
WORST_CASES = 3
"""What the cap has room for at once."""
HAPPENS = ("answered", "held", "cancelled", "killed", "native tools", "cache writes", "cut")
IN_ALL = 1_000
"""Rounds."""
SLICE = 50
NOON = 20_000 * 86_400_000 + 43_200_000
MAX_TOKENS = 500
PRICES = (
    Price(Decimal(3), Decimal(15), Decimal("3.75"), Decimal("0.30")),
    Price(Decimal(1), Decimal(2), Decimal(4), Decimal(5)),
)


@pytest.fixture
async def biller() -> AsyncIterator[Biller]:
    biller = Biller()
    async with biller:
        yield biller


async def test_a_cap_of_three_worst_cases_holds_32_runs_and_starves_none(biller: Biller) -> None:
    await play(biller, range(4))


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("first", range(0, IN_ALL, SLICE))
async def test_a_thousand_rounds_of_it(biller: Biller, first: int) -> None:
    await play(biller, range(first, first + SLICE))


async def play(biller: Biller, seeds: range) -> None:
    """These rounds, and more until everything that may happen to a call has: what a cancel or a cut hits is chance."""
    did, seed = Counter[str](), seeds.start
    while seed < seeds.stop or not all((did + biller.fates)[one] for one in HAPPENS):
        assert seed < seeds.stop + 40, did + biller.fates
        round_ = Round(biller, random.Random(seed))
        await round_.play()
        assert round_.overshoot == 0, f"seed {seed}: billed {round_.overshoot} more than {round_.name} allows"
        assert round_.overtaken == 0, f"seed {seed}: who asked later was served before who had asked"
        did += round_.did
        seed += 1
    print(dict(did + biller.fates))  # noqa: T201 -- the figure of `make chaos`


class Watched(Budget):
    """Counts who was granted room before somebody who had asked earlier."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.asked = itertools.count()
        self.waiting: set[int] = set()
        self.overtaken = 0

    async def reserve(self, run: str, ledger: Ledger, money: Decimal, tokens: int = 0, step: int = 0) -> Hold:
        mine = next(self.asked)
        self.waiting.add(mine)
        try:
            return await super().reserve(run, ledger, money, tokens, step)
        finally:
            self.waiting.discard(mine)

    def _move_on(self) -> None:
        line = list(self._line)
        super()._move_on()
        for place, one in enumerate(line):
            granted = one.granted.done() and not one.granted.cancelled() and one.granted.exception() is None
            self.overtaken += granted and any(not earlier.granted.done() for earlier in line[:place])


class Scribe:
    """Writes into the round's journal, as long as its engine lives."""

    def __init__(self, round_: "Round", run: str) -> None:
        self._round, self._run, self._engine = round_, run, round_.engine

    @property
    def run(self) -> str:
        return self._run

    async def record(self, *facts: AnyFact) -> None:
        for _ in range(self._round.chance.randrange(3)):
            await asyncio.sleep(0)
        if self._engine != self._round.engine:
            raise asyncio.CancelledError  # nothing comes back from what was killed
        self._round.write(self._run, *facts)

    def show(self, frame: LiveFrame) -> None:
        return


class Round:
    """Every run wants an answer or two; whoever is held waits until somebody raises the cap by three worst cases."""

    def __init__(self, biller: Biller, chance: random.Random) -> None:
        self.biller, self.chance = biller, chance
        self.price = chance.choice(PRICES)
        self.slept = 0.0
        biller.begin(chance, self.price)
        self.name: FloorCap = chance.choice(FLOOR_CAPS)
        self.runs = [f"r-{number}" for number in range(RUNS)]
        self.wanted = {run: chance.randint(1, 2) for run in self.runs}
        self.talks = {
            run: [{"role": "user", "content": [text(f"{run} " * chance.randint(1, 200))]}] for run in self.runs
        }
        self.table = ModelTable(base_url=biller.url, key_env="", max_tokens=MAX_TOKENS)
        self.model = Model("m", self.table, self.price)
        self.did = Counter[str]()
        self.overshoot, self.overtaken, self.engine = Decimal(0), 0, 0
        self.cap = Decimal(0)
        self.raised, self.doom, self.last = asyncio.Event(), asyncio.Event(), 0
        self.at_rest: set[str] = set()
        queued = RunQueued("s", "rev", "c", "l", "d", "m", "live", "me", 0.9, 0.01, 10, 200, None)
        self.state = fold(Event(seq, f"id{seq}", NOON, queued, run) for seq, run in enumerate(self.runs, 1))

    def write(self, run: str, *facts: AnyFact) -> None:
        for fact in facts:
            seq = self.state.seq + 1
            self.state = reduce(self.state, Event(seq, f"id{seq}", NOON, fact, run))
            self.look()
            if seq == self.last:
                self.doom.set()
            if isinstance(fact, CallSettled):
                self.did[fact.outcome] += 1

    def look(self) -> None:
        """What was billed, against the cap."""
        billed = Decimal(self.biller.tokens) if in_tokens(self.name) else self.biller.money
        self.overshoot = max(self.overshoot, billed - self.cap)

    async def play(self) -> None:
        self.cap = self.worst() * WORST_CASES
        kills = self.chance.randrange(3)
        while any(self.wanted.values()):
            await self.live(kills > 0)
            kills -= 1
        self.look()

    def worst(self) -> Decimal:
        """The dearest first call: all bytes, all native tools, all output."""
        given = max(len(str(talk)) for talk in self.talks.values()) + 4_500
        dearest = max(self.price.input, self.price.cache_write, self.price.cache_read)
        dollars = (given * dearest + MAX_TOKENS * self.price.output) / 1_000_000
        return Decimal(given + MAX_TOKENS) if in_tokens(self.name) else dollars

    async def live(self, killed: bool) -> None:
        """One engine, from what the journal says to its end, which is a kill or the end of all work."""
        for run in self.runs:
            for fact in lost_calls(self.state.runs[run]):
                self.write(run, fact)
        self.budget = Watched.of(self.state, lambda: NOON)
        self.budget.limit(self.name, self.cap)
        door = Door(
            self.budget, Credentials((), {}), now=lambda: NOON, attempts=3, sleep=self.sleep, clock=lambda: self.slept
        )
        self.at_rest = {run for run in self.runs if not self.wanted[run]}
        tasks = [asyncio.create_task(self.work(door, run)) for run in self.runs if run not in self.at_rest]
        if killed:
            self.did["killed"] += 1
            self.doom.clear()
            self.last = self.state.seq + self.chance.randrange(1, 150)
            for task in tasks:
                task.add_done_callback(lambda _: self.doom.set() if all(one.done() for one in tasks) else None)
            await self.doom.wait()
            self.engine += 1  # from here on nothing is written
            for task in tasks:
                task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        for fault in done:
            if isinstance(fault, Exception):
                raise fault
        await door.close()
        self.overtaken += self.budget.overtaken

    async def work(self, door: Door, run: str) -> None:
        while self.wanted[run]:
            call = asyncio.create_task(self.call(door, run))
            try:
                if self.chance.random() < 0.1:
                    for _ in range(self.chance.randrange(60)):
                        await asyncio.sleep(0)
                    call.cancel()
                answer = await call
            except asyncio.CancelledError:
                if not call.cancelled() or (task := asyncio.current_task()) is None or task.cancelling():
                    call.cancel()
                    await asyncio.gather(call, return_exceptions=True)
                    raise
                continue
            except ProviderHeld as held:
                if held.reason == "budget":
                    await self.rest(run)
                elif held.reason == "provider":
                    await self.sleep(60)
                else:
                    raise
                continue
            self.talks[run] += [
                {"role": "assistant", "content": [text(answer.content)]},
                {"role": "user", "content": [text("and then?" * self.chance.randint(1, 9))]},
            ]
            self.wanted[run] -= 1
        await self.rest(run, ended=True)

    async def sleep(self, seconds: float) -> None:
        """On the round's own clock: nobody waits."""
        self.slept += seconds
        await asyncio.sleep(0)

    async def rest(self, run: str, *, ended: bool = False) -> None:
        """Held, or done; the last of those at work raises the cap."""
        self.did["held"] += not ended
        self.at_rest.add(run)
        if len(self.at_rest) == RUNS and any(self.wanted.values()):
            self.look()
            self.cap = max(self.cap, self.state.burn["live"].of(self.name)) + WORST_CASES * self.worst()
            self.budget.limit(self.name, self.cap)
            self.raised.set()
            self.raised = asyncio.Event()
            self.at_rest = {one for one in self.runs if not self.wanted[one]}
        elif not ended:
            await self.raised.wait()

    async def call(self, door: Door, run: str) -> Answer:
        return await door.call(
            Scribe(self, run),
            model=self.model,
            ledger="live",
            purpose="agent",
            step=self.state.runs[run].steps + 1,
            system=f"You are {run}.",
            messages=self.talks[run],
            tools=definitions("native") if run > "r-2" else (),
        )
