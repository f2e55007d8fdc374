"""The console without a terminal: the same words as a log, then a table; or events as JSON lines, then a summary.

Loads neither Textual nor Rich.
"""

import os
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any

import msgspec

from factory_tui.console.feed import Feed, Message, Skipped
from factory_tui.console.figures import count, interval, money, stamp
from factory_tui.console.glyphs import BLOCK, LAMPS, Glyphs
from factory_tui.console.replicas import groups, spreads
from factory_tui.console.trace import lines
from factory_tui.console.wording import best, faulted, forked, labels, replica
from factory_tui.domain import ratchet
from factory_tui.domain.events import Event
from factory_tui.domain.hostile import one_line
from factory_tui.domain.reducer import reduce
from factory_tui.domain.state import OVER, Escalation, Run, State

Say = Callable[[str], None]
Attend = Callable[[State], Awaitable[bool]]
"""Called after everything that happens; whether to go on following although all runs are at rest."""
_SAID = ("good", "bad", "asks", "waits")
_HEAD = ("RUN", "STATE", "PASS", "SATISFIED", "TOKENS", "MONEY", "")


async def follow(
    feed: Feed,
    say: Say,
    *,
    as_json: bool = False,
    ignore: Collection[str] = (),
    wanted: int = 1,
    glyphs: Glyphs = BLOCK,
    attend: Attend | None = None,
) -> State:
    """Say what happens until `wanted` runs or more, those in `ignore` not counted, are all at rest; then sum up.

    On a frozen floor all are. Also ends, with what is known, when the link ends. Raises OSError when the link breaks.
    """
    state = feed.state
    if not _done(state, ignore, wanted):
        async for message in feed:
            state = _take(state, message, say, as_json, glyphs)
            goes_on = attend is not None and await attend(state)
            if not goes_on and _done(state, ignore, wanted):
                break
    chosen = _watched(state, ignore)
    if as_json:
        say(msgspec.json.encode({"summary": summary(state, chosen)}).decode())
    else:
        for line in [*table(state, chosen), *spreads(chosen)]:
            say(line)
    return state


def _take(state: State, message: Message, say: Say, as_json: bool, glyphs: Glyphs) -> State:
    if isinstance(message, Skipped):
        if not as_json:
            say(f"{message.count} events skipped; the journal has them")
        return message.state
    if not isinstance(message, Event) or message.seq <= state.seq:
        return state
    if as_json:
        say(msgspec.json.encode(message).decode())
    else:
        for line in lines(message):
            mark = glyphs.marks[line.tone] if line.tone in _SAID else " "
            say(f"{stamp(line.at)} {line.run or 'floor':<14} {line.who:<8} {mark} {line.text}")
    return reduce(state, message)


def at_rest(run: Run) -> bool:
    """Whether a run has ended, or cannot go on without a human."""
    return (
        run.state in OVER
        or run.state in ("paused", "jammed", "signoff")
        or (run.state == "held" and run.retry_at is None)
    )


def exit_code(state: State, ignore: Collection[str] = ()) -> int:
    """0 all shipped; 1 one failed or was stopped; 3 one waits for a human, or is not at its end."""
    states = {run.state for run in _watched(state, ignore)}
    if states & {"failed", "stopped"}:
        return 1
    return 0 if states <= {"shipped"} else 3


def summary(state: State, runs: Collection[Run] | None = None) -> dict[str, Any]:
    """The floor as one object: what `status --json` prints, and the last line of `--json`."""
    return {
        "seq": state.seq,
        "frozen": state.frozen,
        "engine": state.engine,
        "runs": [_row(state, run) for run in (state.runs.values() if runs is None else runs)],
        "replicas": groups(state.runs.values() if runs is None else runs),
    }


