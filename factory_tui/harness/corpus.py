"""A seed's scenarios as a whole: read from their folder, hashed, and judged as a corpus.

The hash names the corpus revision that a run's verdicts came from; `reviewed_for` and comments are no part of it.
"""

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from factory_tui.config.fidelity import standing
from factory_tui.config.reading import Document, Mistakes, Problem, bytes_of
from factory_tui.config.seed import UNWRITTEN
from factory_tui.config.twin import Twin, load_twin
from factory_tui.harness.labels import labelled
from factory_tui.harness.satisfaction import Stratum
from factory_tui.harness.scenario import parse
from factory_tui.harness.shapes import Scenario


class Trouble(msgspec.Struct, frozen=True):
    """What is wrong with a corpus; a run does not start on one with an error."""

    level: Literal["warning", "error"]
    problem: Problem


class Corpus(msgspec.Struct, frozen=True):
    """The scenarios of a seed, by name, with their hash (12 hex digits) and what is wrong."""

    seed: str
    scenarios: tuple[Scenario, ...] = ()
    hash: str = ""
    problems: tuple[Trouble, ...] = ()
    twins: tuple[Twin, ...] = ()
    """Those that its scenarios ask for."""
    unlabelled: tuple[str, ...] = ()
    """Scenarios with a rubric of whose bias no human label tells."""
    lamps: tuple[tuple[str, str], ...] = ()
    """What is known of the fidelity of each twin, in a word."""
    fidelity: dict[str, str] = {}
    """The same in a line."""

    def __getitem__(self, name: str) -> Scenario:
        """The scenario of that name. Raises KeyError."""
        for scenario in self.scenarios:
            if scenario.name == name:
                return scenario
        raise KeyError(name)

    @property
    def usable(self) -> bool:
        """Whether a run may start on it."""
        return not any(trouble.level == "error" for trouble in self.problems)

    @property
    def unwritten(self) -> tuple[Problem, ...]:
        """Stories that nobody wrote yet: they judge nothing, so that no run may start on them either."""
        remedy = f"Write its story, acts and expectations, and take {UNWRITTEN} out of it; or remove the file."
        return tuple(
            Problem(f"scenarios/{self.seed}/{one.name}.toml", 0, "", "judges nothing: nobody wrote it yet.", remedy)
            for one in self.scenarios
            if UNWRITTEN in one.story
        )

    def strata(self, wanted: Literal["feedback", "vault"]) -> dict[str, Stratum]:
        """What counting needs of one set."""
        return {item.name: Stratum(item.weight, item.drawn) for item in self.scenarios if item.set == wanted}

    def canary(self, name: str) -> str:
        """A text that occurs nowhere but in this engine's own records of that scenario."""
        return "canary-" + hmac.new(self.hash.encode(), name.encode(), hashlib.sha256).hexdigest()[:24]


def load_corpus(folder: Path, seed: str) -> Corpus:
    """The corpus in `folder` (`scenarios/<seed>`), with the twins that it asks for, beside `scenarios`.

    What cannot be read is a problem, not an exception.
    """
    shown = f"scenarios/{folder.name}"
    troubles: list[Trouble] = []
    scenarios: list[Scenario] = []
    files = sorted(path for path in folder.glob("*.toml") if not path.name.startswith(".")) if folder.is_dir() else []
    for path in files:
        try:
            scenarios.append(parse(bytes_of(path), f"{shown}/{path.name}"))
        except Mistakes as mistakes:
            troubles += [Trouble("error", problem) for problem in mistakes.problems]
        except OSError as error:
            message, remedy = f"cannot be read: {error.strerror}.", "Make it a readable file."
            troubles.append(Trouble("error", Problem(f"{shown}/{path.name}", 0, "", message, remedy)))
    troubles += [Trouble(level, Problem(shown, 0, "", *said)) for level, *said in _whole(scenarios, bool(troubles))]
    hosted, missing = _twins(scenarios, folder)
    troubles += [Trouble("error", problem) for problem in missing]
    troubles += [Trouble("error", _undrawn(folder, one)) for one in scenarios if one.judge and not one.drawn]
    digest = hashlib.sha256()
    for scenario in scenarios:
        digest.update(msgspec.json.encode(msgspec.structs.replace(scenario, reviewed_for=""), order="sorted") + b"\n")
    for twin in hosted:
        digest.update(f"{twin.name} {twin.digest}\n".encode())
    stands = {twin.name: standing(folder.absolute().parent.parent / "twins", twin) for twin in hosted}
    lamps, lines = ((name, one.lamp) for name, one in stands.items()), {name: one.why for name, one in stands.items()}
    bare = tuple(one.name for one in scenarios if one.judge and not labelled(folder, one.name))
    return Corpus(seed, tuple(scenarios), digest.hexdigest()[:12], tuple(troubles), hosted, bare, tuple(lamps), lines)


