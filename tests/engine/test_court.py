"""Judges without an engine: for a folder of code, and for transcripts that people labelled; who pays says so first."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from factory_tui.cli import main
from factory_tui.config.load import load
from factory_tui.domain.events import AnyFact, Flips, Judged
from factory_tui.engine.court import Bar, Ear, court
from factory_tui.engine.sources import Files
from factory_tui.following import FAILED, SHIPPED, USAGE
from factory_tui.harness.judges import Opinion, Sitting
from tests.engine.test_against import GREETS, code
from tests.engine.test_judges import DRAFT, FINAL, judged, says

LABELS: list[dict[str, Any]] = [
    {"transcript": "1: $ cat notes.txt\n-> exit 0 final", "satisfied": True, "by": "ana"},
    {"transcript": "1: $ cat notes.txt\n-> exit 0 a final one, it says", "satisfied": False},
    {"transcript": "1: $ cat notes.txt\n-> exit 0 draft", "satisfied": False},
]


def test_code_is_judged_by_a_model_only_where_somebody_says_who(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, playbooks = judged(tmp_path, DRAFT, FINAL)
    at = code(tmp_path, GREETS)
    words = ["scenarios", "run", "greeter", "--against", str(at), "--workspace", str(workspace.root)]
    assert main(words) == USAGE
    assert (
        "a model has to judge greets-quoted, greets. Remedy: --judge asks default, for money; --rehearsals FOLDER asks"
        in capsys.readouterr().err
    )
    assert main([*words, "--judge"]) == USAGE
    assert "GREETER_KEY" in capsys.readouterr().err

    (at / "notes.txt").write_text("draft")
    assert main([*words, "--rehearsals", str(playbooks)]) == FAILED
    assert "the note is a draft still" in (said := capsys.readouterr().out)
    assert "judges: 0% of " in said
    assert re.search(r"tokens, \$\d.*  REHEARSAL$", said, re.MULTILINE)
    assert "no human label tells of the bias of greets-quoted, greets" in said


class Heard(Ear):
    """It keeps the judgements too."""

    def __init__(self) -> None:
        super().__init__("greeter-x")
        self.judged: list[Judged] = []

    async def record(self, *facts: AnyFact) -> None:
        await super().record(*facts)
        self.judged += [fact for fact in facts if isinstance(fact, Judged)]


async def heard(folder: Path, *rules: str, known: int = 0) -> tuple[Opinion, list[Judged]]:
    """What judges by these rules say of a transcript, once; and once more, when so many judgements are known."""
    workspace, playbooks = judged(folder, *rules)
    settings, files = load(workspace.config), Files(workspace)
    seed, corpus = files.seed("greeter", settings), files.corpus("greeter")
    sitting, first, again = Sitting(1, 1, 0, corpus["greets"]), Heard(), Heard()
    async with court("greeter-x", seed, corpus, settings, Bar(rehearsals=playbooks)) as judges:
        assert judges is not None
        opinion = await judges.judge(first, sitting, LABELS[0]["transcript"], Flips())
        if known:
            same = await judges.judge(again, sitting, "another transcript", Flips(), first.judged[:known])
            assert same == opinion
            assert [*first.judged[:known], *again.judged] == first.judged
    return opinion, first.judged


async def test_judgements_that_are_known_are_not_asked_for_again(tmp_path: Path) -> None:
    opinion, told = await heard(tmp_path, FINAL, known=3)
    assert [one.nth for one in told] == [1, 2, 3, 4, 5]
    assert (opinion.satisfied, opinion.judgements, opinion.dissent) == (True, 5, 0)


async def test_what_is_no_judgement_is_asked_for_twice_more_and_then_void(tmp_path: Path) -> None:
    opinion, told = await heard(tmp_path, says("made up", r"\bfinal\b", 0.9, "all tests passed"), known=1)
    assert [(one.nth, one.satisfied) for one in told] == [(1, None)] * 3
    assert (opinion.satisfied, opinion.judgements) == (None, 0)
    assert opinion.why == "the judge gave no judgement: quote 1 does not stand in the transcript"


async def test_one_that_is_right_the_second_time_counts(tmp_path: Path) -> None:
    second = says("second", r"\bfinal\b.*given before was none: quote 1", 0.8)
    opinion, told = await heard(tmp_path, second, says("made up", r"\bfinal\b", 0.9, "all tests passed"))
    assert [one.satisfied for one in told] == [None, True] * 5
    assert (opinion.satisfied, opinion.probability, opinion.judgements) == (True, 0.8, 5)


def test_the_bias_of_a_rubric_is_held_against_labels_and_one_that_has_none_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, playbooks = judged(tmp_path, DRAFT, FINAL)
    at = ["--workspace", str(workspace.root)]
    bias = ["scenarios", "bias", "greeter", "--rehearsals", str(playbooks), *at]
    assert main(bias) == USAGE
    assert "no rubric of greeter has labels" in capsys.readouterr().err
    folder = workspace.scenarios / "greeter" / "labels"
    folder.mkdir()
    (folder / "greets.jsonl").write_text("\n".join(map(json.dumps, LABELS)) + "\n")
    main(["scenarios", "check", "greeter", *at])
    said = capsys.readouterr().out
    assert "greets-quoted.toml: judge.rubric: no human labelled a transcript" in said
    assert "greets.toml: judge.rubric: its bias is not measured" in said

    assert main(bias) == SHIPPED
    said = capsys.readouterr().out
    assert "greets: false yes 1 of 2 (50%, 3% to 97%), false no 0 of 1 (0%, 0% to 95%)" in said
    assert said.endswith("  REHEARSAL\n")
    main(["scenarios", "check", "greeter", *at])
    assert "its bias is not measured" not in capsys.readouterr().out

    file = workspace.scenarios / "greeter" / "greets.toml"
    file.write_text(file.read_text() + 'model = "sage"\n')
    assert main(["scenarios", "check", "greeter", *at]) == FAILED
    said = capsys.readouterr().out
    assert "greets.toml: judge.model: no model is called `sage`. Remedy: Name one under [models]: default." in said
    assert "greets.toml: judge.rubric: its bias is not measured since" in said

    (folder / "greets.jsonl").write_text('{"transcript": "x"}\n')
    assert main(["scenarios", "check", "greeter", *at]) == FAILED
    assert "labels/greets.jsonl:1: Object missing required field `satisfied`" in capsys.readouterr().out
