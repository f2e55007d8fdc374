"""A seed's scenarios as a whole: read from their folder, hashed, and judged as a corpus.

The hash names the corpus revision that a run's verdicts came from; `reviewed_for` and comments are no part of it.
"""

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from factory_tui.config.reading import Mistakes, Problem, bytes_of
from factory_tui.config.seed import UNWRITTEN
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
    """The corpus in `folder` (`scenarios/<seed>`). What cannot be read is a problem, not an exception."""
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
    digest = hashlib.sha256()
    for scenario in scenarios:
        digest.update(msgspec.json.encode(msgspec.structs.replace(scenario, reviewed_for=""), order="sorted") + b"\n")
    return Corpus(seed, tuple(scenarios), digest.hexdigest()[:12], tuple(troubles))


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
