"""The scenario format: the documented example is one, and every mistake names its place and remedy."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from factory_tui.cli import main
from factory_tui.config.reading import Mistakes
from factory_tui.harness.scenario import parse
from factory_tui.harness.shapes import Scenario, ScenarioFile

DOCS = Path(__file__).parents[2] / "docs" / "scenarios.md"
FOUND = re.search(r"```toml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
assert FOUND
EXAMPLE = FOUND[1]


def mistakes(text: str) -> str:
    with pytest.raises(Mistakes) as caught:
        parse(text, "scenarios/x/s.toml")
    return str(caught.value)


def test_the_documented_example_parses() -> None:
    scenario = parse(EXAMPLE, "scenarios/x/doc.toml")
    assert isinstance(scenario, Scenario)
    assert scenario.name == "doc"
    assert scenario.drawn
    assert [bool(act.http) for act in scenario.acts] == [True, True, False, False]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("/{code}", "/{cod}", "{cod} is not drawn"),
        ('service = "app", method', 'service = "ap", method', "service `ap` is not declared"),
        ("for row in orders)'", "for row in order)'", "let.total: unknown order"),
        ("'csv(orders)'", "'open(orders)'", "the function 'open' does not exist"),
        ("wait = 1.2 ", 'wait = 1.2\nrun = { command = "true" }\n#', "exactly one of http, run, "),
        ("wait = 1.2 ", "repeat = 2 #", "exactly one of http, run, "),
        ('repeat = "{n}"', "repeat = 201", "repeat: the whole number `201` does not fit"),
        ('repeat = "{n}"', "repeat = 0", "repeat: the whole number `0` does not fit"),
        ("weight = 1.0", "weight = 0.7", "weight"),
        ('"^[A-Za-z0-9]+$"', '"^[A-Za-z0-9+$"', "not a regex"),
        ("exit = 0", "status = 200", "says nothing about this kind of act"),
        ("rows = [3, 9]", "rows = [9, 3]", "rows are [least"),
        ('min = "0.01"', 'min = "nan"', "not finite"),
        ("of = [", "off = [", "`of`"),
        ('"json:code"', '"code"', "cannot capture"),
        ('"json:code"', '"stdout:code"', "cannot capture"),
    ],
)
def test_a_mistake_names_the_line_and_what_to_do(old: str, new: str, said: str) -> None:
    assert old in EXAMPLE
    text = EXAMPLE.replace(old, new, 1)
    found = mistakes(text)
    assert said in found
    assert re.match(r"scenarios/x/s\.toml:\d+: ", found)
    assert "Remedy: " in found


def test_unknown_keys_and_broken_toml_are_refused_by_line() -> None:
    assert "s.toml:1: " in mistakes("colour = 1\n" + EXAMPLE)
    assert "s.toml:2: " in mistakes('kind = "main"\nset = = "vault"\n')


def test_all_mistakes_come_at_once() -> None:
    found = mistakes(EXAMPLE.replace("{code}", "{cod}").replace("{n}", "{m}"))
    assert "{cod}" in found
    assert "{m}" in found


def test_a_file_whose_name_is_no_name_is_refused() -> None:
    with pytest.raises(Mistakes, match="no name for a scenario"):
        parse(EXAMPLE, "scenarios/x/A story.toml")


def test_the_schema_is_printed_anywhere_and_knows_every_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["scenarios", "schema"]) == 0
    known = json.loads(capsys.readouterr().out)["$defs"]
    file = known["ScenarioFile"]
    assert set(file["properties"]) == {field.encode_name for field in msgspec.structs.fields(ScenarioFile)}
    assert file["required"] == ["kind", "set", "story", "act"]
    assert not file["additionalProperties"]
