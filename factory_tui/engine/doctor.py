"""The doctor: what this machine and this workspace lack, each with its remedy. It changes nothing."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from factory_tui import pipeline
from factory_tui.cells.choose import docker_cells, limits_of
from factory_tui.cells.diagnosis import bubblewrap, diagnose, surroundings
from factory_tui.cells.proof import UNTRIED, prove
from factory_tui.cells.protocol import CellError, NoRuntime
from factory_tui.config.load import load
from factory_tui.config.reading import Mistakes
from factory_tui.config.seed import Seed, all_seeds, seed_names, unwritten
from factory_tui.config.settings import Settings
from factory_tui.config.workspace import Workspace, is_gone
from factory_tui.delivery.git import OLDEST, DeliveryError, version
from factory_tui.engine.handlers import HANDLERS
from factory_tui.engine.premises import Finding, permissions, terminal
from factory_tui.engine.walk import warnings
from factory_tui.harness.corpus import load_corpus, without_seed
from factory_tui.journal import JournalError, Keys, verify
from factory_tui.policy.credentials import Credentials, NoKey

ROOM = 1 << 30
"""Bytes that should be free where the workspace is."""


async def examine(folder: Path) -> list[Finding]:
    """Everything worth knowing before a run, machine first; the machine alone where there is no workspace yet."""
    workspace, settings, findings = None, Settings(), [*_machine()]
    try:
        workspace = Workspace.find(folder)
        settings = load(workspace.config)
    except Mistakes as mistakes:
        trouble = [Finding("workspace", well=False, found=str(mistakes))]
    else:
        trouble = []
    found = await asyncio.to_thread(
        diagnose,
        settings.cells.image,
        lambda identity: is_gone(identity) and not (workspace and workspace.is_called(identity)),
        bubblewrapped=settings.cells.bubblewrap,
        recipes={seed.name: seed.recipe for seed in _seeds(workspace, settings)} if workspace else {},
    )
    findings += [Finding(*one) for one in found]
    findings += [*terminal(settings.ui, os.environ), *trouble]
    if workspace is None or trouble:
        return findings
    findings += [*permissions(workspace), *_workspace(workspace, settings)]
    if (workspace.state / "journal.db").is_file():
        findings.append(await asyncio.to_thread(_journal, workspace))
    return findings


def _seeds(workspace: Workspace, settings: Settings) -> list[Seed]:
    return all_seeds(workspace, tuple(settings.owners))[0]


async def fence(folder: Path) -> list[Finding]:
    """Whether the fence of Docker cells holds, by one that is started and removed: the verdict, what was looked at from
    inside, the versions, and what the host cannot enforce.
    """
    identity, table = "doctor", Settings().cells
    try:
        workspace = Workspace.find(folder)
        identity, table = workspace.identity, load(workspace.config).cells
    except Mistakes as mistakes:
        if (folder / "config.toml").exists():
            return [Finding("workspace", well=False, found=str(mistakes))]
    if table.kind == "process":
        return [await _without_docker(table.bubblewrap, "process cells were asked for")]
    began = time.monotonic()
    try:
        limits = limits_of(table)
        cells, _ = await asyncio.to_thread(docker_cells, identity, table.image, limits, table.runtime)
    except CellError as trouble:
        found, _, remedy = str(trouble).partition(". Remedy: ")
        if table.kind == "docker" or isinstance(trouble, NoRuntime):
            return [Finding("fence", well=False, found=f"none: {found}", remedy=remedy)]
        return [await _without_docker(table.bubblewrap, found)]
    try:
        inside, around = await prove(cells), await surroundings(cells)
    except CellError as trouble:
        return [Finding("fence", well=False, found=str(trouble))]
    finally:
        await cells.close()
    holding = sum(one.well for one in inside)
    found = f"{holding} of {len(inside)} hold, looked at from inside in {time.monotonic() - began:.1f} s"
    if [one.what for one in inside] == [UNTRIED]:
        found = "no cell could be looked at from inside"
    remedy = "" if holding == len(inside) else "until what is marked below is mended, live models are refused"
    verdict = Finding("fence", holding == len(inside), found, remedy)
    return [verdict, *(Finding(*one) for one in (*inside, *around))]


async def _without_docker(wanted: bool, why: str) -> Finding:
    """What fences process cells, which are taken since Docker's are not to be had."""
    found = await asyncio.to_thread(bubblewrap, wanted)
    fence = f"by bubblewrap: {found.found}" if found.well else f"none: {found.found}"
    return Finding("fence", found.well, f"{why}; {fence}", found.remedy)


