"""A visit: the harness looks at a pass's output, in a screen or a confirm, and decides.

Verdicts are recorded and counted in draw order, whatever order they complete in, so that a visit that was killed and
taken up again decides as the one that was not. Knows nothing of loops, git or the generator.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from factory_tui.cells.protocol import ANY, Cells, Entry, Labels, Mould
from factory_tui.domain.events import (
    SETTLES,
    AnyFact,
    Flips,
    Judged,
    Satisfaction,
    VerdictReached,
    VisitBegan,
    VisitEnded,
    VisitKind,
)
from factory_tui.harness.doubt import Doubt
from factory_tui.harness.draws import inputs
from factory_tui.harness.expressions import ExpressionError
from factory_tui.harness.feedback import evidence, symptoms
from factory_tui.harness.feedback import judged as judged_evidence
from factory_tui.harness.judge import transcript
from factory_tui.harness.judges import Judges, Opinion, Sitting
from factory_tui.harness.plan import Decision, Draft, Plan, make_plan
from factory_tui.harness.satisfaction import Count, count
from factory_tui.harness.trajectory import Trajectory, run_trajectory

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence

    from factory_tui.domain.scribe import Scribe
    from factory_tui.domain.state import Pass, Run
    from factory_tui.harness.corpus import Corpus
    from factory_tui.harness.spoiling import Spoiling

AHEAD = 8
"""Trajectories begun beyond the one that is counted next, at most; the engine's semaphore bounds how many run."""


def spoilt(faults: Sequence[str]) -> str:
    """Why a pass that was judged under these does not ship: the beginning of a line."""
    return f"judged while operators had its twins fail ({', '.join(faults)}), so that it does not ship; "


class VisitResult(msgspec.Struct, frozen=True):
    """What a visit found: `symptoms` is the generator's message, `verdicts` are what was counted, for a confirm."""

    feedback: Satisfaction
    vault: Satisfaction
    ship_low: float
    decision: Decision
    why: str
    symptoms: str
    verdicts: tuple[VerdictReached, ...]
    noise: str = ""
    """Why its judges cannot be gone by; empty where they can. It is never a ship then, nor a confirm."""
    by_void: bool = False
    """Whether it ships only because some of the vault are void by a twin: had they failed, it would not."""
    flips: Flips = Flips()
    """What the run's visits and this one tell of their noise."""


