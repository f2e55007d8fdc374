"""Tokens and money, exact.

Owns prices and the arithmetic on them. Money is Decimal dollars; prices are dollars per million tokens.
"""

from decimal import Decimal
from typing import Literal

import msgspec

MILLION = Decimal(1_000_000)
HIGHEST = Decimal(1_000_000_000)
"""Dollars that a cap may be, at most."""
CENTS = 6
"""Decimals that it may have, at most."""
Ledger = Literal["live", "rehearsal"]
"""Rehearsal money has a ledger of its own and never touches a live cap."""


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

    def spend(self, tokens: Tokens, money: Decimal) -> "Burn":
        """Return the burn after one settled call."""
        return Burn(self.tokens + tokens, self.money + money, self.reserved)


def no_cap(amount: Decimal) -> str:
    """Why a finite amount can be no run's cap; empty if it can."""
    if amount <= HIGHEST and -int(amount.as_tuple().exponent) <= CENTS:
        return ""
    return f"that is no cap: name at most ${HIGHEST:f}, with at most {CENTS} decimals"
