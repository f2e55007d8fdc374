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
from factory_tui.domain.events import (
    Answered,
    AnyFact,
    CallReserved,
    CallSettled,
    Draft,
    Event,
    PassBegan,
    RunMoved,
    RunQueued,
    ToolCalled,
    ToolReturned,
)
from factory_tui.domain.money import Tokens
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from factory_tui.engine.serve import entropy, now
from factory_tui.journal import Journal

EVENTS = 1_000_000
_RUNS = 32
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
        "resume_cached_s": round(median(cached), 3),
        **beside("resume_folded_s", median(folded), median(plain)),
        "journal_mb": round(path.stat().st_size / 1e6),
    }


async def _open(folder: Path) -> Journal:
    return await Journal.open(folder / "resume", folder / "resume-keys", workspace="bench", clock=now, entropy=entropy)


def _history(events: int) -> Iterator[list[Draft]]:
    """Runs whose agents take steps, as many as it takes."""
    names = [f"steps-{number + 1}" for number in range(_RUNS)]
    queued = RunQueued(
        "steps", "rev", "corpus", "factory", "digraph{}", "default", "live", "demo", 0.8, 0.01, 10, 48, Decimal(100)
    )
    begun: list[AnyFact] = [queued, RunMoved("running"), PassBegan(1, "rev")]
    yield [Draft(fact, run) for run in names for fact in begun]
    told, step = len(begun) * _RUNS, 0
    while told < events:
        step += 1
        facts = _step(step)
        yield [Draft(fact, run) for run in names for fact in facts]
        told += len(facts) * _RUNS


def _step(step: int) -> list[AnyFact]:
    tokens, money = Tokens(2_000, 120, 0, 1_800), Decimal("0.013")
    text = f"step {step} " + "x" * 300
    return [
        CallReserved(step, 1, "default", "agent", Decimal("0.25")),
        CallSettled(step, 1, tokens, money, Decimal("0.25"), 0.9, "answered"),
        Answered(step, "default", text, "tool_use", 0.9),
        ToolCalled(step, f"call-{step}", "bash", "echo step >> log.txt"),
        ToolReturned(step, f"call-{step}", text, seconds=0.1),
    ]


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
        rows = database.execute("SELECT seq, id, at, payload, run, actor FROM event ORDER BY seq")
        state = fold(
            Event(seq, identity, at, _facts.decode(payload), run, actor)
            for seq, identity, at, payload, run, actor in rows
        )
    taken = time.perf_counter() - began
    if state != wanted:
        raise RuntimeError("the plain fold came to another state")
    return taken
