"""A journal's worth of facts, which a resume folds and a console attaches to: runs that ship, as many as it takes."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from factory_tui.config.workspace import bundled
from factory_tui.domain.events import (
    Answered,
    AnyFact,
    CallReserved,
    CallSettled,
    CellClosed,
    CellStarted,
    CheckpointRan,
    Draft,
    NodeEntered,
    NodeLeft,
    PassBegan,
    PassEnded,
    Prompted,
    RunMoved,
    RunQueued,
    Satisfaction,
    ScenarioSet,
    Shipped,
    SnapshotTaken,
    ToolCalled,
    ToolReturned,
    VerdictReached,
    VisitBegan,
    VisitEnded,
    VisitKind,
    WorkKept,
)
from factory_tui.domain.money import Tokens

_RUNS = 32
"""Runs at a time."""
_PASSES = 4
_STEPS = 30
"""Steps of an agent in a pass."""
_KEPT = 20
"""Steps between two keepings of its work."""
_TRAJECTORIES = 48
_LONG = 40_000
"""Characters of a tool's result that is a file of its own beside the journal, now and then."""
_LONG_EVERY = 200
_SCENARIOS: tuple[tuple[str, ScenarioSet], ...] = tuple(
    (f"scenario-{number}", "vault" if number % 2 else "feedback") for number in range(12)
)
_STATIONS = ("start", "generate", "unit_tests", "harness", "satisfied", "ship", "exit")
_SHARE = Satisfaction(0.75, 0.6, 0.85, 18, 24)
_VISITS: tuple[tuple[VisitKind, ...], ...] = (("screen",), ("screen", "confirm"))
"""Of a pass that is not the last, and of one that is."""


def history(events: int) -> Iterator[list[Draft]]:
    """Runs that ship after some passes, so many at a time, one generation after the other, until there are `events`."""
    dot, told, generation = (bundled() / "loops" / "factory.dot").read_text(), 0, 0
    while told < events:
        names = [f"steps-{generation * _RUNS + number + 1}" for number in range(_RUNS)]
        for facts in _life(dot):
            yield [Draft(fact, run) for run in names for fact in facts]
            told += len(facts) * _RUNS
        generation += 1


def _life(dot: str) -> Iterator[list[AnyFact]]:
    queued = RunQueued(
        "steps", "rev", "corpus", "factory", dot, "default", "live", "demo", 0.8, 0.01, 10, 48, Decimal(100)
    )
    yield [msgspec.structs.replace(queued, scenarios=_SCENARIOS, stations=_STATIONS), RunMoved("running")]
    yield [CellStarted("agent", "agent", "docker", fenced=True, seconds=0.4, image="factory-cell")]
    step = 0
    for number in range(1, _PASSES + 1):
        yield [
            PassBegan(number, "rev", "corpus", _SCENARIOS),
            NodeEntered("generate", "codergen", number),
            Prompted("generate", "feedback", "what users saw: " + "x" * 3_000),
        ]
        for _ in range(_STEPS):
            step += 1
            yield _step(step)
            if step % _KEPT == 0:
                yield [WorkKept(number, step, f"{step:040x}", 40, 90_000, 0.05)]
        yield [NodeLeft("generate", number, "success", "unit_tests", 60.0, context={"last_stage": "generate"})]
        yield _checkpoint(number)
        yield [SnapshotTaken(number, f"{number:040x}", f"{number:040x}", 40, 90_000, 0.1)]
        for kind in _VISITS[number == _PASSES]:
            yield from _visit(number, kind)
        yield [PassEnded(number, f"{number:040x}", _SHARE, _SHARE, 0.7)]
    yield [Shipped("shipped/steps", f"{_PASSES:040x}", "digest"), CellClosed("agent"), RunMoved("shipped")]


def _step(step: int) -> list[AnyFact]:
    tokens, money = Tokens(2_000, 120, 0, 1_800), Decimal("0.013")
    text = f"step {step} " + "x" * (_LONG if step % _LONG_EVERY == 0 else 300)
    return [
        CallReserved(step, 1, "default", "agent", Decimal("0.25")),
        CallSettled(step, 1, tokens, money, Decimal("0.25"), 0.9, "answered"),
        Answered(step, "default", text[:400], "tool_use", 0.9),
        ToolCalled(step, f"call-{step}", "bash", "echo step >> log.txt"),
        ToolReturned(step, f"call-{step}", text, seconds=0.1),
    ]


def _checkpoint(number: int) -> list[AnyFact]:
    return [
        NodeEntered("unit_tests", "checkpoint", number),
        CheckpointRan("unit_tests", "python3 -m unittest", 0, "x" * 500, 1.5, passed=True),
        NodeLeft("unit_tests", number, "success", "harness", 1.5),
    ]


def _visit(number: int, kind: VisitKind) -> Iterator[list[AnyFact]]:
    visit = number + (kind == "confirm")
    yield [NodeEntered("harness", "harness", visit), VisitBegan(visit, number, kind, f"{number:040x}", _TRAJECTORIES)]
    for index in range(_TRAJECTORIES):
        name, of = _SCENARIOS[index % len(_SCENARIOS)]
        cell = f"cell-{visit}-{index}"
        yield [
            CellStarted(cell, "trajectory", "docker", fenced=True, seconds=0.3, image="factory-cell"),
            VerdictReached(visit, number, name, of, index, index % 4 != 0, 0.9, "x" * 200, 0.5, 0.6),
            CellClosed(cell),
        ]
    yield [VisitEnded(visit, number, kind, _SHARE, _SHARE, 0.7, "unsatisfied", "12 more would settle it")]
    yield [NodeLeft("harness", visit, "fail", "generate", 20.0)]
