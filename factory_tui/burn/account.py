"""One run's account: whose it is, what its calls are for, what each pass did, and what was foretold of it.

Pure; `book` tells it what happens, in order.
"""

from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from factory_tui.burn.outlook import Gain, Miss, Outlook, gain, miss
from factory_tui.burn.pace import Pace
from factory_tui.burn.series import Key
from factory_tui.domain.events import CallSettled, RunQueued
from factory_tui.domain.money import Burn


class Placed(NamedTuple):
    """What was settled, and where it was put."""

    at: int
    day: int
    key: Key
    burn: Burn


class Foretold(NamedTuple):
    """What was said at the end of a pass (0: at the beginning)."""

    number: int
    at: int
    money: Decimal
    outlook: Outlook


class Account:
    """Of one run."""

    def __init__(self, run: str, at: int, actor: str, queued: RunQueued) -> None:
        self.run, self.began = run, at
        self.seed, self.loop, self.ledger = queued.seed, queued.loop, queued.ledger
        self.operator = queued.owner if actor == "engine" else actor
        """Who started it; of one that started by itself, the owner of its seed."""
        self.ship_at = queued.ship_at
        self.node = ""
        self.models: dict[tuple[int, int], str] = {}
        """Of the calls in flight, by step and attempt."""
        self.judging: dict[int, list[Placed]] = {}
        """By step, what was paid for a judgement that has not come yet."""
        self.pace = Pace(at)
        self.share = 0.0
        """Of its vault, at the end of its newest pass that measured it."""
        self.shares: dict[int, float] = {0: 0.0}
        """By pass."""
        self.passes = 0
        """Those that ended."""
        self.gains: list[Gain] = []
        self.reached = False
        """Whether a pass of it satisfied: nothing is foretold from then on."""
        self.outlook: Outlook | None = None
        """As of its newest pass, or of the output that it began anew with since."""
        self.foretold: list[Foretold] = []
        self._at, self._money = at, Decimal(0)

    def key(self, fact: CallSettled) -> Key:
        """What a call was for, as far as its own facts say."""
        model = self.models.pop((fact.step, fact.attempt), "")
        return Key(self.ledger, self.run, model, fact.purpose, self.node)

    def ended(
        self, at: int, number: int, share: float | None, *, spoilt: bool = False
    ) -> tuple[Gain | None, list[Miss | None]]:
        """A pass did: what it gained, and how wrong each outlook was, where the run satisfies by it.

        `spoilt`: it was judged while operators had twins fail, so that its share is none, and it gained nothing known.
        """
        money, took = self.pace.money - self._money, max(0, at - self._at)
        after = self.share if share is None or spoilt else share
        found = None if self.reached or spoilt else gain(self.share, after, money, took)
        self.passes += 1
        self.share = self.shares[number] = after
        self._at, self._money = at, self.pace.money
        if found is None:
            return None, []
        self.gains.append(found)
        if after < self.ship_at:
            return found, []
        self.reached, told, self.foretold = True, self.foretold, []
        spent = self.pace.money
        return found, [miss(one.outlook, self.passes - one.number, spent - one.money, at - one.at) for one in told]

    def foretell(self, at: int, outlook: Outlook | None) -> None:
        """Keep what is said of it now, for when it is known what came."""
        self.outlook = outlook
        if outlook:
            self.foretold.append(Foretold(self.passes, at, self.pace.money, outlook))

    def left(self, now: int) -> Outlook | None:
        """What is left of its outlook at `now`: without what was spent, and the time that went by, since."""
        if self.outlook is None:
            return None
        money = max(Decimal(0), self.outlook.money - (self.pace.money - self._money))
        return replace(self.outlook, money=money, took=max(0, self.outlook.took - max(0, now - self._at)))

    def begin_with(self, share: float) -> None:
        """It begins anew, with what a pass left that satisfied so much."""
        self.share = share
