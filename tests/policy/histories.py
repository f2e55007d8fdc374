"""Whole run histories, as facts: healthy and slow ones, and those that jam, each drawn from a seed.

What is drawn: how many stories there are, how often each satisfies, how often it is looked at, how long runs do well
before they jam, what the agent calls and what comes back, which stories models judge, and how often those flip.
Verdicts are chance, by each story's own share. A healthy run mends a story of the feedback set in every pass, or in
every other one; all else about it may be slow.
"""

import json
import random
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from factory_tui.agents.conversation import Conversation
from factory_tui.domain import events as e
from factory_tui.domain.events import AnyFact, Event, Flips, ScenarioSet
from factory_tui.domain.reducer import reduce
from factory_tui.domain.state import Run, State
from factory_tui.harness import noise
from factory_tui.harness.corpus import Corpus
from factory_tui.harness.doubt import Doubt, doubted
from factory_tui.policy import jams
from factory_tui.policy.circles import CALLS, circle
from tests.console.story import satisfaction

Kind = Literal["healthy", "dead", "stalled", "oscillating", "contradiction", "judge-noise", "twin-fault"]
KINDS: tuple[Kind, ...] = ("healthy", "dead", "stalled", "oscillating", "contradiction", "judge-noise")
MAX_PASSES = 10
RUN = "drawn-1"
WANTED, MOST = 0.01, 11
"""As bundled: judge_error and judge_most."""


class Plan(msgspec.Struct):
    """A run that is being drawn: what is true of it, and what was told so far."""

    dice: random.Random
    stories: dict[str, ScenarioSet]
    chance: dict[str, float]
    """How often each story satisfies, now."""
    looks: int
    """Trajectories of each story in a pass."""
    number: int = 0
    step: int = 0
    call: int = 0
    tree: int = 0
    breaks: float = 0.0
    """How often a twin beside the product is at fault."""
    judged: tuple[str, ...] = ()
    """Stories with a rubric."""
    flips: float = 0.0
    """How often two judgements of the same transcript differ."""
    noise: Flips = Flips()
    """What the run knows of that by now."""

    def broken(self, of: ScenarioSet) -> list[str]:
        return [name for name, kind in self.stories.items() if kind == of and self.chance[name] < 0.5]


def history(kind: Kind, seed: int, breaks: float = 0.0) -> list[AnyFact]:
    """The facts of a run of this kind, until the engine would look at it for the last time.

    `breaks`: how often a twin is at fault in it.
    """
    return list(_drawn(kind, random.Random(f"{kind} {seed}"), breaks))


def named(facts: Sequence[AnyFact]) -> tuple[str, int]:
    """The jam that is found in a history as it is told, and in which pass; `healthy` where none is."""
    state, talk, trees = State(), Conversation(), dict[int, str]()
    visits: dict[int, list[e.VerdictReached]] = {}
    for seq, fact in enumerate(facts, 1):
        if isinstance(fact, e.PassBegan) and (jam := _jam(state, trees)):
            return jam.kind, fact.number - 1
        state = reduce(state, Event(seq, str(seq), seq, fact, RUN))
        talk = talk.take(fact)
        number = len(state.runs[RUN].passes)
        if isinstance(fact, e.SnapshotTaken):
            trees[fact.number] = fact.tree
        if isinstance(fact, e.VerdictReached):
            visits.setdefault(fact.visit, []).append(fact)
        if isinstance(fact, e.VisitEnded) and (jam := jams.twin_fault(list(visits.values()))):
            return jam.kind, fact.number
        if isinstance(fact, e.VisitEnded):
            doubt = Doubt(Corpus("drawn"), state.runs[RUN].flips, WANTED, MOST, last=fact.number == MAX_PASSES)
            if doubt.against(fact.decision, visits[fact.visit]):
                return "judge-noise", fact.number
        if talk.dispute:
            return "contradiction", number
        if talk.asked and not talk.pending and circle(talk.lately):
            if talk.circles:
                return "oscillating", number
            talk = talk.take(_said("nudge"))  # as the agent's loop does
    if state.runs[RUN].state == "jammed":  # its passes are used up
        return jam.kind if (jam := _jam(state, trees)) else "stalled", MAX_PASSES
    return "healthy", len(state.runs[RUN].passes)


def _jam(state: State, trees: dict[int, str]) -> jams.Jam | None:
    """What the engine finds between two passes, and when they are used up."""
    run: Run = state.runs[RUN]
    feedback = {name for name, kind in run.scenarios if kind == "feedback"}
    level, noise = run.alpha / run.max_passes, doubted(run.flips, WANTED, MOST)
    return jams.classify(run.passes, feedback=feedback, trees=trees, stall_after=3, level=level, doubted=noise)


