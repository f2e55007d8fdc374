"""Which scenarios somebody reviewed for a revision of their seed, and writing that down in their files.

`reviewed_for` is no part of a corpus's hash: nothing is measured anew. An edit keeps comments and the form of the rest.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

import msgspec

from factory_tui.config.fidelity import standing
from factory_tui.config.load import load
from factory_tui.config.reading import Document, Mistakes, Problem
from factory_tui.config.recipe import of_cell
from factory_tui.config.seed import Seed, load_seed
from factory_tui.config.workspace import Workspace
from factory_tui.harness.corpus import Corpus, Trouble, load_corpus, without_seed
from factory_tui.harness.labels import unlabelled
from factory_tui.harness.scenario import parse
from factory_tui.harness.shapes import Scenario
from factory_tui.harness.tripwire import Tripwire

_VALUE = r"""^(\s*{key}\s*=\s*)("[^"\n]*"|'[^'\n]*')(?!["'])"""


class Unwritten(Exception):  # noqa: N818
    """A scenario's file could not be marked; the message says which, why, and what to type into it."""


def stale(corpus: Corpus, revision: str, *, origin: str, confirmed: bool) -> list[str]:
    """The vault scenarios that judge another revision than the one that a run would ship.

    `origin`: the revision the run began with; while that is the one of now, scenarios that name none are fine.
    """
    if confirmed:
        return []
    wanted = {revision} if revision != origin else {revision, ""}
    return [one.name for one in corpus.scenarios if one.set == "vault" and one.reviewed_for not in wanted]


def mark_reviewed(folder: Path, revision: str) -> list[Path]:
    """Write `reviewed_for` into every scenario of the folder; the files that changed. Raises Unwritten."""
    changed = []
    for path in sorted(folder.glob("[!.]*.toml")):
        try:
            before = path.read_bytes()
            after = marked(before, path.name, revision)
            if after != before:
                _replace(path.resolve(), after)
                changed.append(path)
        except (OSError, Mistakes) as trouble:
            raise Unwritten(
                f"scenarios/{folder.name}/{path.name}: cannot be marked as reviewed: {trouble} "
                f'Remedy: mend it, and write reviewed_for = "{revision}" above its tables.'
            ) from trouble
    return changed


def marked(source: bytes, file: str, revision: str) -> bytes:
    """The scenario's text with `reviewed_for` set, and nothing else changed. Raises Mistakes."""
    return written(source, file, "reviewed_for", revision)


def written(source: bytes, file: str, key: str, value: str) -> bytes:
    """The scenario's text with a key above its tables set, and nothing else changed. Raises Mistakes."""
    before = parse(source, file)
    document = Document(source, file)
    lines = [line.decode("utf-8") for line in source.splitlines(keepends=True)]  # of bytes: lines of TOML, no others
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if key in document.data:
        at = document.root.find((key,)).line - 1
        lines[at] = re.sub(_VALUE.format(key=key), lambda found: f'{found[1]}"{value}"', lines[at], count=1)
    else:
        at = min(document.root.find((one,)).line for one in document.data) - 1
        lines.insert(at, f'{key} = "{value}"{end}')
    after = "".join(lines).encode("utf-8")
    if parse(after, file) != msgspec.structs.replace(before, **{key: value}):
        problem = document.problem((key,), "is written in a way that is not edited here.", "Edit it.")
        raise Mistakes(problem)
    return after


def check(workspace: Workspace, seeds: Iterable[str], *, alone: bool) -> Iterator[Trouble]:
    """What is wrong with these seeds' scenarios; and, unless they are asked for `alone`, with folders of no seed."""
    names = list(seeds)
    try:
        models = load(workspace.config).models
    except Mistakes:
        models = None  # config.toml's own trouble is told elsewhere
    for name in names:
        corpus = load_corpus(workspace.scenarios / name, name)
        yield from corpus.problems
        yield from (Trouble("warning", one) for one in corpus.unwritten)
        yield from (Trouble("warning", one) for one in _untrue(workspace, corpus))
        for one in corpus.scenarios:
            if models is not None and one.judge and one.judge.model and one.judge.model not in models:
                said, known = f"no model is called `{one.judge.model}`.", ", ".join(models) or "none"
                where = f"scenarios/{name}/{one.name}.toml"
                yield Trouble("error", Problem(where, 0, "judge.model", said, f"Name one under [models]: {known}."))
        try:
            yield from (
                Trouble("warning", one) for one in unlabelled(workspace.scenarios / name, workspace.state, corpus)
            )
        except Mistakes as mistakes:
            yield from (Trouble("error", one) for one in mistakes.problems)
        try:
            seed = load_seed(workspace, name)
        except Mistakes:
            continue  # the seed's own trouble is told where seeds are
        revision = seed.revision
        yield from (Trouble("warning", one) for one in _quoted(workspace, seed, corpus))
        for one in corpus.scenarios:
            if one.reviewed_for and one.reviewed_for != revision:
                yield Trouble("warning", _stale(workspace, name, one, revision))
    if not alone:
        yield from (Trouble("warning", one) for one in without_seed(workspace.scenarios, set(names)))


def _untrue(workspace: Workspace, corpus: Corpus) -> Iterator[Problem]:
    """The twins of a corpus that recordings of their services speak against, or were not compared with."""
    for twin in corpus.twins:
        found = standing(workspace.twins, twin)
        remedy = f"See what differs: factory-tui twins check {twin.name}; then make the twin anew by its loop."
        if found.lamp == "unchecked":
            remedy = f"Compare it: factory-tui twins check {twin.name}."
        if found.lamp not in ("faithful", "unrecorded"):
            yield Problem(f"twins/{twin.name}", 0, "", f"is {found.lamp}: {found.why}.", remedy)


def _quoted(workspace: Workspace, seed: Seed, corpus: Corpus) -> Iterator[Problem]:
    """Where people tell the agent what the vault says: that is no secret any more, and no tripwire looks for it."""
    wire = Tripwire(corpus)
    said = {seed.file: seed.prose}
    if workspace.standards.is_file():
        said[workspace.standards.name] = workspace.standards.read_text("utf-8", "replace")
    beside = PurePath(seed.file).parent
    shown = (one for one in seed.attachments if not of_cell(one.path))
    said |= {f"{beside}/{one.path}": one.data.decode("utf-8", "replace") for one in shown}
    for file, text in said.items():
        for what in dict.fromkeys(found.what for found in wire.caught(text)):
            remedy = "Say it in other words, or give the vault another story in its place."
            yield Problem(file, 0, "", f"holds {what}: the agent is told it, so that it measures little.", remedy)


def _stale(workspace: Workspace, seed: str, one: Scenario, revision: str) -> Problem:
    file = f"scenarios/{seed}/{one.name}.toml"
    document = Document((workspace.root / file).read_bytes(), file)
    said = f"`{one.reviewed_for}` is not the seed's revision, which is {revision}."
    remedy = f"See whether it judges what the seed says now, then: factory-tui scenarios confirm {seed}."
    return document.problem(("reviewed_for",), said, remedy)


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with fresh.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(path.stat().st_mode & 0o7777)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
