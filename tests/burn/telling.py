"""Facts of runs that burn, as a journal would have them; and any number of such journals."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import strategies as st

from factory_tui.domain import events as e
from factory_tui.domain.events import AnyFact, Event, Satisfaction
from factory_tui.domain.money import DAY, Ledger, Tokens

START = 1_790_000_000_000 // DAY * DAY
"""A midnight."""
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000


class Journal:
    """Facts in order, each some ms after the one before."""

    def __init__(self, at: int = START) -> None:
        self.events: list[Event] = []
        self.at = at

    def say(self, run: str, *facts: AnyFact, actor: str = "engine", after: int = SECOND) -> None:
        for fact in facts:
            self.at += after
            seq = len(self.events) + 1
            self.events.append(Event(seq, f"{seq:026}", self.at, fact, run, actor))

    def queue(
        self,
        run: str,
        *,
        ledger: Ledger = "live",
        loop: str = "factory",
        owner: str = "ana",
        actor: str = "engine",
        cap: Decimal | None = Decimal(10),
        ship_at: float = 0.8,
    ) -> None:
        seed = run.rpartition("-")[0]
        queued = e.RunQueued(
            seed, "9f3c", "c0ffee", loop, "", "big", ledger, owner, ship_at, 0.01, 10, 48, cap, (("expires", "vault"),)
        )
        self.say(run, queued, e.RunMoved("running"), actor=actor)

    def call(
        self,
        run: str,
        step: int,
        money: str,
        *,
        model: str = "big",
        purpose: e.Purpose = "agent",
        tokens: Tokens = Tokens(100, 50, 10, 840),  # noqa: B008
        attempt: int = 1,
        outcome: str = "answered",
        after: int = SECOND,
    ) -> None:
        paid = Decimal(money)
        self.say(run, e.CallReserved(step, attempt, model, purpose, paid * 2), after=0)
        settled = e.CallSettled(step, attempt, tokens, paid, paid * 2, 1.0, outcome, purpose=purpose)  # type: ignore[arg-type]
        self.say(run, settled, after=after)

    def judge(self, run: str, step: int, money: str, scenario: str) -> None:
        self.call(run, step, money, purpose="judge", model="small")
        judged = e.Judged(1, 1, scenario, "vault", 0, 1, True, 0.9, "fine")
        self.say(run, judged, after=0)

    def end(self, run: str, number: int, share: float | None, size: int = 0, faults: tuple[str, ...] = ()) -> None:
        measured = None if share is None else Satisfaction(share, 0.0, 1.0, round(share * 20), 20)
        if size:
            self.say(run, e.SnapshotTaken(number, f"c{number}", "t", 1, size, 0.1))
        self.say(run, e.PassEnded(number, f"c{number}", measured, measured, faults=faults))

    def whole(self, run: str, shares: Sequence[float], money: str = "0.10", over: e.RunState = "shipped") -> None:
        """A run from its queue to its end: each pass ten minutes, and one call."""
        self.queue(run)
        for number, share in enumerate(shares, 1):
            self.say(run, e.PassBegan(number, "9f3c"), e.NodeEntered("generate", "codergen", number))
            self.call(run, number, money, after=10 * MINUTE)
            self.end(run, number, share)
        self.say(run, e.RunMoved(over))


@st.composite
def journals(draw: st.DrawFn) -> list[Event]:
    """Some runs of both ledgers, their calls interleaved in any order, over minutes or over days."""
    journal = Journal(START + draw(st.integers(0, 3)) * 7_000_000)
    runs = [f"{seed}-{number}" for seed in ("links", "orders") for number in (1, 2)]
    for run in runs:
        journal.queue(
            run, ledger=draw(st.sampled_from(("live", "rehearsal"))), actor=draw(st.sampled_from(("bea", "engine")))
        )
    passes = dict.fromkeys(runs, 0)
    amounts = st.decimals(0, 3, places=9, allow_nan=False)
    kinds = st.sampled_from(("call", "call", "judge", "failed judge", "node", "pass", "engine", "over"))
    for step, kind in enumerate(draw(st.lists(kinds, max_size=40)), 1):
        run, after = draw(st.sampled_from(runs)), draw(st.sampled_from((100, 40_000, 1_900_000, 50_000_000)))
        money = str(draw(amounts))
        match kind:
            case "call":
                journal.call(run, step, money, model=draw(st.sampled_from(("big", "small"))), after=after)
            case "judge":
                journal.judge(run, -step, money, draw(st.sampled_from(("expires", "follows"))))
            case "failed judge":
                journal.call(run, -step, money, purpose="judge", outcome="failed", after=after)
            case "node":
                journal.say(run, e.NodeEntered(draw(st.sampled_from(("generate", "harness"))), "codergen", 1))
            case "pass":
                passes[run] += 1
                journal.say(run, e.PassBegan(passes[run], "9f3c"))
                journal.end(run, passes[run], draw(st.none() | st.integers(0, 20).map(lambda part: part / 20)), 1000)
            case "engine":
                journal.say("", e.EngineStarted("1", 1, "w", "process", False))
            case "over":
                journal.say(run, e.RunMoved(draw(st.sampled_from(("shipped", "stopped")))))
    return journal.events