def _drawn(kind: Kind, dice: random.Random, breaks: float) -> Iterator[AnyFact]:
    feedback, vault = dice.randint(3, 9), dice.randint(3, 9)
    stories: dict[str, ScenarioSet] = {f"told-{n}": "feedback" for n in range(feedback)}
    stories |= {f"kept-{n}": "vault" for n in range(vault)}
    plan = Plan(dice, stories, {name: dice.uniform(0.93, 1) for name in stories}, dice.randint(1, 6))
    plan.breaks = breaks
    for name in [f"told-{n}" for n in range(dice.randint(2, min(6, feedback)))]:
        plan.chance[name] = _bad(dice)
    for name in [f"kept-{n}" for n in range(dice.randint(1, vault))]:
        plan.chance[name] = _bad(dice)
    if kind == "judge-noise" or dice.random() < 0.5:
        plan.judged = tuple(dice.sample(sorted(stories), dice.randint(2 if kind == "judge-noise" else 1, 4)))
    plan.flips = dice.uniform(0.4, 0.5) if kind == "judge-noise" else dice.uniform(0, 0.15)
    yield e.RunQueued(
        "drawn", "rev", "corpus", "factory", "", "m", "rehearsal", "ana", 0.9, 0.01, MAX_PASSES, 200, None,
        tuple(stories.items()),
    )  # fmt: skip
    yield e.RunMoved("running")
    yield _said("seed")
    yield from _HISTORIES[kind](plan)


def _bad(dice: random.Random) -> float:
    """How often a broken story satisfies: mostly never."""
    return 0.0 if dice.random() < 0.8 else dice.uniform(0, 0.2)


def _healthy(plan: Plan) -> Iterator[AnyFact]:
    yield from _pass(plan)
    rested = False
    while plan.broken("feedback"):
        later = len(plan.broken("feedback")) * 2 + plan.number < MAX_PASSES
        if later and not rested and plan.dice.random() < 0.4:
            rested = True
        else:
            rested = False
            _mend(plan)
        yield from _pass(plan)


def _mend(plan: Plan) -> None:
    for name in plan.broken("feedback")[: 1 if plan.dice.random() < 0.7 else 2]:
        plan.chance[name] = plan.dice.uniform(0.93, 1)
    for name in plan.broken("vault")[:1]:
        if plan.dice.random() < 0.7:
            plan.chance[name] = plan.dice.uniform(0.93, 1)


def _well(plan: Plan, most: int) -> Iterator[AnyFact]:
    """It begins well: some passes, each better than the one before."""
    yield from _pass(plan)
    for _ in range(plan.dice.randint(0, most)):
        if len(plan.broken("feedback")) < 2:
            return
        name = plan.broken("feedback")[0]
        plan.chance[name] = plan.dice.uniform(0.93, 1)
        yield from _pass(plan)


def _dead(plan: Plan) -> Iterator[AnyFact]:
    yield from _well(plan, 5)
    yield from _pass(plan, tree=f"tree {plan.tree}")
    yield e.PassBegan(plan.number + 1, "rev")


def _stalled(plan: Plan) -> Iterator[AnyFact]:
    if plan.dice.random() < 0.2:
        while plan.number < MAX_PASSES:
            yield from _pass(plan, judged=False)
    else:
        yield from _well(plan, 5)
        while plan.number < MAX_PASSES:
            yield from _pass(plan)
    yield e.RunMoved("jammed")


def _oscillating(plan: Plan) -> Iterator[AnyFact]:
    yield from _well(plan, 3)
    way = plan.dice.choice(("outputs", "back", "stories", "calls"))
    if way == "calls":
        yield from _pass(plan, circles=True)
        return
    if way == "back":  # two outputs that fail the same
        trees = [f"tree {plan.tree}", "another tree"]
        for n in range(MAX_PASSES - plan.number):
            yield from _pass(plan, tree=trees[(n + 1) % 2])
    else:
        period = plan.dice.choice((2, 3))
        names = plan.dice.sample([name for name, of in plan.stories.items() if of == "feedback"], period)
        for n in range(MAX_PASSES - plan.number):
            plan.chance |= {name: plan.dice.uniform(0.93, 1) for name in names}
            plan.chance[names[n % period]] = 0.0
            yield from _pass(plan, tree=f"one of {n % period}" if way == "outputs" else "")
    yield e.RunMoved("jammed")


def _contradiction(plan: Plan) -> Iterator[AnyFact]:
    yield from _well(plan, 5)
    yield from _pass(plan, disputes=True)


def _judge_noise(plan: Plan) -> Iterator[AnyFact]:
    """All is well with it but for its judges."""
    yield from _healthy(plan)
    while plan.number < MAX_PASSES:
        _mend(plan)
        yield from _pass(plan)


def _twin_fault(plan: Plan) -> Iterator[AnyFact]:
    yield from _well(plan, 4)
    plan.breaks = plan.dice.choice((1.0, plan.dice.uniform(0.5, 1)))
    while plan.number < MAX_PASSES:
        yield from _pass(plan)


_HISTORIES = {
    "healthy": _healthy,
    "dead": _dead,
    "stalled": _stalled,
    "oscillating": _oscillating,
    "contradiction": _contradiction,
    "judge-noise": _judge_noise,
    "twin-fault": _twin_fault,
}


