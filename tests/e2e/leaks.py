"""Where something could have leaked to, and what of a vault may not be there.

It reads the scenarios' files for itself and knows nothing of the product's own tripwire, so that one checks the other.
"""

import json
import re
import tomllib
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

Runs = dict[tuple[str, ...], str]
"""Words in a row, and the file that they are of."""
RUN = 8
"""Words in a row that tell where they are from."""
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


def runs_of_vault(past: Past, seed: str) -> Runs:
    """Every eight words in a row of what a vault's files say that nobody says whom the agent may hear."""
    found: Runs = {}
    wanted = load_seed(past.workspace, seed)
    may = [wanted.prose, past.workspace.standards.read_text("utf-8")]
    may += [one.data.decode("utf-8", "replace") for one in wanted.attachments]
    for path in sorted((past.workspace.scenarios / seed).glob("*.toml")):
        read = tomllib.loads(path.read_text("utf-8"))
        told = [read["story"], *read.get("let", {}).values()]
        told += [" ".join(_said(part)) for key in ("service", "act") for part in read.get(key, [])]
        told += [" ".join(_said(read.get("judge", {})))]
        if read["set"] == "feedback":
            may += told
        else:
            found |= {run: path.name for text in told for run in _in_a_row(text)}
    for run in {run for text in may for run in _in_a_row(text)}:
        found.pop(run, None)
    return found


def quotes(runs: Runs, seen: dict[str, bytes]) -> list[str]:
    """Which words in a row of which file are where, once for each place; JSON is read, within JSON too."""
    found = []
    for place, data in seen.items():
        rows = (run for text in _spelt(data.decode("utf-8", "replace")) for run in _in_a_row(text))
        if (run := next((run for run in rows if run in runs), None)) is not None:
            found.append(f"{runs[run]} in {place}: {' '.join(run)}")
    return found


def _in_a_row(text: str) -> Iterator[tuple[str, ...]]:
    words = "".join(letter if letter.isalnum() else " " for letter in text.casefold()).split()
    return zip(*(words[at:] for at in range(RUN)), strict=False)


def _spelt(text: str) -> Iterator[str]:
    """The text, or the texts in it where it is JSON."""
    try:
        value = json.loads(text) if text.lstrip()[:1] in ("{", "[") else text
    except ValueError:
        value = text
    if isinstance(value, str):
        yield value
    else:
        for inner in _said(value):
            yield from _spelt(inner)


def _said(value: Any) -> Iterator[str]:
    """Keys and values, in the order of the file."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _said(item)
    elif isinstance(value, list):
        for item in value:
            yield from _said(item)
    else:
        yield str(value)


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
