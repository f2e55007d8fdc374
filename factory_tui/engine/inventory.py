"""The cells of a workspace, or of every one on this machine's Docker engine, and which of them somebody needs.

From outside, whether engines run or not: what an engine needs, it says itself. It removes nothing that one needs.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import msgspec

from factory_tui.cells.holder import lives
from factory_tui.cells.protocol import CellError, Labels
from factory_tui.config.reading import Mistakes
from factory_tui.config.workspace import Workspace, is_gone, served
from factory_tui.domain.live import LiveCell
from factory_tui.domain.state import OVER, State
from factory_tui.engine.looking import look
from factory_tui.journal import JournalError
from factory_tui.link.client import Link
from factory_tui.link.protocol import LinkError, NoAnswer


class Owned(msgspec.Struct, frozen=True):
    """A cell, and whose it is."""

    cell: str
    workspace: str
    """The folder of its workspace, where this user knows it; else what is known of it."""
    run: str
    role: str
    number: int
    """The pass: of an agent's cell the newest, of a trajectory's the one it looks at; 0: none."""
    kind: str
    fenced: bool
    image: str
    state: str
    since: int
    memory: int | None
    needed: str
    """By whom or what; empty: it can be removed."""
    loses: str = ""
    """What would be lost with it."""


class Inventory(msgspec.Struct, frozen=True):
    """What was found; `trouble` says why containers could not be looked at."""

    cells: tuple[Owned, ...]
    trouble: str = ""


class _Known(msgspec.Struct, frozen=True):
    """A workspace, as far as it can be asked."""

    name: str
    state: State | None
    up: bool = False
    live: dict[str, LiveCell] = {}
    why: str = ""
    """Why nothing may be said of its cells."""


async def inventory(workspace: Workspace | None, *, every: bool, measured: bool) -> Inventory:
    """The cells of the workspace; `every`: of all workspaces that the Docker engine has cells of."""
    from factory_tui.cells.docker import connect  # noqa: PLC0415 - slow to load, which a running engine need not be
    from factory_tui.cells.listing import containers, processes  # noqa: PLC0415

    trouble = ""
    identity = workspace.identity if workspace and (workspace.state / "id").is_file() else ""
    found = list(processes(workspace.state / "cells")) if workspace else []
    try:
        client = await asyncio.to_thread(connect)
    except CellError as error:
        trouble = str(error)
    else:
        seen = await asyncio.to_thread(containers, client, measured=measured)
        found += [one for one in seen if every or (identity and one.labels.workspace == identity)]
        client.close()
    known = {}
    for name in dict.fromkeys(one.labels.workspace for one in found):
        known[name] = await _ask(workspace if name == identity else None, name)
    owned = []
    for one in found:
        of = known[one.labels.workspace]
        labels = _whose(one.cell, one.labels, of)
        needed, loses = _needed(labels, of, entered=one.entered)
        owned.append(
            Owned(
                one.cell,
                of.name,
                labels.run,
                labels.role,
                labels.number,
                one.kind,
                _fenced(one.cell, of, otherwise=one.kind == "docker"),
                one.image,
                one.state,
                one.since,
                one.memory,
                needed,
                loses,
            )
        )
    return Inventory(tuple(sorted(owned, key=lambda cell: (cell.workspace, cell.run, cell.role, cell.since))), trouble)


async def _ask(workspace: Workspace | None, identity: str) -> _Known:
    """The workspace's own engine, or its journal."""
    if workspace is None:
        root = served(identity)
        if root is None:
            return _Known(f"unknown ({identity[:8]})", None, why="its workspace is none of this user's")
        if is_gone(identity):
            return _Known(f"gone ({root})", None)
        workspace = Workspace(root)
    try:
        state, up = await look(workspace)
        live = {cell.cell: cell for cell in await _live(workspace)} if up else {}
    except (Mistakes, JournalError, LinkError) as trouble:
        return _Known(str(workspace.root), None, why=f"its workspace cannot be asked: {trouble}")
    return _Known(str(workspace.root), state, up, live)


async def _live(workspace: Workspace) -> Iterable[LiveCell]:
    try:
        link = await Link.connect(workspace.socket)
    except NoAnswer:
        return ()
    try:
        return await link.watch(None)
    finally:
        await link.close()


def _whose(cell: str, labels: Labels, of: _Known) -> Labels:
    """As the engine or the journal has it: a cell that was started ahead was labelled for nobody."""
    if live := of.live.get(cell):
        labels = Labels(labels.workspace, live.run, live.role, live.number)
    runs = of.state.runs.values() if of.state else ()
    owner = next((run for run in runs if cell in run.cells), None)
    if owner:
        labels = Labels(labels.workspace, owner.id, "agent")
    if labels.role == "agent" and of.state and (run := of.state.runs.get(labels.run)) and run.passes:
        labels = Labels(labels.workspace, labels.run, "agent", run.passes[-1].number)
    return labels


def _fenced(cell: str, of: _Known, *, otherwise: bool) -> bool:
    """As whoever started it found; a process cell that nobody knows any more is taken for one without a fence."""
    if live := of.live.get(cell):
        return live.fenced
    views = [run.cells[cell] for run in (of.state.runs.values() if of.state else ()) if cell in run.cells]
    return views[0].fenced if views else otherwise


def _needed(labels: Labels, of: _Known, *, entered: bool) -> tuple[str, str]:
    """Who needs the cell, and what would be lost with it where nobody does."""
    if of.why:
        return of.why, ""
    if lives(labels.holder):
        return f"process {labels.holder.partition(' ')[0]} works in it{f', for {labels.run}' if labels.run else ''}", ""
    if entered:
        return f"somebody has a shell in it{f', of {labels.run}' if labels.run else ''}", ""
    run = of.state.runs.get(labels.run) if of.state else None
    at_work = run is not None and run.state not in OVER
    if of.up and run is not None and at_work and labels.role in ("agent", "trajectory"):
        return f"{run.id} is {run.state}", ""
    if of.up and not labels.run:
        return "its engine keeps it ready", ""
    if run is not None and at_work and labels.role == "agent":
        kept = next((item.number for item in reversed(run.passes) if item.commit), 0)
        return "", f"what the agent of {run.id} did since {f'pass {kept}' if kept else 'it began'}"
    return "", ""


async def remove(workspace: Workspace | None, wanted: Iterable[Owned]) -> list[str]:
    """Remove these; what could not be, and why."""
    from factory_tui.cells.docker import connect  # noqa: PLC0415
    from factory_tui.cells.listing import Listed, remove  # noqa: PLC0415

    def each() -> list[str]:
        client = None
        failed = []
        for one in wanted:
            try:
                client = client or (connect() if one.kind == "docker" else None)
                listed = Listed(one.cell, "docker" if one.kind == "docker" else "process", _NOBODY, "", "", 0)
                remove(client, _records(workspace), listed)
            except CellError as error:
                failed.append(f"{one.cell[:12]}: {error}")
        if client:
            client.close()
        return failed

    return await asyncio.to_thread(each)


_NOBODY = Labels("", "", "")


def _records(workspace: Workspace | None) -> Path | None:
    return workspace.state / "cells" if workspace else None
