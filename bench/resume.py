"""A start of the engine on a long journal: from the cached state, and by folding all of it, beside a plain fold.

The floor reads the same rows by sqlite3, decodes them and folds: no connection of its own thread, no pages, no cache.
"""

import gc
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import msgspec

from bench.figures import Figures, beside, median, say
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
    Event,
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
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from factory_tui.engine.serve import entropy, now
from factory_tui.journal import Journal
from factory_tui.journal.blobs import Blobs

EVENTS = 1_000_000
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
_TURNS = 3
_facts: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)


async def measure(folder: Path, events: int = EVENTS) -> Figures:
    """Seconds until the state is there."""
    say(f"resume: writing {events} events")
    journal = await _open(folder)
    for drafts in _history(events):
        await journal.append(drafts)
    state = await journal.state()
    await journal.close()
    path = folder / "resume" / "journal.db"
    cached, folded, plain = list[float](), list[float](), list[float]()
    for turn in range(_TURNS):
        say(f"resume: turn {turn + 1} of {_TURNS}")
        cached.append(await _resume(folder, state))
        _forget(path)
        folded.append(await _resume(folder, state))
        plain.append(_plain(path, state))
    return {
        "resume_events": state.seq,
        "resume_runs": len(state.runs),
        "resume_cached_s": round(median(cached), 3),
        **beside("resume_folded_s", median(folded), median(plain)),
        "journal_mb": round(path.stat().st_size / 1e6),
    }


async def _open(folder: Path) -> Journal:
    return await Journal.open(folder / "resume", folder / "resume-keys", workspace="bench", clock=now, entropy=entropy)


def _history(events: int) -> Iterator[list[Draft]]:
    """Runs that ship after some passes, so many at a time, one generation after the other, as many as it takes."""
    dot, told, generation = (bundled() / "loops" / "factory.dot").read_text(), 0, 0
    while told < events:
        names = [f"steps-{generation * _RUNS + number + 1}" for number in range(_RUNS)]
        for facts in _life(dot):
            if told >= events:
                return
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


async def _resume(folder: Path, wanted: State) -> float:
    gc.collect()
    began = time.perf_counter()
    journal = await _open(folder)
    state = await journal.state()
    taken = time.perf_counter() - began
    await journal.close()
    if state != wanted:
        raise RuntimeError("the state is another one")
    return taken


def _forget(path: Path) -> None:
    """The cached state, so that the next start folds everything."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM state")


def _plain(path: Path, wanted: State) -> float:
    gc.collect()
    began = time.perf_counter()
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT seq, id, at, payload, run, actor, digest FROM event ORDER BY seq")
        blobs = Blobs(path.parent)
        state = fold(
            Event(seq, identity, at, _facts.decode(blobs.read(seq, digest) if body is None else body), run, actor)
            for seq, identity, at, body, run, actor, digest in rows
        )
    taken = time.perf_counter() - began
    if state != wanted:
        raise RuntimeError("the plain fold came to another state")
    return taken