class Visitor:
    """Visits for one workspace. `timeout`: seconds a trajectory may take; `mould`: what its cell is made from.

    `holder`: the process that judges, where that is not the workspace's engine. `spoiling`: what operators have the
    twins do.
    """

    def __init__(
        self,
        workspace: str,
        timeout: float = 60.0,
        mould: Mould = ANY,
        holder: str = "",
        spoiling: Spoiling | None = None,
    ) -> None:
        self._spoiling = spoiling
        self._workspace = workspace
        self._holder = holder
        self._timeout = timeout
        self._mould = mould

    async def visit(
        self,
        scribe: Scribe,
        *,
        run: Run,
        corpus: Corpus,
        entries: Sequence[Entry],
        number: int,
        visit: int,
        kind: VisitKind,
        cells: Cells,
        parallel: asyncio.Semaphore,
        known: Sequence[AnyFact] = (),
        pooled: Sequence[VerdictReached] = (),
        judges: Judges | None = None,
    ) -> VisitResult:
        """Run the trajectories that this visit needs, record every verdict, decide, and record that.

        `visit` counts visits over the run, `number` names the pass. `known`: facts of this very visit that were
        recorded before the engine was killed; they are neither run nor recorded again. `pooled`: the screen's
        verdicts, for a confirm. `judges`: who judges transcripts; without them what a rubric has to decide is void.
        Cancelling it closes every cell it started.
        """
        by = judges.names(corpus.scenarios) if judges else ()
        before = flips_before(run, number, pooled, by)
        doubt = Doubt(
            corpus,
            before,
            *((judges.wanted, judges.most) if judges else (0.5, 1)),
            last=number >= run.max_passes,
        )
        book = _Book(_plan(run, corpus), corpus, kind, pooled, doubt)
        drafts = list(book.drafts())
        seen = [fact for fact in known if isinstance(fact, VisitBegan | Judged | VerdictReached | VisitEnded)]
        seen = [fact for fact in seen if fact.visit == visit]
        if not any(isinstance(fact, VisitBegan) for fact in seen):
            commit = next((item.commit for item in run.passes if item.number == number), "")
            made = self._mould
            twins = tuple(f"{twin.name} {twin.digest}" for twin in corpus.twins)
            await scribe.record(VisitBegan(visit, number, kind, commit, len(drafts), made.image, made.id, twins, by))
        labels = Labels(self._workspace, run.id, "trajectory", number, self._holder)
        done = {(fact.scenario, fact.index): fact for fact in seen if isinstance(fact, VerdictReached)}
        ended = next((fact for fact in seen if isinstance(fact, VisitEnded)), None)
        if ended is not None:  # whatever is thought of its judges by now, nothing is added to it, or left out
            drafts = [draft for draft in drafts if (draft.scenario, draft.index) in done]
        counted = asyncio.Condition()

        async def reach(draft: Draft) -> VerdictReached:
            old = done.get((draft.scenario, draft.index))
            if old is not None:
                return old
            judged = [fact for fact in seen if isinstance(fact, Judged)]
            judged = [fact for fact in judged if (fact.scenario, fact.index) == (draft.scenario, draft.index)]
            trajectory = Trajectory(True, 1.0, faults=judged[0].faults if judged else ())
            if not judged:
                async with parallel:
                    trajectory = await self._run(
                        draft, corpus=corpus, run=run.id, visit=visit, cells=cells, labels=labels, entries=entries
                    )
            verdict, scenario = _verdict(corpus, draft, trajectory, visit, number), corpus[draft.scenario]
            if scenario.judge is None or not trajectory.satisfied:
                return verdict
            if judges is None:
                return _ruled(corpus, verdict, Opinion(None, 0.0, "nobody is there to judge it", "", 1))
            async with counted:  # what a cycle decides may make the next one needless, and judges cost money
                await counted.wait_for(lambda: book.cycles >= book.plan.cycle_of(draft))
            sitting, shown = Sitting(visit, number, draft.index, scenario, trajectory.faults), trajectory.steps
            opinion = await judges.judge(scribe, sitting, transcript(shown), doubt.flips, judged)
            return _ruled(corpus, verdict, opinion)

        async with aclosing(_in_order(drafts, reach, book.lacks_more)) as verdicts:
            async for draft, verdict in verdicts:
                if (draft.scenario, draft.index) not in done:
                    await scribe.record(verdict)
                book.take(draft, verdict)
                if book.decision is not None and ended is None:
                    break
                async with counted:
                    counted.notify_all()
        result = book.result(run, number)
        if ended is not None:  # what is thought of its judges may have changed since; what was decided has not
            noise = result.noise if ended.decision == "unsatisfied" else ""
            return msgspec.structs.replace(result, decision=ended.decision, why=ended.why, noise=noise)
        await scribe.record(
            VisitEnded(visit, number, kind, result.feedback, result.vault, result.ship_low, result.decision, result.why)
        )
        return result

    async def _run(
        self,
        draft: Draft,
        *,
        corpus: Corpus,
        run: str,
        visit: int,
        cells: Cells,
        labels: Labels,
        entries: Sequence[Entry],
    ) -> Trajectory:
        scenario = corpus[draft.scenario]
        try:
            values = inputs(scenario, run, visit, draft.index)
        except ExpressionError as error:
            return Trajectory(None, why=f"its [let] failed on these draws: {error}")
        return await run_trajectory(
            cells,
            labels,
            entries,
            scenario,
            values,
            timeout=self._timeout,
            mould=self._mould,
            twins=corpus.twins,
            spoiling=self._spoiling,
        )


def _alike(run: Run, item: Pass, number: int) -> bool:
    """Whether an earlier pass was judged, by the same scenarios and under nobody's fault."""
    return bool(item.tallies) and item.number < number and item.corpus in ("", run.corpus) and not item.faults


