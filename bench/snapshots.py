"""A pass's snapshot of a large tree, the first and after ten changes, beside git on a folder of this host."""

import asyncio
import subprocess
import time
from pathlib import Path

from bench.figures import Figures, beside, median, milliseconds, say
from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.protocol import MIB, Cell, CellLimits, Labels
from factory_tui.delivery.snapshot import Snapshots

FOLDERS, FILES, SIZE, CHANGED = 100, 100, 10_486, 10
"""100 MiB in 10,000 files."""
_TURNS = 5
_NAME = "bench-snapshots"
_MAKE = f"""
import os
for folder in range({FOLDERS}):
    os.mkdir(f"d{{folder}}")
    for file in range({FILES}):
        open(f"d{{folder}}/f{{file}}", "wb").write(os.urandom({SIZE}))
"""


async def measure(image: str, folder: Path) -> Figures:
    """Milliseconds; the tree is made in the cell, and given to git as it came from there."""
    say("snapshots of 100 MB in 10,000 files")
    cells = DockerCells(connect(), _NAME, image, CellLimits(memory=1024 * MIB))
    try:
        cell = await cells.start(Labels(_NAME, "snapshots", "agent"))
        made = await cell.run(["python3", "-c", _MAKE])
        if made.exit:
            raise RuntimeError(made.stderr.decode())
        snapshots = Snapshots(folder / "snapshots" / "repo.git")
        tree = folder / "tree"
        tree.mkdir()
        first, parent = await _take(snapshots, cell, "")
        for entry in await snapshots.entries(parent):
            if entry.kind == "dir":
                (tree / entry.path).mkdir()
            else:
                (tree / entry.path).write_bytes(entry.data or b"")
        _git(tree, "init", "--quiet")
        bare_first = await asyncio.to_thread(_commit, tree)
        ours, theirs = [], []
        for turn in range(_TURNS):
            change = "; ".join(f"echo {turn} > d{at}/f{turn}" for at in range(CHANGED))
            await cell.run(change)
            await asyncio.to_thread(subprocess.run, change, shell=True, check=True, cwd=tree)
            took, parent = await _take(snapshots, cell, parent)
            ours.append(took)
            theirs.append(await asyncio.to_thread(_commit, tree))
    finally:
        await cells.sweep()
        await cells.close()
    return {
        **beside("snapshot_first_ms", first, bare_first, 0),
        **beside("snapshot_changed_ms", median(ours), median(theirs), 0),
    }


async def _take(snapshots: Snapshots, cell: Cell, parent: str) -> tuple[float, str]:
    began = time.perf_counter()
    entries = await cell.tree(snapshots.known(cell.id))
    taken = await snapshots.take(entries, cell=cell.id, parent=parent, message="bench", at=int(time.time() * 1000))
    return milliseconds(began), taken.commit


def _commit(tree: Path) -> float:
    began = time.perf_counter()
    _git(tree, "add", "--all")
    _git(tree, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "--quiet", "--message", "bench")
    return milliseconds(began)


def _git(tree: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=tree, check=True)
