"""A shell for a person: in a run's live cell, or in a fresh one with what a pass left.

It asks no engine for anything but the state: a fresh cell is this process's own and is removed when the shell ends; one
that is left by a kill is swept when an engine starts. It knows no terminal.
"""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from factory_tui.cells.choose import cells_of
from factory_tui.cells.holder import this_process
from factory_tui.cells.protocol import Kind, Labels
from factory_tui.cells.shell import Shell, in_container, in_folder
from factory_tui.config.load import load
from factory_tui.config.recipe import Recipe
from factory_tui.config.seed import Seed
from factory_tui.config.workspace import Workspace
from factory_tui.delivery.snapshot import Snapshots
from factory_tui.domain.state import Run, State
from factory_tui.engine.keeping import Shelf

Say = Callable[[str], None]


class NoShell(Exception):  # noqa: N818
    """There is nothing to open a shell in; the message says why and what mends it."""


@asynccontextmanager
async def shell(
    workspace: Workspace, state: State, run: str, number: int | None, *, terminal: bool, say: Say
) -> AsyncIterator[Shell]:
    """What to start for a shell in the run's cell, or in a fresh one with the output of a pass.

    Raises NoShell, CellError, DeliveryError, Mistakes.
    """
    found = state.runs.get(run)
    if found is None:
        raise NoShell(f"there is no run {run}; runs: {', '.join(state.runs) or 'none'}")
    if number is None:
        yield _live(workspace, found, terminal=terminal, say=say)
        return
    settings = load(workspace.config)
    snapshots = Snapshots(workspace.snapshots, settings.ship.exclude)
    entries = await snapshots.entries(output(found, number))
    cells, _ = await cells_of(workspace.identity, workspace.state / "cells", settings.cells, say)
    try:
        labels = Labels(workspace.identity, run, "shell", number, this_process())
        cell = await cells.start(labels, await cells.prepare(_recipe(workspace, found, number), say))
        try:
            await cell.plant(entries)
            made = f", from {cell.image.reference}" if cell.image.reference else ""
            say(_what(f"a copy of {run}'s pass {number}{made}, gone when you leave", fenced=cell.fenced))
            yield _words(workspace, cell.kind, cell.id, terminal=terminal)
        finally:
            await asyncio.shield(cell.close())
    finally:
        await cells.close()


def _recipe(workspace: Workspace, run: Run, number: int) -> Recipe:
    """What the cells of that pass were made from; for one whose seed was not kept, the workspace's image."""
    revision = next((item.revision for item in run.passes if item.number == number), run.revision)
    seed = Shelf(workspace.state / "revisions").get("seeds", run.seed, revision, Seed)
    return seed.recipe if seed else Recipe()


def output(run: Run, number: int) -> str:
    """The commit of a pass; of 0 what the run began with. Raises NoShell for one without output."""
    made = {item.number: item.commit for item in run.passes if item.commit}
    if number and number not in made:
        raise NoShell(f"{run.id} has no output of pass {number}; passes: {', '.join(map(str, made)) or 'none yet'}")
    return made.get(number, run.beginning)


async def attend(opened: Shell) -> int:
    """Start the shell on this process's own terminal and wait for it; its exit status."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # it is the shell's to hear
    try:
        process = await asyncio.create_subprocess_exec(*opened.words, cwd=opened.folder, env=opened.env)
        try:
            return await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _live(workspace: Workspace, run: Run, *, terminal: bool, say: Say) -> Shell:
    made = [str(item.number) for item in run.passes if item.commit]
    instead = f"--pass {made[-1]}" if made else "wait for its first pass"
    cell = next((cell for cell in run.cells.values() if cell.role == "agent"), None)
    if cell is None:
        raise NoShell(f"{run.id} is {run.state} and has no cell now. Remedy: {instead}")
    kind: Kind = "docker" if cell.kind == "docker" else "process"
    if kind == "docker" and run.state != "running":
        raise NoShell(f"the cell of {run.id} stands still while it is {run.state}. Remedy: resume it, or {instead}")
    say(_what(f"the cell of {run.id}: its agent works here, and finds what you change", fenced=cell.fenced))
    try:
        return _words(workspace, kind, cell.cell, terminal=terminal)
    except FileNotFoundError:
        raise NoShell(f"the cell of {run.id} ended with its engine. Remedy: {instead}") from None


def _words(workspace: Workspace, kind: Kind, cell: str, *, terminal: bool) -> Shell:
    if kind == "docker":
        return in_container(cell, terminal=terminal, docker=shutil.which("docker"))
    return in_folder(workspace.state / "cells", cell)


def _what(where: str, *, fenced: bool) -> str:
    return f"A shell in {where}." if fenced else f"UNFENCED: a shell on this machine, in {where}."