def flips_before(run: Run, number: int, pooled: Sequence[VerdictReached], by: tuple[str, ...]) -> Flips:
    """What was known of the noise of these judges when the visit began, whenever it is asked."""
    before = [item.flips for item in run.passes if item.number < number and item.judged_by(by, run.corpus)]
    return sum([*before, *(Flips.of(one.judgements, one.dissent) for one in pooled)], Flips())


def _plan(run: Run, corpus: Corpus) -> Plan:
    return make_plan(
        corpus.scenarios,
        ship_at=run.ship_at,
        alpha=run.alpha,
        max_passes=run.max_passes,
        max_trajectories=run.max_trajectories,
    )


async def _in_order(
    drafts: Iterable[Draft],
    reach: Callable[[Draft], Coroutine[None, None, VerdictReached]],
    lacks_more: Callable[[Sequence[Draft]], bool],
) -> AsyncGenerator[tuple[Draft, VerdictReached], None]:
    """Verdicts in draw order, while those to come are being reached; closed, it cancels them and waits.

    `lacks_more`: whether another is to be begun beside these, of which there is one at least.
    """
    pending: deque[tuple[Draft, asyncio.Task[VerdictReached]]] = deque()
    waiting = iter(drafts)
    try:
        while True:
            while not pending or (len(pending) <= AHEAD and lacks_more([draft for draft, _ in pending])):
                draft = next(waiting, None)
                if draft is None:
                    break
                pending.append((draft, asyncio.create_task(reach(draft))))
            if not pending:
                return
            draft, task = pending[0]
            verdict = await task
            pending.popleft()
            yield draft, verdict
    finally:
        for _, task in pending:
            task.cancel()
        await asyncio.gather(*(task for _, task in pending), return_exceptions=True)


def _verdict(corpus: Corpus, draft: Draft, trajectory: Trajectory, visit: int, number: int) -> VerdictReached:
    scenario = corpus[draft.scenario]
    canary = corpus.canary(scenario.name) if scenario.set == "vault" else ""
    return VerdictReached(
        visit=visit,
        number=number,
        scenario=scenario.name,
        set=scenario.set,
        index=draft.index,
        satisfied=trajectory.satisfied,
        probability=trajectory.probability,
        evidence=evidence(trajectory, canary),
        near_miss=trajectory.near_miss,
        seconds=trajectory.seconds,
        twin=trajectory.twin,
        faults=trajectory.faults,
    )


def _ruled(corpus: Corpus, verdict: VerdictReached, opinion: Opinion) -> VerdictReached:
    """A verdict on what expectations had nothing against, as judges see it."""
    told = {}
    if not opinion.satisfied:
        canary = corpus.canary(verdict.scenario) if verdict.set == "vault" else ""
        told = {"evidence": judged_evidence(opinion.transcript, opinion.why, canary)}
    return msgspec.structs.replace(
        verdict,
        satisfied=opinion.satisfied,
        probability=opinion.probability,
        near_miss=1.0 if opinion.satisfied else min(0.99, opinion.probability),
        judgements=opinion.judgements,
        dissent=opinion.dissent,
        panel=opinion.panel,
        **told,
    )


def _hoped(draft: Draft) -> VerdictReached:
    """What is counted of a trajectory that satisfies, before anything is known of it."""
    return VerdictReached(0, 0, draft.scenario, "vault", draft.index, True, 1.0, "")


