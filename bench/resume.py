"""A start of the engine on a long journal: from the cached state, and by folding all of it, beside a plain fold.

The floor reads the same rows by sqlite3, decodes them and folds: no connection of its own thread, no pages, no cache.
"""

import gc
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec

from bench.figures import Figures, beside, median, say
from bench.history import history
from factory_tui.domain.events import AnyFact, Event
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from factory_tui.engine.serve import entropy, now
from factory_tui.journal import Journal
from factory_tui.journal.blobs import Blobs

EVENTS = 1_000_000
_TURNS = 3
_facts: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)


async def measure(folder: Path, events: int = EVENTS) -> Figures:
    """Seconds until the state is there."""
    say(f"resume: writing {events} events")
    journal = await _open(folder)
    for drafts in history(events):
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
