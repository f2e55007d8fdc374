"""The drafts node, and what the agent of a run that drafts scenarios is shown.

It is shown how scenario files are written, and those that agents are told of anyway. Of the vault it sees nothing.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from factory_tui.agents.messages import as_prompted
from factory_tui.agents.prompt import Attachment
from factory_tui.agents.protocol import Prompt
from factory_tui.cells.protocol import TreeUnfit
from factory_tui.config.reading import Mistakes, bytes_of
from factory_tui.config.seed import UNWRITTEN
from factory_tui.config.workspace import bundled
from factory_tui.domain.events import CheckpointRan, Shipped
from factory_tui.domain.hostile import one_line
from factory_tui.engine.parking import Parked
from factory_tui.harness.drafts import FOLDER, keep, lint
from factory_tui.harness.scenario import parse, schema
from factory_tui.pipeline.outcome import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory_tui.engine.walk import Done, Walk
    from factory_tui.pipeline import Node

RULES = (
    f"Write one scenario a file, {FOLDER}/NAME.toml in the work tree, named by what happens, like "
    f"{FOLDER}/the-same-order-twice.toml. Nothing else that you leave is taken over.",
    "docs/scenarios.md, which is attached, says how such a file is written and which scenarios are good ones.",
    "A person reads each draft before it counts: its story says what is given, what is done and what is expected.",
)
CHECKED = f"scenarios check {FOLDER}/"
"""Shown in the place of a command: it is the engine that looks, since no cell has the means."""
SHOWN = 40
"""Mistakes that are told at once."""


def manual() -> str:
    """How scenarios are written: what stands there is nobody's secret."""
    return (bundled() / "docs" / "scenarios.md").read_text("utf-8")


def briefing(walk: Walk) -> list[Attachment]:
    """How scenarios are written, and the seed's feedback scenarios as they are on disk."""
    name, known = walk.run.seed, {one for one, kind in walk.run.scenarios if kind == "feedback"}
    docs = [
        Attachment("docs/scenarios.md", manual().encode()),
        Attachment("docs/scenario.schema.json", schema().encode()),
    ]
    return [*docs, *_feedback(walk.place.workspace.scenarios / name, known)]


def _feedback(folder: Path, known: set[str]) -> Iterator[Attachment]:
    """Each file is judged by the bytes that are shown: it may have been moved into the vault a moment ago."""
    for path in sorted(folder.glob("[!.]*.toml")):
        try:
            data = bytes_of(path)
            found = parse(data, path.name)
        except (Mistakes, OSError):
            continue
        if found.set == "feedback" and path.stem in known and UNWRITTEN not in found.story:
            yield Attachment(f"scenarios/{folder.name}/{path.name}", data)


async def drafts(walk: Walk, node: Node) -> Done:
    """Look at the drafts of this pass; those that are in order are handed over, to where they judge nothing."""
    place, run, began = walk.place, walk.run, time.monotonic()
    try:
        commit = walk.current.commit or await walk.snapshot()
    except TreeUnfit as unfit:  # the agent is told as the pass ends
        return Outcome(status=Status.FAIL, failure_reason=str(unfit)), []
    entries = await place.snapshots.entries(commit)
    paths = [(PurePosixPath(one.path), one.data or b"") for one in entries if one.kind == "file"]
    made = {path.name: data for path, data in paths if str(path.parent) == FOLDER and path.suffix == ".toml"}
    problems = await asyncio.to_thread(lint, made)
    said = [one_line(str(one), 600) for one in problems[:SHOWN]]
    said += [f"(and {len(problems) - SHOWN} more)"] if len(problems) > SHOWN else []
    output = "\n".join(said) or f"{len(made)} drafts are in order"
    ran = CheckpointRan(node.id, CHECKED, int(bool(problems)), output, time.monotonic() - began, not problems)
    if problems:
        told = Prompt("checkpoint", ({"type": "text", "text": f"The drafts cannot be taken over yet:\n\n{output}"},))
        prompted = as_prompted(node.id, told, place.redact, await walk.watch())
        return Outcome(status=Status.FAIL, failure_reason="the drafts are not in order"), [ran, prompted]
    folder = place.workspace.scenarios / run.seed
    head = f"Drafted by {one_line(run.model, 80)} in {run.id}, for revision {run.revision} of {run.seed}."
    try:
        await asyncio.to_thread(keep, folder, made, head)
    except OSError as trouble:
        why = f"scenarios/{run.seed}/{FOLDER} cannot be written: {trouble.strerror}"
        raise Parked("held", f"{why}. Remedy: make it a folder of yours, then resume.", reason="config") from trouble
    shown = (folder / FOLDER).relative_to(place.workspace.root)
    return Outcome(status=Status.SUCCESS, notes=output), [ran, Shipped(str(shown), commit, "")]
