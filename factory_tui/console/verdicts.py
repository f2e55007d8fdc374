"""What the journal says of a run's verdicts: every trajectory of a pass with its judgements, and what visits decided.

Pure. The state has tallies alone; passes that somebody looks at are read from the journal, and a few of them are kept.
"""

import re
from collections.abc import Iterable, Sequence

import msgspec

from factory_tui.domain.events import SETTLES, Event, Judged, VerdictReached, VisitBegan, VisitEnded
from factory_tui.domain.state import Run

OF_VERDICTS = ("visit-began", "judged", "verdict-reached", "visit-ended")
OF_DECISIONS = ("visit-ended",)
KEPT = 6
"""Passes that are held with every word of them."""
_MORE = re.compile(rf"(\d+) {SETTLES}")

Told = VisitBegan | Judged | VerdictReached | VisitEnded


class Trajectory(msgspec.Struct, frozen=True):
    """One execution of a scenario: its verdict, None until it is reached, and what judges said before."""

    visit: int
    index: int
    verdict: VerdictReached | None
    judged: tuple[Judged, ...] = ()


class Looked:
    """What is held of one pass. `whole`: the journal has no more of it."""

    def __init__(self) -> None:
        self.whole = False
        self.trouble = ""
        """Why it cannot be read."""
        self.version = 0
        """Raised with every fact."""
        self.began: dict[int, VisitBegan] = {}
        self.ended: dict[int, VisitEnded] = {}
        self._verdicts: dict[tuple[str, int, int], VerdictReached] = {}
        self._judged: dict[tuple[str, int, int], dict[int, Judged]] = {}
        """By seq: one that was no judgement is asked for again under the same number."""

    def fail(self, why: str) -> None:
        """The rest of it cannot be read."""
        self.trouble = why
        self.version += 1

    def take(self, seq: int, fact: Told) -> None:
        """One fact of it; the same once more changes nothing."""
        self.version += 1
        match fact:
            case VisitBegan():
                self.began[fact.visit] = fact
            case VisitEnded():
                self.ended[fact.visit] = fact
            case VerdictReached():
                self._verdicts[fact.scenario, fact.visit, fact.index] = fact
            case Judged():
                said = msgspec.structs.replace(fact, transcript="")
                self._judged.setdefault((fact.scenario, fact.visit, fact.index), {})[seq] = said

    def of(self, scenario: str) -> list[Trajectory]:
        """Its trajectories by visit: those that do not satisfy first, then by draw."""
        found = [
            Trajectory(key[1], key[2], self._verdicts.get(key), tuple(one for _, one in sorted(said.items())))
            for key in {*self._verdicts, *self._judged}
            if key[0] == scenario
            for said in [self._judged.get(key, {})]
        ]
        return sorted(found, key=lambda one: (one.visit, bool(one.verdict and one.verdict.satisfied), one.index))


class Verdicts:
    """Passes that somebody looked at, the last looked at last; and of each run the newest visit that ended."""

    def __init__(self) -> None:
        self.decided: dict[str, VisitEnded] = {}
        self.asked: set[str] = set()
        """Runs whose newest decision was asked for already."""
        self._passes: dict[tuple[str, int], Looked] = {}
        self._began: dict[tuple[str, int], int] = {}
        """The seq from which on a pass has verdicts, of those that were read past."""

    def look(self, run: str, number: int) -> Looked | None:
        """What is held of a pass, which is kept now; None: it has to be read."""
        found = self._passes.pop((run, number), None)
        if found is not None:
            self._passes[run, number] = found
        return found

    def open(self, run: str, number: int) -> Looked:
        """Begin to hold a pass, and forget the one that nobody looked at for longest."""
        self._passes[run, number] = Looked()
        while len(self._passes) > KEPT:
            del self._passes[next(iter(self._passes))]
        return self._passes[run, number]

    def before(self, run: str, number: int) -> int | None:
        """Where to begin to read a pass backwards: before the next one that was read past; None: at the newest."""
        later = [seq for (of, at), seq in self._began.items() if of == run and at > number]
        return min(later, default=None)

    def page(self, run: str, number: int, events: Sequence[Event]) -> bool:
        """A page of a run's facts read backwards for the sake of a pass; whether older ones are wanted."""
        oldest = number
        for event in events:
            if isinstance(event.fact, Told):
                oldest = min(oldest, event.fact.number)
                key = run, event.fact.number
                self._began[key] = min(event.seq, self._began.get(key, event.seq))
        self.take(events)
        wanted = bool(events) and oldest == number
        held = self._passes.get((run, number))
        if held is None:
            return False
        held.whole, held.version = not wanted, held.version + 1
        return wanted

    def take(self, events: Iterable[Event]) -> None:
        """Facts as they happen, or that were read."""
        for event in events:
            fact = event.fact
            if not isinstance(fact, Told):
                continue
            if isinstance(fact, VisitEnded):
                known = self.decided.get(event.run)
                if known is None or known.visit <= fact.visit:
                    self.decided[event.run] = fact
            held = self._passes.get((event.run, fact.number))
            if held is not None:
                held.take(event.seq, fact)


def to_settle(run: Run, decided: VisitEnded | None) -> tuple[str, str]:
    """How many more trajectories would settle whether a pass ships, and on what terms; empty where nobody knows.

    While a confirm finds nothing wrong it is what its screen asked for, less what came since.
    """
    asked = _MORE.search(decided.why) if decided else None
    visit = run.visit
    if visit:
        vault = [visit.tallies[name] for name, of in run.scenarios if of == "vault" and name in visit.tallies]
        fine = not any(tally.unsatisfied or tally.void for tally in vault)
        if decided and asked and fine and (decided.number, decided.decision) == (visit.number, "confirm"):
            return f"{max(0, int(asked[1]) - sum(tally.satisfied for tally in vault))} more", "all satisfied"
        return f"at most {visit.trajectories - visit.done} more", f"in this {visit.kind}"
    if decided is None or run.shipped:
        return "", ""
    of = "" if run.current and run.current.number == decided.number else f" of pass {decided.number}"
    if asked:
        return f"{asked[1]} more{of}", "all satisfied"
    return "", f"{decided.why.rpartition(': ')[2]}{of}"