def _machine() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        "python", sys.version_info >= (3, 11), python, "" if sys.version_info >= (3, 11) else "use 3.11 or newer"
    )
    try:
        found = version()
    except DeliveryError as trouble:
        why = str(trouble).partition(" Remedy: ")[0]
        yield Finding("git", well=False, found=why, remedy="install git: snapshots and ship need it")
    else:
        old, oldest = found < OLDEST, ".".join(map(str, OLDEST))
        remedy = f"install git {oldest} or newer: each snapshot stays a pack of its own" if old else ""
        yield Finding("git", not old, ".".join(map(str, found)) or "tells no version", remedy)


def _journal(workspace: Workspace) -> Finding:
    try:
        events, _, damage = verify(workspace.state, Keys(workspace.keys, workspace.identity))
    except (JournalError, OSError) as trouble:
        return Finding("journal", well=False, found=str(trouble))
    if damage is None:
        return Finding("journal", well=True, found=f"{events} events, the chain is whole")
    remedy = f"what stands before seq {damage.seq} can be trusted, the rest cannot; factory-tui journal restore BACKUP"
    return Finding("journal", well=False, found=f"seq {damage.seq}: {damage.why}", remedy=remedy)


def _workspace(workspace: Workspace, settings: Settings) -> Iterator[Finding]:
    yield Finding("workspace", well=True, found=str(workspace.root))
    free = shutil.disk_usage(workspace.root).free
    short = free < ROOM
    yield Finding("disk", not short, f"{free >> 20} MiB free", "free at least 1 GiB" if short else "")
    credentials = Credentials(settings.models.values(), os.environ)
    for name, model in settings.models.items():
        try:
            credentials.key(model)
            yield Finding(f"model {name}", well=True, found=f"{model.id or name}, key is set")
        except NoKey as missing:
            found, _, remedy = str(missing).partition(": ")
            yield Finding(f"model {name}", well=True, found=f"rehearsals only: {found}", remedy=remedy)
    seeds, problems = all_seeds(workspace, tuple(settings.owners))
    problems += without_seed(workspace.scenarios, {name.lower() for name in seed_names(workspace)})
    for problem in problems:
        yield Finding(problem.where, well=False, found=problem.what, remedy=problem.remedy)
    for seed in seeds:
        corpus = load_corpus(workspace.scenarios / seed.name, seed.name)
        for trouble in corpus.problems:
            problem = trouble.problem
            yield Finding(problem.where, trouble.level != "error", problem.what, problem.remedy)
        for said in seed.recipe.warnings():
            yield Finding(f"seed {seed.name}", well=True, found=said)
        for problem in (*unwritten(seed), *corpus.unwritten):
            yield Finding(problem.where, well=True, found=problem.what, remedy=problem.remedy)
        yield Finding(
            f"seed {seed.name}", corpus.usable, f"revision {seed.revision}, {len(corpus.scenarios)} scenarios"
        )
    for path in sorted(workspace.loops.glob("*.dot")):
        try:
            graph = pipeline.prepare(path.read_text(encoding="utf-8"), f"loops/{path.name}", frozenset(HANDLERS))
            yield Finding(f"loop {path.stem}", well=True, found="may run")
            for said in warnings(graph, f"loops/{path.name}"):
                yield Finding(f"loop {path.stem}", well=True, found=said)
        except (pipeline.LoopError, OSError, UnicodeDecodeError) as error:
            yield Finding(f"loop {path.stem}", well=False, found=str(error))