def _row(state: State, run: Run) -> dict[str, Any]:
    newest, top = run.measured, ratchet.best(run)
    return {
        "run": run.id,
        "seed": run.seed,
        "revision": run.revision,
        "model": run.model,
        "state": run.state,
        "reason": run.reason,
        "why": run.why,
        "retry_at": run.retry_at,
        "node": run.node,
        "passes": len(run.passes),
        "satisfaction": newest.vault if newest else None,
        "feedback": newest.feedback if newest else None,
        "gap": newest.gap if newest else None,
        "best": top and {"pass": top.number, "commit": top.commit, "vault": top.vault, "ship_low": top.ship_low},
        "told": {"feedback": run.revealed, "vault_bits": run.bits},
        "faults": {
            "set": {twin: {"fault": one.fault, "by": one.by, "at": one.at} for twin, one in run.faults.items()},
            "passes": {item.number: item.faults for item in run.passes if item.faults},
        },
        "leaks": {"held": bool(run.leaks), "tainted_up_to": run.tainted},
        "tokens": run.burn.tokens.total,
        "money": run.burn.money,
        "possibly_paid_twice": run.burn.twice,
        "ledger": run.ledger,
        "unfenced": unfenced(state, run),
        "shipped": run.shipped,
        "replica_of": run.group,
        "forked_from": run.forked and {"run": run.forked.run, "pass": run.forked.number},
    }


def unfenced(state: State, run: Run) -> bool:
    """Whether this run's commands are without a fence."""
    return run.unfenced or not state.engine.fenced or any(not cell.fenced for cell in run.cells.values())


def table(state: State, runs: Collection[Run] | None = None) -> list[str]:
    """Run, state, passes, satisfaction, tokens, money, labels; columns as wide as they need to be.

    A run's name begins with its seed's: a column for that would wrap the labels on 80 columns.
    """
    rows = [_HEAD, *(_cells(state, run) for run in (state.runs.values() if runs is None else runs))]
    widths = [max(len(row[index]) for row in rows) for index in range(len(_HEAD))]
    return [
        "",
        *("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows),
    ]


def below(state: State, root: Path, typed: Callable[[str], str], ignore: Collection[str] = ()) -> list[str]:
    """Lines below the table: where what shipped lies, as seen from here, what is asked, and how a frozen floor thaws.

    `typed` makes of a command what to type here.
    """
    said = []
    for run in _watched(state, ignore):
        if run.state in ("jammed", "signoff") and (asked := state.escalations.get(run.escalation)):
            said.append(one_line(f"{asked.id} asks {asked.to}, of {run.id}: {asked.question}"))
            said += [f"  Choices: {one_line(', '.join(asked.choices))}"] if asked.choices else []
            said.append(f"  Remedy: {typed(answering(asked))}")
        if run.shipped:
            path = str(root / run.shipped)
            said.append(f"{run.id} shipped to: {min(path, os.path.relpath(path), key=len)}")
        top = ratchet.best(run)
        if run.state in ("stopped", "failed") and top and top.vault:
            said.append(f"{run.id} is {run.state}; its best is pass {top.number}, satisfied {interval(top.vault)}")
            said.append(f"  To go on from it: {typed(f'fork {run.id} --pass {top.number}')}")
            said.append(f"  To take it out: {typed(f'take {run.id} FOLDER')}")
    if state.frozen:
        by = f" by {state.frozen_by}" if state.frozen_by else ""
        said.append(f"FROZEN{by}: no run goes on. Remedy: {typed('thaw')}")
    return ["", *said] if said else []


def answering(asked: Escalation) -> str:
    """What to type to answer it; words alone do where its run can go on."""
    words = ' --text "..."' if "go on" in asked.choices else ""
    return f"answer {asked.id} CHOICE{words}"


def _cells(state: State, run: Run) -> tuple[str, ...]:
    newest = run.measured
    share = (newest.vault or newest.feedback) if newest else None
    reason = f" ({run.reason})" if run.reason else ""
    return (
        run.id,
        f"{BLOCK.marks[LAMPS[run.state]]} {run.state}{reason}",
        str(len(run.passes)),
        interval(share) if share else "not measured",
        count(run.burn.tokens.total),
        money(run.burn.money),
        " ".join(
            filter(None, (labels(run.ledger, unfenced(state, run)), faulted(run), best(run), forked(run), replica(run)))
        ),
    )


def _watched(state: State, ignore: Collection[str]) -> list[Run]:
    return [run for name, run in state.runs.items() if name not in ignore]


def _done(state: State, ignore: Collection[str], wanted: int) -> bool:
    watched = _watched(state, ignore)
    return len(watched) >= wanted and (state.frozen or all(at_rest(run) for run in watched))