def _twins(scenarios: list[Scenario], folder: Path) -> tuple[tuple[Twin, ...], list[Problem]]:
    """The twins that are asked for, and what is wrong with them or with who asks."""
    twins = folder.absolute().parent.parent / "twins"
    found: dict[str, Twin] = {}
    problems: list[Problem] = []
    for scenario in scenarios:
        hosts: dict[str, str] = {}
        for number, wanted in enumerate(scenario.twins):
            try:
                twin = found[wanted.name] = found.get(wanted.name) or load_twin(twins, wanted.name)
            except Mistakes as mistakes:
                what = mistakes.problems
                if not (twins / wanted.name).is_dir():
                    what = (_asked(folder, scenario, number, what[0].message, what[0].remedy),)
                problems += [problem for problem in what if problem not in problems]
                continue
            if other := hosts.get(twin.host):
                message = f"`{twin.name}` stands for {twin.host}, as `{other}` does."
                problems.append(_asked(folder, scenario, number, message, "Ask for one of them."))
            hosts[twin.host] = twin.name
    return tuple(found[name] for name in sorted(found)), problems


def _asked(folder: Path, scenario: Scenario, number: int, message: str, remedy: str) -> Problem:
    """A mistake where a scenario asks for a twin."""
    path = folder / f"{scenario.name}.toml"
    document = Document(bytes_of(path), f"scenarios/{folder.name}/{path.name}")
    return document.problem(("twin", number, "name"), message, remedy)


def _undrawn(folder: Path, scenario: Scenario) -> Problem:
    """Two verdicts decide the weight of a story without draws: too few to know what its judges are worth."""
    message, remedy = "is judged and draws nothing.", "Draw inputs in it, or say by expectations what it wants."
    return Problem(f"scenarios/{folder.name}/{scenario.name}.toml", 0, "", message, remedy)


def without_seed(scenarios: Path, seeds: set[str]) -> list[Problem]:
    """The folders of `scenarios/` that no seed has the name of."""
    found = sorted(path.name for path in scenarios.iterdir() if path.is_dir()) if scenarios.is_dir() else []
    remedy = "Write the seed, or rename the folder after one."
    return [
        Problem(f"scenarios/{name}", 0, "", f"there is no seed `{name}`.", remedy)
        for name in found
        if name not in seeds and not name.startswith((".", "_"))
    ]


def _whole(scenarios: list[Scenario], broken: bool) -> Iterator[tuple[Literal["warning", "error"], str, str]]:
    """Level, message and remedy for what is wrong with the set as a whole."""
    sets = {scenario.set for scenario in scenarios}
    kinds = {scenario.kind for scenario in scenarios}
    if "vault" not in sets and not broken:
        message = "the corpus has no vault: nothing decides, so nothing can ship."
        yield "error", message, 'Give it scenarios with set = "vault".'
    elif not any(scenario.set == "vault" and scenario.drawn for scenario in scenarios) and not broken:
        message = "no vault scenario has a [draw]: it cannot give enough distinct observations to ship."
        yield "error", message, "Draw inputs in the vault's scenarios."
    if "feedback" not in sets and not broken:
        yield "warning", "no scenario is in the feedback set: the generator will be told nothing.", "Move some there."
    for kind in ("edge", "adversarial"):
        if kind not in kinds and not broken:
            yield "error", f"no scenario is of kind {kind}.", f'Write one with kind = "{kind}".'