def _pass(
    plan: Plan, tree: str = "", *, judged: bool = True, circles: bool = False, disputes: bool = False
) -> Iterator[AnyFact]:
    plan.number += 1
    yield e.PassBegan(plan.number, "rev")
    yield from _work(plan)
    if circles:
        period = plan.dice.randint(1, 3)
        for n in range(2 * CALLS):
            yield from _call(plan, f"try {n % period}", f"failed {n % period}")
        return
    if disputes:
        yield _answer(plan, "Both cannot be had.\nDISPUTE: `all are kept` against `none is kept`")
        return
    yield _answer(plan, "It is done.")
    if not tree:
        plan.tree += 1
        tree = f"tree {plan.tree}"
    yield e.SnapshotTaken(plan.number, f"commit {plan.number}", tree, 3, 100, 0.1)
    if not judged:
        yield e.PassEnded(plan.number, f"commit {plan.number}", None, None)
        return
    yield e.VisitBegan(plan.number, plan.number, "screen", f"commit {plan.number}", plan.looks * len(plan.stories))
    counts = {"feedback": [0, 0], "vault": [0, 0]}
    for name, of in plan.stories.items():
        for index in range(plan.looks):
            good = plan.dice.random() < plan.chance[name]
            if plan.breaks and plan.dice.random() < plan.breaks:
                yield e.VerdictReached(plan.number, plan.number, name, of, index, None, 0.0, "", twin="payments")
                continue
            said = _judgements(plan) if good and name in plan.judged else []
            good = good and (not said or 2 * sum(said) > len(said))
            counts[of][0] += good
            counts[of][1] += 1
            yield e.VerdictReached(
                plan.number, plan.number, name, of, index, good, float(good), "",
                judgements=len(said), dissent=said.count(not good), panel=MOST if said else 0,
            )  # fmt: skip
    told, kept = (satisfaction(good, max(1, total)) for good, total in counts.values())
    done = not (plan.broken("feedback") or plan.broken("vault"))
    yield e.VisitEnded(plan.number, plan.number, "screen", told, kept, kept.low, "ship" if done else "unsatisfied", "")
    yield e.PassEnded(plan.number, f"commit {plan.number}", told, kept, kept.low)
    yield _said("feedback")


def _judgements(plan: Plan) -> list[bool]:
    """Of a transcript that should satisfy."""
    chosen, said = noise.panel(plan.noise, WANTED, MOST), list[bool]()
    while chosen.verdict(said) is None:
        said.append(plan.dice.random() >= noise.error_of(plan.flips))
    plan.noise += Flips.of(len(said), min(said.count(True), said.count(False)))
    return said


def _work(plan: Plan) -> Iterator[AnyFact]:
    """What an agent does in a pass: edits, tests that fail as before, waiting for what moves, looking at the same."""
    for _ in range(plan.dice.randint(2, 8)):
        match plan.dice.choice(("edits", "tests", "waits", "looks")):
            case "edits":
                yield from _call(plan, f"edit {plan.call}", "done")
                yield from _call(plan, "make test", plan.dice.choice(("2 failed", "1 failed")))
            case "tests":
                for _ in range(plan.dice.randint(1, CALLS // 2)):
                    yield from _call(plan, "make test", "2 failed", plan.dice.choice((0.1, 60, 3000)))
                yield from _call(plan, f"edit {plan.call}", "done")
            case "waits":
                for n in range(plan.dice.randint(1, 30)):
                    yield from _call(plan, "sleep 60; tail -1 log", f"{n} of 30", 60)
            case _:
                for n in range(plan.dice.randint(1, CALLS - 1)):
                    yield from _call(plan, f"cat file{n % 3}", "the same")
                yield from _call(plan, f"edit {plan.call}", "done")


def _call(plan: Plan, command: str, output: str, seconds: float = 1.0) -> Iterator[AnyFact]:
    plan.step, plan.call = plan.step + 1, plan.call + 1
    name = f"call-{plan.call}"
    used = {"type": "tool_use", "id": name, "name": "bash", "input": {"command": command}}
    yield e.CallReserved(plan.step, 1, "m", "agent", Decimal("0.1"))
    yield e.Answered(plan.step, "m", json.dumps([used]), "tool_use", 1.0)
    yield e.ToolCalled(plan.step, name, "bash", command)
    yield e.ToolReturned(plan.step, name, output, exit=0, seconds=seconds)


def _answer(plan: Plan, words: str) -> e.Answered:
    plan.step += 1
    return e.Answered(plan.step, "m", json.dumps([{"type": "text", "text": words}]), "end_turn", 1.0)


def _said(origin: Literal["seed", "feedback", "nudge"]) -> e.Prompted:
    told = json.dumps([{"type": "text", "text": origin}])
    return e.Prompted("generate", origin, told, "You are." if origin == "seed" else "")