class _Book:
    """The verdicts of a visit as they are counted, and what they decide."""

    def __init__(
        self, plan: Plan, corpus: Corpus, kind: VisitKind, pooled: Sequence[VerdictReached], doubt: Doubt
    ) -> None:
        self.doubt = doubt
        self.plan = plan
        self.corpus = corpus
        self.kind = kind
        self.verdicts: list[VerdictReached] = []
        self.pooled = tuple(pooled) if kind == "confirm" else ()
        self.strata = corpus.strata("vault")
        drawn = sum(1 for verdict in self.pooled if verdict.scenario in plan.units)
        self.start = drawn // len(plan.cycle) if plan.cycle else 0
        self.cycles = self.start
        self.decision: Decision | None = None

    def drafts(self) -> Iterator[Draft]:
        return self.plan.screened() if self.kind == "screen" else self.plan.confirmed(self.start)

    def take(self, draft: Draft, verdict: VerdictReached) -> None:
        self.verdicts.append(verdict)
        self.doubt.take(verdict)
        whole = draft.cycle > self.cycles
        self.cycles = max(self.cycles, draft.cycle)
        vault = self.vault()
        self.decision = self._decided(self.cycles, vault, whole=whole)
        certain = self._decided(self.cycles, msgspec.structs.replace(vault, error=0.0), whole=whole)
        self.doubt.in_the_way = certain in ("confirm", "ship") and certain != self.decision

    def lacks_more(self, begun: Sequence[Draft]) -> bool:
        """Whether the visit goes on after these, should all of them satisfy beyond doubt.

        Else another may well be for nothing, and would take what these run on.
        """
        before = max([self.cycles, *(draft.cycle for draft in begun[:-1])])
        cycles = max(before, begun[-1].cycle)
        hoped = [_hoped(draft) for draft in begun]
        return self._decided(cycles, self.vault(hoped), whole=cycles > before) is None

    def _decided(self, cycles: int, vault: Count, *, whole: bool) -> Decision | None:
        if self.kind == "screen":
            return self.plan.after_screen(cycles, vault, whole=whole)
        return self.plan.after_confirm(self.start, cycles, vault, whole=whole)

    def vault(self, hoped: Sequence[VerdictReached] = ()) -> Count:
        both = (*self.pooled, *self.verdicts, *hoped)
        return self.doubt.taken_off(count(both, self.strata), both)

    def result(self, run: Run, number: int) -> VisitResult:
        both = (*self.pooled, *self.verdicts)
        vault = self.vault()
        feedback = count(both, self.corpus.strata("feedback")).satisfaction()
        faults = tuple(dict.fromkeys(fault for one in both for fault in one.faults))
        noise = "" if faults else self.doubt.against(self.decision or "unsatisfied", both)
        decision = "unsatisfied" if noise or faults else self.decision or "unsatisfied"
        ship_low = self.plan.ship_low(self.cycles, vault)
        before = next((item.tallies for item in reversed(run.lived) if _alike(run, item, number)), None)
        return VisitResult(
            feedback=feedback,
            vault=vault.satisfaction(),
            ship_low=ship_low,
            decision=decision,
            why=noise or (spoilt(faults) if faults else "") + self._why(decision, vault, ship_low),
            symptoms=symptoms(self.corpus, both, feedback, vault.satisfaction(), before=before),
            verdicts=both,
            noise=noise,
            by_void=decision == "ship" and self._failing_void(both) < self.plan.ship_at,
            flips=self.doubt.flips,
        )

    def _failing_void(self, both: Sequence[VerdictReached]) -> float:
        """What the ship rule would read, had all failed that a twin made void."""
        worst = [
            msgspec.structs.replace(one, satisfied=False) if one.twin and one.satisfied is None else one for one in both
        ]
        return self.plan.ship_low(self.cycles, self.doubt.taken_off(count(worst, self.strata), both))

    def _why(self, decision: Decision, vault: Count, ship_low: float) -> str:
        seen = f"{vault.satisfied} of {vault.total} vault trajectories satisfied"
        seen += f", {vault.void} void" if vault.void else ""
        if decision == "ship":
            return f"{seen}: ship.low {ship_low:.3f} reaches {self.plan.ship_at:g}"
        more = self.plan.more_to_settle(vault)
        if decision == "confirm":
            return f"{seen}: a confirm is due; {more} {SETTLES}"
        if not self.plan.looks:
            return f"{seen}: max_trajectories, or that of a vault scenario, is too small for this vault ever to ship"
        if not vault.total:
            return f"{seen}: the harness reached no verdict"
        return f"{seen}: " + (f"{more} {SETTLES}" if more else "not even satisfying all that is left would ship")
