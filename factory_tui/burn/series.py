"""Burn in buckets of time, by what it was for: as many buckets as a window has, however many calls there were.

Whatever a window is grouped by, its groups sum to its total, to the last digit: what cannot be told apart stands in a
group that says so. A call counts in the bucket of the time at which it was settled, and in `all` on the day that caps
count it for.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from factory_tui.burn.windows import WINDOWS, By, WindowName
from factory_tui.domain.events import Purpose
from factory_tui.domain.money import Burn, Ledger, Tokens

UNKNOWN = "model not known"
"""The group of calls of which no reservation says who was asked."""
REST: dict[Purpose, str] = {
    "agent": "agent, for all scenarios",
    "summary": "summaries, for all scenarios",
    "judge": "judge, without a judgement",
}
"""By purpose, the group of what was spent for no single scenario."""


DAYS = 3_660
"""Buckets of `all` above which the empty ones are left out."""


class Key(NamedTuple):
    """What a call was for. `scenario` is empty where it was for no single one, `model` where nobody said."""

    ledger: Ledger
    run: str
    model: str
    purpose: Purpose
    node: str
    scenario: str = ""
    """With its seed: `shortlinks/expires`."""

    def group(self, by: By) -> str:
        """The group that it belongs to."""
        match by:
            case "run":
                return self.run
            case "model":
                return self.model or UNKNOWN
            case "phase":
                return f"{self.purpose} in {self.node}" if self.node else self.purpose
            case "scenario":
                return self.scenario or REST[self.purpose]


Bucket = dict[Key, Burn]


class View(NamedTuple):
    """One ledger in a window. `total` is the sum of `buckets`, and that of `groups`."""

    window: WindowName
    step: int
    begins: int
    """UTC ms of the first bucket."""
    buckets: list[Burn]
    """Oldest first, the empty ones too."""
    groups: dict[str, Burn]
    total: Burn


class Series:
    """All that was settled, in the buckets of every window."""

    def __init__(self) -> None:
        self._kept: dict[WindowName, dict[int, Bucket]] = {name: {} for name in WINDOWS}
        self._newest: dict[WindowName, int] = {}
        self._keys: dict[Key, Key] = {}
        """Each once, however many buckets have it."""

    def add(self, at: int, day: int, key: Key, burn: Burn) -> None:
        """What was settled at `at` (UTC ms), and counts for `day`."""
        key = self._keys.setdefault(key, key)
        for name, scale in WINDOWS.items():
            number = at // scale.step if scale.buckets else day
            newest = self._newest.get(name, number)
            if scale.buckets and number <= newest - scale.buckets:
                continue
            kept = self._kept[name]
            bucket = kept.get(number)
            if bucket is None:
                bucket = kept[number] = {}
                self._newest[name] = newest = max(newest, number)
                for old in [one for one in kept if scale.buckets and one <= newest - scale.buckets]:
                    del kept[old]
            bucket[key] = plus(bucket[key], burn) if key in bucket else burn

    def move(self, at: int, day: int, key: Key, to: Key, burn: Burn) -> None:
        """What was added under one key turns out to be another's."""
        for name, scale in WINDOWS.items():
            bucket = self._kept[name].get(at // scale.step if scale.buckets else day, {})
            if key not in bucket:
                continue
            left = minus(bucket[key], burn)
            if left == Burn():
                del bucket[key]
            else:
                bucket[key] = left
            bucket[to] = plus(bucket[to], burn) if to in bucket else burn

    def view(self, window: WindowName, now: int, ledger: Ledger, by: By, wanted: Callable[[Key], bool]) -> View:
        """A ledger's window as it is at `now`, of the keys that are wanted."""
        scale, kept = WINDOWS[window], self._kept[window]
        last = max(now // scale.step, *kept) if kept else now // scale.step
        first = last - scale.buckets + 1 if scale.buckets else min(kept, default=last)
        numbers: Iterable[int] = range(first, last + 1)
        if last - first > DAYS:  # a clock was far off: its day is told beside the others
            numbers = sorted(kept)
        buckets, groups = list[Burn](), dict[str, _Sum]()
        for number in numbers:
            whole = _Sum()
            for key, burn in kept.get(number, {}).items():
                if key.ledger == ledger and wanted(key):
                    groups.setdefault(key.group(by), _Sum()).add(burn)
                    whole.add(burn)
            buckets.append(whole.burn)
        found = {name: one.burn for name, one in groups.items()}
        return View(window, scale.step, first * scale.step, buckets, found, total(buckets))

    def cells(self, window: WindowName, now: int) -> Iterator[tuple[int, Key, Burn]]:
        """All that a window holds, oldest first: each bucket's beginning in UTC ms, and its keys."""
        scale, kept = WINDOWS[window], self._kept[window]
        least = now // scale.step - scale.buckets if scale.buckets else -1
        for number in sorted(kept):
            if number > least:
                for key, burn in sorted(kept[number].items()):
                    yield number * scale.step, key, burn

    def entries(self) -> int:
        """How many sums are held."""
        return sum(len(bucket) for kept in self._kept.values() for bucket in kept.values())


class _Sum:
    """A sum under way: many are made for a view, so nothing is made anew for each part of one."""

    __slots__ = ("_cache_read", "_cache_write", "_input", "_money", "_output", "_twice", "_unsaid")

    def __init__(self) -> None:
        self._input = self._output = self._cache_write = self._cache_read = self._unsaid = 0
        self._money = self._twice = Decimal(0)

    def add(self, burn: Burn) -> None:
        tokens = burn.tokens
        self._input += tokens.input
        self._output += tokens.output
        self._cache_write += tokens.cache_write
        self._cache_read += tokens.cache_read
        self._money += burn.money
        self._unsaid += burn.unsaid
        self._twice += burn.twice

    @property
    def burn(self) -> Burn:
        tokens = Tokens(self._input, self._output, self._cache_write, self._cache_read)
        return Burn(tokens, self._money, unsaid=self._unsaid, twice=self._twice)


def plus(one: Burn, other: Burn) -> Burn:
    """Both together."""
    return Burn(
        one.tokens + other.tokens,
        one.money + other.money,
        one.reserved + other.reserved,
        one.unsaid + other.unsaid,
        one.twice + other.twice,
    )


def minus(one: Burn, other: Burn) -> Burn:
    """What is left of the one without the other."""
    a, b = one.tokens, other.tokens
    tokens = type(a)(a.input - b.input, a.output - b.output, a.cache_write - b.cache_write, a.cache_read - b.cache_read)
    return Burn(
        tokens,
        one.money - other.money,
        one.reserved - other.reserved,
        one.unsaid - other.unsaid,
        one.twice - other.twice,
    )


def total(burns: Iterable[Burn]) -> Burn:
    """All of them together; what is reserved is of no sum over time."""
    whole = _Sum()
    for burn in burns:
        whole.add(burn)
    return whole.burn
