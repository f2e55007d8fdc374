"""A folder of code, judged as the first pass of a run would be: by the ship rule, in cells, without a run."""

import json
import signal
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from factory_tui.cli import main
from factory_tui.config.workspace import Workspace
from factory_tui.following import FAILED, INTERRUPTED, SHIPPED, USAGE
from tests.engine.floor import cli
from tests.engine.greeter import make
from tests.waiting import until

GREETS = """import sys
names = [word for word in sys.argv[1:] if word != "--"]
print(f"Hello, {names[0].strip() if names else 'World'}!")
"""


def code(folder: Path, source: str) -> Path:
    (folder / "code" / ".git").mkdir(parents=True)
    (folder / "code" / ".git" / "HEAD").write_text("no part of what is judged")
    (folder / "code" / "greet.py").write_text(source)
    return folder / "code"


class Asked:
    """The command on a workspace: exit code, stdout and stderr."""

    def __init__(self, workspace: Workspace, capsys: pytest.CaptureFixture[str], action: str = "run") -> None:
        self._action = action
        self._words = ("--workspace", str(workspace.root))
        self._capsys = capsys

    def __call__(self, *words: object) -> tuple[int | None, str, str]:
        try:
            exit_code: int | None = main(["scenarios", self._action, "greeter", *map(str, words), *self._words])
        except SystemExit as usage:
            exit_code = int(str(usage.code))
        return exit_code, *self._capsys.readouterr()


def test_code_that_would_ship_succeeds_and_the_same_draws_give_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, _ = make(tmp_path)
    judged = Asked(workspace, capsys)
    at = code(tmp_path, GREETS)
    exit_code, said, aside = judged("--against", at, "--json", "--junit", tmp_path / "junit.xml")
    assert exit_code == SHIPPED, aside
    found = json.loads(said)
    assert "canary" not in said
    assert (found["decision"], found["vault"]["satisfied"], found["vault"]["total"]) == ("ship", 8, 8)
    assert "screen: at most" in aside
    assert "confirm: at most" in aside
    suite = Xml.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == (str(len(found["verdicts"])), "0")
    _, again, _ = judged("--against", at, "--json", "--draws", found["draws"])
    same = json.loads(again)
    assert [one["evidence"] for one in same["verdicts"]] == [one["evidence"] for one in found["verdicts"]]
    assert not (workspace.state / "journal.db").exists(), "no run was begun"
    assert not list((workspace.state / "cells").glob("*.json")), "no cell was left"


def test_code_that_would_not_fails_with_a_line_a_story_and_what_was_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, _ = make(tmp_path)
    judged = Asked(workspace, capsys)
    at = code(tmp_path, GREETS.replace(".strip()", ""))
    exit_code, said, _ = judged("--against", at, "--junit", tmp_path / "junit.xml")
    assert exit_code == FAILED
    assert "feedback  main         greets" in said
    (trims,) = [line for line in said.splitlines() if " trims " in line]
    assert trims.split() == ["feedback", "edge", "trims", "0/1"]
    assert "wanted stdout" in said
    assert "canary" not in said
    assert "no ship: " in said
    suite = Xml.parse(tmp_path / "junit.xml").getroot()
    failed = {case.get("classname") for case in suite.iter("testcase") if case.find("failure") is not None}
    assert failed == {"greeter.feedback", "greeter.vault"}
    assert "canary" not in (tmp_path / "junit.xml").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_one_that_is_cut_off_leaves_no_cell(tmp_path: Path, number: signal.Signals) -> None:
    workspace, _ = make(tmp_path)
    at = code(tmp_path, f"open({str(tmp_path / 'began')!r}, 'w')\nimport time\ntime.sleep(60)\n")
    process = await cli("scenarios", "run", "greeter", "--against", str(at), "--workspace", str(workspace.root))
    await until((tmp_path / "began").exists, "the code is tried")
    process.send_signal(number)
    await process.communicate()
    assert process.returncode == INTERRUPTED
    assert not list((workspace.state / "cells").glob("*.json")), "a cell was left"


def test_a_report_that_cannot_be_written_costs_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, _ = make(tmp_path)
    at = code(tmp_path, GREETS)
    exit_code, said, aside = Asked(workspace, capsys)("--against", at, "--junit", tmp_path / "no" / "junit.xml")
    assert (exit_code, "junit.xml: No such file" in aside) == (USAGE, True)
    assert "\nship: " in said


def test_a_folder_that_no_cell_holds_is_named_before_it_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, _ = make(tmp_path)
    at = code(tmp_path, GREETS)
    with (at / "weights.bin").open("wb") as file:
        file.truncate(1 << 40)
    exit_code, _, aside = Asked(workspace, capsys)("--against", at)
    assert (exit_code, "MiB that a cell holds. Remedy: " in aside) == (FAILED, True)


def test_what_cannot_be_judged_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, _ = make(tmp_path)
    judged = Asked(workspace, capsys)
    at = code(tmp_path, GREETS)
    exit_code, _, aside = judged("--against", tmp_path / "nothing")
    assert (exit_code, "is no folder. Remedy: " in aside) == (USAGE, True)
    exit_code, _, aside = judged("--against", at, "-n", "0")
    assert (exit_code, "'0' is no number from 1 on" in aside) == (USAGE, True)
    exit_code, said, _ = judged("--against", at, "-n", "4")
    assert (exit_code, "too small for this vault ever to ship" in said) == (FAILED, True)


def test_check_plays_each_scenario_once_without_a_ship_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, _ = make(tmp_path)
    checked = Asked(workspace, capsys, "check")
    exit_code, said, aside = checked("--against", code(tmp_path, GREETS), "--json")
    assert exit_code == SHIPPED, aside
    good = json.loads(said)
    assert {one["satisfied"] for one in good["played"]} == {True}
    exit_code, said, _ = checked(
        "--against", code(tmp_path / "bad", "print('Hello, World!')"), "--draws", good["draws"]
    )
    assert exit_code == FAILED
    played = [line.split(": ") for line in said.splitlines() if line.endswith("satisfied")]
    assert {name for name, _ in played} == {one["scenario"] for one in good["played"]}
    assert len(played) == len(good["played"])
    assert "    wanted stdout: " in said
    assert said.endswith(f"each once, draws {good['draws']}\n")


def test_check_against_no_folder_or_with_mistakes_plays_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, _ = make(tmp_path)
    checked = Asked(workspace, capsys, "check")
    exit_code, _, aside = checked("--against", tmp_path / "nowhere")
    assert (exit_code, "scenarios check SEED --against DIR" in aside) == (USAGE, True)
    (workspace.scenarios / "greeter" / "half.toml").write_text("kind = ")
    exit_code, said, _ = checked("--against", code(tmp_path, GREETS), "--json")
    assert exit_code == FAILED
    assert json.loads(said)["played"] == []
