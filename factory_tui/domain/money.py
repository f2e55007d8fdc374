"""Tokens and money, exact.

Owns prices and the arithmetic on them. Money is Decimal dollars; prices are dollars per million tokens.
"""

from decimal import Decimal
from typing import Literal, get_args

import msgspec

MILLION = Decimal(1_000_000)
HIGHEST = Decimal(1_000_000_000)
"""Dollars, or tokens, that a cap may be, at most."""
CENTS = 6
"""Decimals that it may have, at most."""
DAY = 86_400_000
"""Milliseconds of a day, which is one of UTC."""
SET_BACK = 1
"""Days that a clock may be set back without another day coming of it: else midnight might come twice."""
Ledger = Literal["live", "rehearsal"]
"""Rehearsal money has a ledger of its own and never touches a live cap."""
RunCap = Literal["step_cap", "step_tokens", "pass_cap", "pass_tokens", "run_cap", "run_tokens"]
FloorCap = Literal["day_cap", "day_tokens", "factory_cap", "factory_tokens"]
CapName = Literal[RunCap, FloorCap]
"""What may be spent at most, by its key in config.toml: dollars, or tokens of all four kinds."""
RUN_CAPS: tuple[RunCap, ...] = get_args(RunCap)
FLOOR_CAPS: tuple[FloorCap, ...] = get_args(FloorCap)


class Tokens(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens of one or many calls, in the four kinds the Messages API bills."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            self.input + other.input,
            self.output + other.output,
            self.cache_write + other.cache_write,
            self.cache_read + other.cache_read,
        )

    @property
    def total(self) -> int:
        """All four kinds together."""
        return self.input + self.output + self.cache_write + self.cache_read


class Price(msgspec.Struct, frozen=True):
    """Dollars per million tokens, with where and when the figures were read."""

    input: Decimal
    output: Decimal
    cache_write: Decimal
    cache_read: Decimal
    source: str = ""

    def cost(self, tokens: Tokens) -> Decimal:
        """Dollars that `tokens` cost at this price."""
        return (
            self.input * tokens.input
            + self.output * tokens.output
            + self.cache_write * tokens.cache_write
            + self.cache_read * tokens.cache_read
        ) / MILLION


UNMETERED = Price(Decimal(0), Decimal(0), Decimal(0), Decimal(0), "unmetered")


class Burn(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was spent: tokens and dollars, and what is reserved for calls in flight."""

    tokens: Tokens = Tokens()
    money: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    unsaid: int = 0
    """Tokens that count against caps beside those used: of calls that ended without a word of what they used."""
    twice: Decimal = Decimal(0)
    """Of the money, what was possibly paid twice: for calls that an engine's end cut off, and that were asked again."""

    def spend(self, tokens: Tokens, money: Decimal, unsaid: int = 0, *, twice: bool = False) -> "Burn":
        """Return the burn after one settled call."""
        doubtful = self.twice + money if twice else self.twice
        return Burn(self.tokens + tokens, self.money + money, self.reserved, self.unsaid + unsaid, doubtful)

    def of(self, cap: CapName) -> Decimal:
        """What counts against a cap of that name."""
        return Decimal(self.tokens.total + self.unsaid) if in_tokens(cap) else self.money


def day_after(day: int, today: int) -> int:
    """The day that calls count for after that one, by a clock that says `today`; a little behind is set back."""
    return today if today > day or today < day - SET_BACK else day


def begins(day: int, after: int, furthest: int) -> bool:
    """Whether nothing is spent on a day that comes after one; a clock that was far ahead gives that day once."""
    return after > day and after != furthest


def in_tokens(cap: CapName) -> bool:
    """Whether the cap is one of tokens; else it is one of dollars."""
    return cap.endswith("_tokens")


def of_cap(cap: CapName, amount: Decimal) -> str:
    """An amount in the unit of a cap, for people."""
    return f"{amount:,f} tokens" if in_tokens(cap) else f"${amount:f}"


def no_cap(amount: Decimal, cap: CapName = "run_cap") -> str:
    """Why a finite amount can be no such cap; empty if it can."""
    decimals = 0 if in_tokens(cap) else CENTS
    if 0 <= amount <= HIGHEST and -int(amount.as_tuple().exponent) <= decimals:
        return ""
    if in_tokens(cap):
        return f"that is no cap: name at most {HIGHEST:,f} tokens, in whole numbers"
    return f"that is no cap: name at most ${HIGHEST:f}, with at most {CENTS} decimals"
