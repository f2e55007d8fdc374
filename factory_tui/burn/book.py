"""The book: what the facts of a journal say about burn, folded one by one, in order, in bounded memory.

It reads only facts of `KINDS`. All that it says at some moment comes from facts before that moment: what was foretold
is kept as it was told, and held against what came when that came.
"""

from collections import deque
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

from factory_tui.burn.account import Account, Placed
from factory_tui.burn.outlook import Gain, Miss, Outlook, Record, outlook, record
from factory_tui.burn.pace import Pace
from factory_tui.burn.series import Series
from factory_tui.domain import events as e
from factory_tui.domain.money import DAY, Burn, Ledger, begins
from factory_tui.domain.state import OVER

KEPT = 64
"""Gains of a loop's passes, and errors of a back-test, that are kept: the newest."""


class Loop:
    """What is known of one loop's runs, in one ledger."""

    def __init__(self) -> None:
        self.gains: deque[tuple[str, Gain]] = deque(maxlen=KEPT)
        """With the run that each is of."""
        self.misses: deque[Miss] = deque(maxlen=KEPT)
        self.never = self.unseen = 0

    def record(self) -> Record | None:
        """How good what was foretold of its runs was."""
        return record(self.misses, self.never, self.unseen)


class Book:
    """All accounts, and the series over them."""

    def __init__(self) -> None:
        self.seq = 0
        """Of the newest fact that was taken in."""
        self.series = Series()
        self.accounts: dict[str, Account] = {}
        self.loops: dict[tuple[Ledger, str], Loop] = {}
        self.paces: dict[Ledger, Pace] = {}
        """Of all runs of a ledger, on the day of now."""
        self.late: dict[Ledger, deque[int]] = {}
        """By how many ms minutes of runs that are over were wrong about when what was spent would be."""
        self.late_days: dict[Ledger, deque[int]] = {}
        """The same of days that are over."""
        self._day = self._furthest = 0
        self._judgement: tuple[int, str, int] | None = None
        """Seq of a judgement to come, with its run and its call's step."""

    def take(self, event: e.Event) -> None:
        """One more fact; one that is known, or is none of `KINDS`, changes nothing."""
        if event.seq <= self.seq:
            return
        change = _ON.get(type(event.fact))
        if change is None:
            return
        self.seq = event.seq
        change(self, event, event.fact)

    def take_all(self, events: Iterable[e.Event]) -> None:
        """Several, in order."""
        for event in events:
            self.take(event)

    def loop(self, account: Account) -> Loop:
        """What is known of the loop that a run walks."""
        return self.loops.setdefault((account.ledger, account.loop), Loop())

    def lateness(self, account: Account) -> tuple[int, int] | None:
        """Of runs, by how many ms they were wrong about when so much would be spent, in the median, and of how many."""
        return _median([*self.late.get(account.ledger, ()), *account.pace.errors()])

    def day_lateness(self, ledger: Ledger) -> tuple[int, int] | None:
        """The same of all runs together, on days."""
        pace = self.paces.get(ledger)
        return _median([*self.late_days.get(ledger, ()), *(pace.errors() if pace else ())])

    def _started(self, _event: e.Event, _fact: e.EngineStarted) -> None:
        """Judgements that were awaited never come: their calls are numbered anew."""
        for account in self.accounts.values():
            account.judging.clear()

    def _queued(self, event: e.Event, fact: e.RunQueued) -> None:
        account = self.accounts[event.run] = Account(event.run, event.at, event.actor, fact)
        self.paces.setdefault(fact.ledger, Pace(event.at))
        self._foretell(account, event.at)

    def _foretell(self, account: Account, at: int) -> None:
        account.foretell(at, self._outlook(account))

    def _outlook(self, account: Account) -> Outlook | None:
        others = [one for run, one in self.loop(account).gains if run != account.run]
        return outlook(account.share, account.ship_at, account.gains, others)

    def _settled(self, event: e.Event, account: Account, fact: e.CallSettled) -> None:
        burn = Burn().spend(fact.tokens, fact.money, fact.unsaid, twice=fact.outcome == "possibly-paid-twice")
        day = fact.day or max(self._day, event.at // DAY)
        placed = Placed(event.at, day, account.key(fact), burn)
        self.series.add(*placed)
        account.pace.pay(event.at, burn)
        self._count(event.at, day, account.ledger, burn)
        if fact.purpose == "judge":
            account.judging.setdefault(fact.step, []).append(placed)
            if fact.outcome == "answered":
                self._judgement = event.seq + 1, event.run, fact.step

    def _count(self, at: int, day: int, ledger: Ledger, burn: Burn) -> None:
        if begins(self._day, day, self._furthest):
            for name, pace in self.paces.items():
                self.late_days.setdefault(name, deque(maxlen=KEPT)).extend(pace.errors())
                pace.begin(at)
        self._day, self._furthest = day, max(self._furthest, day)
        self.paces[ledger].pay(at, burn)

    def _judged(self, event: e.Event, account: Account, fact: e.Judged) -> None:
        """A judgement stands right behind the call that it was answered by: the two are written together."""
        awaited, self._judgement = self._judgement, None
        if awaited is None or awaited[:2] != (event.seq, event.run):
            return
        for at, day, key, burn in account.judging.pop(awaited[2], ()):
            self.series.move(at, day, key, key._replace(scenario=f"{account.seed}/{fact.scenario}"), burn)

    def _ended(self, event: e.Event, account: Account, fact: e.PassEnded) -> None:
        share = fact.vault.share if fact.vault and fact.vault.total else None
        gained, misses = account.ended(event.at, fact.number, share, spoilt=bool(fact.faults))
        known = self.loop(account)
        known.unseen += misses.count(None)
        known.misses.extend(one for one in misses if one)
        if gained:
            known.gains.append((account.run, gained))
        if not account.reached:
            self._foretell(account, event.at)
        else:
            account.outlook = None

    def _moved(self, _event: e.Event, account: Account, fact: e.RunMoved) -> None:
        if fact.state not in OVER:
            return
        self.loop(account).never += sum(one.outlook.passes is not None for one in account.foretold)
        account.foretold, account.outlook = [], None
        self.late.setdefault(account.ledger, deque(maxlen=KEPT)).extend(account.pace.errors())
        account.pace.stop()
        account.models.clear()
        account.judging.clear()

    def _forked(self, event: e.Event, account: Account, fact: e.RunForked) -> None:
        origin = self.accounts.get(fact.origin)
        account.begin_with(origin.shares.get(fact.number, 0.0) if origin else 0.0)
        account.foretold.clear()
        self._foretell(account, event.at)

    def _restarted(self, _event: e.Event, account: Account, fact: e.RunRestarted) -> None:
        account.begin_with(account.shares.get(fact.number, 0.0))
        if not account.reached:
            account.outlook = self._outlook(account)  # held against nothing: no pass has ended


def reads(fact: e.Fact) -> bool:
    """Whether a fact is one of `KINDS`."""
    return type(fact) in _ON


def _median(errors: list[int]) -> tuple[int, int] | None:
    return (int(median(errors)), len(errors)) if errors else None


def _entered(_book: Book, _event: e.Event, account: Account, fact: e.NodeEntered) -> None:
    account.node = fact.node


def _reserved(_book: Book, _event: e.Event, account: Account, fact: e.CallReserved) -> None:
    account.models[fact.step, fact.attempt] = fact.model


def _of_run(change: Callable[[Book, e.Event, Account, Any], None]) -> Callable[[Book, e.Event, Any], None]:
    """A change for runs that are known; the reducer leaves out the others, too."""

    def changed(book: Book, event: e.Event, fact: Any) -> None:
        account = book.accounts.get(event.run)
        if account is not None:
            change(book, event, account, fact)

    return changed


_ON: dict[type[e.Fact], Callable[[Book, e.Event, Any], None]] = {
    e.EngineStarted: Book._started,
    e.RunQueued: Book._queued,
    e.RunForked: _of_run(Book._forked),
    e.RunRestarted: _of_run(Book._restarted),
    e.RunMoved: _of_run(Book._moved),
    e.NodeEntered: _of_run(_entered),
    e.CallReserved: _of_run(_reserved),
    e.CallSettled: _of_run(Book._settled),
    e.Judged: _of_run(Book._judged),
    e.PassEnded: _of_run(Book._ended),
}
KINDS: tuple[str, ...] = tuple(sorted(str(kind.__struct_config__.tag) for kind in _ON))
"""Tags of the facts that it reads."""
