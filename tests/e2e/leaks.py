"""Where something could have leaked to, and what of a vault may not be there."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from docker import DockerClient

from factory_tui.config.seed import load_seed
from factory_tui.domain.events import Answered, CheckpointRan, Prompted, SnapshotTaken, ToolCalled, ToolReturned
from factory_tui.harness.corpus import Corpus, load_corpus
from factory_tui.harness.shapes import Scenario
from tests.e2e.stage import Past, git

TELLING = 16
"""Characters that a literal needs to tell where it is from."""
_LOOK = r"""
import json, os, sys
found, blind = {}, []
for top in sys.argv[1:]:
    for folder, _, names in os.walk(top):
        if top == "/proc":
            names = [name for name in names if name in ("environ", "cmdline") and folder.count("/") == 2]
        for name in names:
            path = os.path.join(folder, name)
            try:
                with open(path, "rb") as file:
                    found[path] = file.read().decode("latin-1")
            except (FileNotFoundError, ProcessLookupError):
                pass  # it ended meanwhile
            except OSError:
                blind.append(path)
print(json.dumps([found, blind]))
"""


def corpus_of(past: Past, seed: str) -> Corpus:
    return load_corpus(past.workspace.scenarios / seed, seed)


def vault_of(past: Past, seed: str) -> set[str]:
    """What only the engine may know: canaries, names, sentences and expectations of vault scenarios alone."""
    corpus = corpus_of(past, seed)
    vault = [scenario for scenario in corpus.scenarios if scenario.set == "vault"]
    told = [scenario for scenario in corpus.scenarios if scenario.set == "feedback"]
    wanted = load_seed(past.workspace, seed)
    brought = [one.data.decode("utf-8") for one in wanted.attachments]
    anybodys = _flat([wanted.prose, *brought, *(text for one in told for text in _texts(one))])
    secrets = {corpus.canary(scenario.name) for scenario in vault} | {scenario.name for scenario in vault}
    for scenario in vault:
        secrets |= {text for text in _texts(scenario) if len(text) >= TELLING and text not in anybodys}
    return secrets


def _texts(scenario: Scenario) -> Iterator[str]:
    yield from re.split(r"(?<=[.,;])\s+", _flat([scenario.story]))
    yield from scenario.let.values()
    for act in scenario.acts:
        yield act.name
        for leaf in _leaves(msgspec.to_builtins(act.expect)):
            yield from re.split(r"\{[^{}]*\}", leaf)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)


def _flat(texts: Iterable[str]) -> str:
    return " ".join(" ".join(texts).split())


def agents_view(past: Past, run: str) -> dict[str, bytes]:
    """Everything that the run's agent was told, said, asked for, saw and made, and every file that was shipped."""
    seen = {}
    for kind in (Prompted, Answered, ToolCalled, ToolReturned, CheckpointRan):
        for number, fact in enumerate(past.facts(kind, run)):
            seen[f"{kind.__name__} {number}"] = msgspec.json.encode(fact)
    commits = [fact.commit for fact in past.facts(SnapshotTaken, run)]
    seen |= objects(past.workspace.snapshots, *commits)
    if past.state.runs[run].shipped:
        seen |= files(past.shipped(run))
        seen |= objects(past.shipped(run), "--all")
    return seen


def objects(repository: Path, *revisions: str) -> dict[str, bytes]:
    """Every git object that the revisions reach: commits with messages, trees with names, files, tags."""
    names = git(repository, "rev-list", "--objects", *revisions).decode().splitlines()
    listed = {line.split()[0] for line in names} | set(
        git(repository, "tag", "--format=%(objectname)").decode().split()
    )
    return {f"{repository.name} {name}": git(repository, "cat-file", "-p", name) for name in sorted(listed)}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def look_into(client: DockerClient, cell: str) -> dict[str, bytes]:
    """All of a running cell: how it was made (labels, environment), its processes' command lines, its files."""
    container = client.containers.get(cell)
    seen = {"inspect": json.dumps(container.attrs, ensure_ascii=False).encode()}
    look = ["python3", "-I", "-S", "-c", _LOOK, "/proc", "/work", "/tmp"]
    code, output = container.exec_run(look, user="0:0")
    assert isinstance(output, bytes)
    assert code == 0, output.decode()
    found, blind = json.loads(output)
    # the runner lets nobody read its environment; inspect has what it was started with
    assert [path for path in blind if not path.endswith("/environ")] == []
    seen |= {path: text.encode("latin-1") for path, text in found.items()}
    return seen


def leaks(secrets: Iterable[str], seen: dict[str, bytes]) -> list[str]:
    """Which secret is where: as it is, or as JSON spells it."""
    flat = {place: b" ".join(data.split()) for place, data in seen.items()}
    found = []
    for secret in sorted(secrets):
        forms = {
            secret.encode(),
            json.dumps(secret)[1:-1].encode(),
            json.dumps(json.dumps(secret)[1:-1])[1:-1].encode(),
        }
        found += [f"{secret!r} in {place}" for place, data in flat.items() if any(form in data for form in forms)]
    return found
