"""Drafts of scenarios: written by a model into `scenarios/<seed>/draft/`, where they judge nothing, until a person
accepts or rejects them.

Owns their files and what is wrong with them. It does not know who wrote them, nor in what kind of run.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from factory_tui.config.reading import Mistakes, Problem
from factory_tui.config.seed import UNWRITTEN
from factory_tui.domain.events import ScenarioSet
from factory_tui.harness.reviewing import written
from factory_tui.harness.scenario import parse

FOLDER = "draft"
MOST, LARGEST = 40, 64_000
"""Drafts of one run, and bytes of one."""
_KINDS = ("edge", "adversarial")


def lint(drafts: Mapping[str, bytes]) -> list[Problem]:
    """What is wrong with drafts (file name to content) by themselves and as a whole, as `scenarios check` says it."""
    kinds, problems = set(), []
    for name, data in sorted(drafts.items()):
        file = f"{FOLDER}/{name}"
        if len(data) > LARGEST:
            problems.append(Problem(file, 0, "", f"has {len(data)} bytes.", f"A scenario has at most {LARGEST}."))
            continue
        try:
            found = parse(data, file)
        except Mistakes as mistakes:
            problems += mistakes.problems
            continue
        kinds.add(found.kind)
        if UNWRITTEN in found.story:
            problems.append(Problem(file, 0, "", "is not written yet.", "Write its story, acts and expectations."))
    if len(drafts) > MOST:
        problems.append(Problem(FOLDER, 0, "", f"holds {len(drafts)} drafts.", f"Keep the {MOST} that tell most."))
    lacking = [kind for kind in _KINDS if kind not in kinds]
    if lacking and not problems:
        said = f"no draft is of kind {' and none of kind '.join(lacking)}."
        problems.append(Problem(FOLDER, 0, "", said, f"Write one into {FOLDER}/NAME.toml."))
    return problems


def drafted(scenarios: Path) -> list[str]:
    """The names of the drafts of a seed, of which `scenarios` is the folder."""
    return sorted(path.stem for path in (scenarios / FOLDER).glob("[!.]*.toml"))


def keep(scenarios: Path, drafts: Mapping[str, bytes], head: str) -> list[str]:
    """Write drafts into the folder, each below a comment; their names, which are changed where they are not free.

    One that is there already as it is stays: who is killed in between does it again. Raises OSError.
    """
    folder = scenarios / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    taken = {path.stem for path in scenarios.glob("*.toml")}
    return [_kept(folder, Path(name).stem, f"# {head}\n".encode() + data, taken) for name, data in drafts.items()]


def _kept(folder: Path, name: str, data: bytes, taken: Collection[str]) -> str:
    number = 1
    while True:
        free = name if number == 1 else f"{name[:58]}-{number}"
        path = folder / f"{free}.toml"
        if path.exists() and path.read_bytes() == data:
            return free
        if free not in taken and not path.exists():
            _write(path, data)
            return free
        number += 1


def accept(scenarios: Path, names: Collection[str], revision: str, into: ScenarioSet | None) -> None:
    """Make drafts scenarios, as reviewed for this revision of the seed; all of them or none. Raises Mistakes, OSError.

    `into`: the set that they belong to; None: the one that each names.
    """
    ready, problems = dict[Path, bytes](), list[Problem]()
    for name in names:
        path, file = scenarios / FOLDER / f"{name}.toml", f"scenarios/{scenarios.name}/{FOLDER}/{name}.toml"
        try:
            data = _draft(scenarios, name)
            data = written(data, file, "set", into) if into else data
            ready[path] = written(data, file, "reviewed_for", revision)
        except Mistakes as mistakes:
            problems += mistakes.problems
        there = scenarios / path.name
        if there.exists() and there.read_bytes() != ready.get(path):  # else it is done: who was killed does it again
            remedy = "Rename the draft's file."
            problems.append(Problem(file, 0, "", f"there is a scenario called `{name}` already.", remedy))
    if problems:
        raise Mistakes(*problems)
    for path, data in ready.items():
        if not (scenarios / path.name).exists():
            _write(scenarios / path.name, data)
        path.unlink()
    _tidy(scenarios)


def reject(scenarios: Path, names: Collection[str]) -> None:
    """Remove drafts, all of these or none. Raises Mistakes, OSError."""
    for name in names:
        _draft(scenarios, name)
    for name in names:
        (scenarios / FOLDER / f"{name}.toml").unlink()
    _tidy(scenarios)


def _draft(scenarios: Path, name: str) -> bytes:
    if name not in (known := drafted(scenarios)):
        remedy = f"Name one of: {', '.join(known)}." if known else f"`scenarios draft {scenarios.name}` makes some."
        file = f"scenarios/{scenarios.name}/{FOLDER}/{name}.toml"
        raise Mistakes(Problem(file, 0, "", "there is no such draft.", remedy))
    return (scenarios / FOLDER / f"{name}.toml").read_bytes()


def _tidy(scenarios: Path) -> None:
    if not any((scenarios / FOLDER).iterdir()):
        (scenarios / FOLDER).rmdir()


def _write(path: Path, data: bytes) -> None:
    """A new file, whole or not at all, and never over another."""
    fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with fresh.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
