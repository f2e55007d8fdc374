"""What the owner of a jammed run is shown beside its question: what it cost since, what changed last, what still fails.

It goes to people only. Of the vault it tells how many stories of which kind fail, never their names.
"""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from factory_tui.delivery.git import DeliveryError
from factory_tui.domain.events import Prompted
from factory_tui.domain.hostile import one_line
from factory_tui.domain.ratchet import best

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory_tui.delivery.snapshot import Changed
    from factory_tui.domain.state import Run
    from factory_tui.engine.walk import Walk

SYMPTOMS = "What the agent was told last:"
SHOWN = 3_000
"""Characters of it that are shown."""
FILES = 12
"""Changed files that are named."""
NAME = 120
"""Characters of a file's name."""


async def packet(walk: Walk, tried: str, since: int) -> str:
    """The evidence of a jam: what was tried, then what it cost after pass `since`, and where it stands."""
    parts = ["\n".join([tried, "", *_cost(walk.run, since), *await _diff(walk), *_failing(walk)]).strip()]
    return "\n\n".join(filter(None, (*parts, await _symptoms(walk))))


def _cost(run: Run, since: int) -> Iterator[str]:
    later = [item for item in run.passes if item.number > since]
    money = sum((item.burn.money for item in later), Decimal(0))
    tokens, steps = sum(item.burn.tokens.total for item in later), sum(item.steps for item in later)
    yield f"spent since pass {since}: ${money:.2f}, {tokens} tokens, {steps} steps"


async def _diff(walk: Walk) -> list[str]:
    """The files that the newest output changed, against the one before it."""
    made = [item for item in walk.run.lived if item.commit]
    if not made:
        return []
    before, number = (made[-2].commit, made[-2].number) if len(made) > 1 else (walk.run.base, 0)
    try:
        changed = await walk.place.snapshots.changed(before, made[-1].commit)
    except DeliveryError as trouble:
        return [f"pass {made[-1].number} changed what cannot be read: {one_line(str(trouble))}"]
    against = f"pass {number}" if number else "its beginning"
    said = [f"  {_sized(one)}" for one in changed[:FILES]]
    said += [f"  {len(changed) - FILES} more"] if len(changed) > FILES else []
    return [f"pass {made[-1].number} against {against}: {len(changed)} file{'s' * (len(changed) != 1)} changed", *said]


def _sized(one: Changed) -> str:
    name = one_line(one.path, NAME)
    if one.before is None:
        return f"+ {name}, {one.after} bytes"
    if one.after is None:
        return f"- {name}, {one.before} bytes"
    return f"~ {name}, {one.before} to {one.after} bytes"


def _failing(walk: Walk) -> Iterator[str]:
    """By kind: with their names those that the agent is told of, as numbers those of the vault."""
    judged = walk.run.measured
    if judged is None:
        return
    seed = walk.place.record.state.seeds.get(walk.run.seed)
    sets, kinds = dict(walk.run.scenarios), seed.kinds if seed else {}
    failed = sorted(name for name, tally in judged.tallies.items() if tally.unsatisfied)
    told = [f"{name} ({kinds.get(name, 'unknown')})" for name in failed if sets.get(name) == "feedback"]
    hidden = Counter(kinds.get(name, "unknown") for name in failed if sets.get(name) == "vault")
    yield f"pass {judged.number} fails of the feedback set: {', '.join(told) or 'none'}"
    yield f"  of the vault: {', '.join(f'{number} {kind}' for kind, number in sorted(hidden.items())) or 'none'}"
    if (top := best(walk.run)) and top.vault and top.number != judged.number:
        yield f"its best is pass {top.number}: vault {top.vault.share:.2f}"


async def _symptoms(walk: Walk) -> str:
    """What the agent was told last, for the human who is asked in its place."""
    told = [event.fact for event in await walk.life() if isinstance(event.fact, Prompted)]
    feedback = next((fact for fact in reversed(told) if fact.origin == "feedback"), None)
    if feedback is None:
        return ""
    text = "\n".join(str(block.get("text", "")) for block in json.loads(feedback.content))
    return f"{SYMPTOMS}\n{text[:SHOWN].strip()}"
