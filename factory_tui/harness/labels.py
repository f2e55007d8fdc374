"""Transcripts that a human labelled, and how far a rubric's judges are from those labels.

Owns the files: labels in `scenarios/<seed>/labels/<scenario>.jsonl`, what was measured in the workspace's state. Noise
shows without a human; a bias, which all judges of a rubric share, shows against these alone.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from factory_tui.config.reading import Mistakes, Problem, bytes_of
from factory_tui.domain.decoding import prepared
from factory_tui.harness.satisfaction import PEOPLE, lower, upper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory_tui.harness.corpus import Corpus
    from factory_tui.harness.shapes import Judge

FOLDER = "labels"


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line of a file of labels."""

    transcript: str
    satisfied: bool
    by: str = ""
    note: str = ""


class Share(msgspec.Struct, frozen=True):
    """How many of how many, with the 90 % interval."""

    wrong: int
    of: int

    def __str__(self) -> str:
        if not self.of:
            return "no label"
        low, high = lower(self.wrong, self.of, PEOPLE), upper(self.wrong, self.of, PEOPLE)
        return f"{self.wrong} of {self.of} ({self.wrong / self.of:.0%}, {low:.0%} to {high:.0%})"


class Bias(msgspec.Struct, frozen=True):
    """What a rubric's judges make of labelled transcripts."""

    rubric: str
    """Its digest: another rubric is another measure."""
    false_yes: Share
    """Of those that the human found wanting, what the judges let pass."""
    false_no: Share
    """Of those that the human found good, what the judges did not."""
    void: int = 0


def digest(judge: Judge) -> str:
    """What a bias is measured of."""
    return hashlib.sha256(msgspec.json.encode(judge)).hexdigest()[:12]


def labels(folder: Path, scenario: str) -> tuple[Label, ...]:
    """Those of one scenario; `folder` is that of its seed's scenarios. Raises Mistakes."""
    path = folder / FOLDER / f"{scenario}.jsonl"
    file = f"scenarios/{folder.name}/{FOLDER}/{path.name}"
    try:
        lines = bytes_of(path).splitlines()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise Mistakes(Problem(file, 0, "", f"cannot be read: {error.strerror}.", "Make it readable.")) from None
    found, problems = list[Label](), list[Problem]()
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                found.append(msgspec.json.decode(line, type=prepared(Label)))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            remedy = 'Write {"transcript": "...", "satisfied": true} on one line.'
            problems.append(Problem(file, number, "", f"{error}.", remedy))
    if problems:
        raise Mistakes(*problems)
    return tuple(found)


def labelled(folder: Path, scenario: str) -> bool:
    """Whether there are any; they need not be in order."""
    try:
        return (folder / FOLDER / f"{scenario}.jsonl").stat().st_size > 0
    except OSError:
        return False


def measured(state: Path, seed: str) -> dict[str, Bias]:
    """What was measured of a seed's rubrics, by scenario; nothing where that cannot be read."""
    try:
        return msgspec.json.decode(_path(state, seed).read_bytes(), type=prepared(dict[str, Bias]))
    except (OSError, msgspec.DecodeError):
        return {}


def keep(state: Path, seed: str, found: dict[str, Bias]) -> None:
    """Write it down. Raises OSError."""
    path = _path(state, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode({**measured(state, seed), **found})))


def _path(state: Path, seed: str) -> Path:
    return state / "bias" / f"{seed}.json"


def unlabelled(folder: Path, state: Path, corpus: Corpus) -> Iterator[Problem]:
    """Rubrics of whose bias nobody knows anything. Raises Mistakes."""
    known = measured(state, corpus.seed)
    for one in corpus.scenarios:
        if one.judge is None:
            continue
        file = f"scenarios/{corpus.seed}/{one.name}.toml"
        if not labels(folder, one.name):
            said = "no human labelled a transcript of it: nobody knows its rubric's bias."
            remedy = f"Write labels into scenarios/{corpus.seed}/{FOLDER}/{one.name}.jsonl, as docs/scenarios.md says."
            yield Problem(file, 0, "judge.rubric", said, remedy)
        elif one.name not in known or known[one.name].rubric != digest(one.judge):
            remedy = f"factory-tui scenarios bias {corpus.seed}"
            yield Problem(file, 0, "judge.rubric", "its bias is not measured since it was written like that.", remedy)
