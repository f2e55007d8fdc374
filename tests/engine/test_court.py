"""Judges without an engine: for a folder of code, and for transcripts that people labelled; who pays says so first."""

import json
from pathlib import Path

import pytest

from factory_tui.cli import main
from factory_tui.following import FAILED, SHIPPED, USAGE
from tests.engine.test_against import GREETS, code
from tests.engine.test_judges import DRAFT, FINAL, judged

LABELS = [
    {"transcript": "1: $ cat notes.txt\n-> exit 0 final", "satisfied": True, "by": "ana"},
    {"transcript": "1: $ cat notes.txt\n-> exit 0 a final one, it says", "satisfied": False},
    {"transcript": "1: $ cat notes.txt\n-> exit 0 draft", "satisfied": False},
]


def test_code_is_judged_by_a_model_only_where_somebody_says_who(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, playbooks = judged(tmp_path, DRAFT, FINAL)
    at = code(tmp_path, GREETS)
    words = ["scenarios", "run", "greeter", "--against", str(at), "--json", "--workspace", str(workspace.root)]
    assert main(words) == USAGE
    assert (
        "a model has to judge greets-quoted, greets. Remedy: --judge asks default, for money; --rehearsals FOLDER asks"
        in capsys.readouterr().err
    )
    assert main([*words, "--judge"]) == USAGE
    assert "GREETER_KEY" in capsys.readouterr().err

    (at / "notes.txt").write_text("final")
    assert main([*words, "--rehearsals", str(playbooks)]) == SHIPPED
    found = json.loads(capsys.readouterr().out)
    assert found["flips"]["transcripts"] > 0
    assert found["judging"]["tokens"]["input"] > 0
    (at / "notes.txt").write_text("draft")
    words.remove("--json")
    assert main([*words, "--rehearsals", str(playbooks)]) == FAILED
    assert "the note is a draft still" in (said := capsys.readouterr().out)
    assert "judges: 0% of " in said
    assert "no human label tells of the bias of greets-quoted, greets" in said


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
    assert "greets: false yes 1 of 2 (50%, 3% to 97%), false no 0 of 1 (0%, 0% to 95%)" in capsys.readouterr().out
    main(["scenarios", "check", "greeter", *at])
    assert "its bias is not measured" not in capsys.readouterr().out

    (folder / "greets.jsonl").write_text('{"transcript": "x"}\n')
    assert main(["scenarios", "check", "greeter", *at]) == FAILED
    assert "labels/greets.jsonl:1: Object missing required field `satisfied`" in capsys.readouterr().out
