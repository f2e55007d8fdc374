"""Twins as they lie in a workspace: what is read, and what is said of one that cannot be used."""

from pathlib import Path

import pytest

from factory_tui.config.reading import Mistakes
from factory_tui.config.twin import all_twins, load_twin
from tests.harness.ledger import TOML, ledger


def test_a_twin_is_its_code_and_not_what_lies_beside_it(tmp_path: Path) -> None:
    before = ledger(tmp_path)
    assert (before.name, before.host, before.variable) == ("ledger", "api.ledger.example", "LEDGER_URL")
    assert [one.path for one in before.files] == ["openapi.json", "twin.py", "twin.toml"]
    beside = tmp_path / "ledger"
    for name in (
        "recordings/a.har",
        "provenance.json",
        "fidelity.json",
        "__pycache__/twin.pyc",
        ".hidden",
        "README.md",
    ):
        (beside / name).parent.mkdir(exist_ok=True)
        (beside / name).write_text("{}")
    assert load_twin(tmp_path, "ledger") == before
    (beside / "lib").mkdir()
    (beside / "lib" / "more.py").write_text("")
    after = load_twin(tmp_path, "ledger")
    assert after.digest != before.digest
    assert "lib/more.py" in [one.path for one in after.files]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("api.ledger.example", "http://api.ledger.example", "twins/ledger/twin.toml:2: host: `http://api.ledger"),
        ("api.ledger.example", "localhost", "is no host name"),
        ('"python3 twin.py"', '" "', "twins/ledger/twin.toml:3: command: is empty"),
        ('"openapi.json"', '"api.json"', "there is no file `api.json`. Remedy: Name one of its files: openapi.json"),
        ('path = "/charges"', 'path = "charges"', "does not begin with /"),
        ("volatile", "volatle", "twins/ledger/twin.toml:6"),
        ('volatile = ["at"]', 'seed_data = "data.json"', "there is no file `data.json`"),
        ('volatile = ["at"]', 'seed_data = "twin.py"', "`twin.py` is no JSON"),
        ("host =", "host", "twins/ledger/twin.toml:2"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(Mistakes, match=r"Remedy: \S") as told:
        ledger(tmp_path / "twins", toml=TOML.replace(old, new))
    assert said in str(told.value)


def test_data_that_nobody_can_read_is_a_mistake_like_others(tmp_path: Path) -> None:
    toml = TOML.replace('volatile = ["at"]', 'seed_data = "deep.json"')
    with pytest.raises(Mistakes):
        ledger(tmp_path, toml=toml)
    (tmp_path / "ledger" / "deep.json").write_text("[" * 100_000)
    found, problems = all_twins(tmp_path)
    assert not found
    assert "`deep.json` is no JSON: maximum recursion depth" in str(problems[0])


def test_a_twin_that_is_not_there_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    ledger(tmp_path / "twins")
    with pytest.raises(Mistakes, match=r"there is no twin `leger`\. Remedy: Did you mean `ledger`\?"):
        load_twin(tmp_path / "twins", "leger")
    with pytest.raises(Mistakes, match="There are: none yet"):
        load_twin(tmp_path / "nowhere", "ledger")


def test_a_twin_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    ledger(tmp_path)
    (tmp_path / "empty").mkdir()
    found, problems = all_twins(tmp_path)
    assert [one.name for one in found] == ["ledger"]
    assert [one.file for one in problems] == [f"{tmp_path.name}/empty/twin.toml"]
