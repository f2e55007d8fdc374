"""How fast something burns of late, when that reaches a cap, and by how much that was wrong before. Pure.

The rate is that of the last hour, or of as much of it as there was. The back-test says at each earlier minute when what
was spent by now would be reached, by what was known then, and holds that against when it was.
"""

from collections import deque
from decimal import Decimal
from typing import NamedTuple

from factory_tui.burn.windows import HOUR, MINUTE
from factory_tui.domain.money import Burn

SHORTEST = 10_000
"""Milliseconds under which no rate is told."""
MOMENTS = 60
"""Earlier minutes that a back-test looks at: the newest, of those in which anything was spent."""


class Rate(NamedTuple):
    """What was spent in the last `over` milliseconds."""

    money: Decimal
    tokens: int
    over: int

    @property
    def hourly(self) -> Decimal:
        """Dollars an hour."""
        return self.money * HOUR / self.over

    def reaches(self, left: Decimal, *, tokens: bool) -> int | None:
        """Milliseconds until so much more is spent, of dollars or of tokens; None: never."""
        spent = Decimal(self.tokens) if tokens else self.money
        if left <= 0:
            return 0
        return int(left * self.over / spent) if spent > 0 else None


class Moment(NamedTuple):
    """What was known at an earlier minute."""

    at: int
    money: Decimal
    tokens: int
    rate: Rate | None


class Pace:
    """One run, or all runs of a ledger, from `began` (UTC ms) on."""

    def __init__(self, began: int) -> None:
        self.began = began
        self.money, self.tokens = Decimal(0), 0
        self.last = began
        """When something was spent last."""
        self.moments: deque[Moment] = deque(maxlen=MOMENTS)
        self._minutes: deque[list[int | Decimal]] = deque()
        """Number, dollars and tokens of each of the last hour's minutes in which anything was spent."""

    def pay(self, at: int, burn: Burn) -> None:
        """Something is settled."""
        tokens, minute = burn.tokens.total + burn.unsaid, at // MINUTE
        if self._minutes and self._minutes[-1][0] >= minute:
            self._minutes[-1][1] += burn.money
            self._minutes[-1][2] += tokens
        else:
            self._minutes.append([minute, burn.money, tokens])
            while self._minutes[0][0] <= minute - HOUR // MINUTE:
                self._minutes.popleft()
        self.money += burn.money
        self.tokens += tokens
        self.last = max(self.last, at)
        if not self.moments or self.moments[-1].at // MINUTE != minute:
            self.moments.append(Moment(at, self.money, self.tokens, self.rate(at)))

    def rate(self, now: int) -> Rate | None:
        """That of late; None where it has hardly begun."""
        least = now // MINUTE - HOUR // MINUTE + 1
        over = now - max(self.began, least * MINUTE)
        if over < SHORTEST:
            return None
        late = [one for one in self._minutes if one[0] >= least]
        return Rate(sum((Decimal(one[1]) for one in late), Decimal(0)), sum(int(one[2]) for one in late), over)

    def begin(self, at: int) -> None:
        """Count from nothing: a day begins. The rate stays that of the last hour."""
        self.money, self.tokens, self.last = Decimal(0), 0, at
        self.moments.clear()

    def stop(self) -> None:
        """Nothing more is spent: no rate is asked for, and nothing is foretold."""
        self.moments.clear()
        self._minutes.clear()

    def errors(self) -> list[int]:
        """By how many milliseconds each earlier minute was wrong about when what is spent now would be."""
        found = []
        for moment in self.moments:
            left = self.money - moment.money
            told = moment.rate.reaches(left, tokens=False) if moment.rate and left > 0 else None
            if told is not None:
                found.append(abs(moment.at + told - self.last))
        return found
