"""`factory-tui twins`: what is listed, what is compared, and the exit codes."""

import json
from pathlib import Path

import pytest

from factory_tui.cli import main
from factory_tui.following import FAILED, SHIPPED, USAGE
from tests.engine.greeter import make
from tests.harness.ledger import TOML, ledger
from tests.harness.test_replaying import PAID, har, recorded


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    workspace, _ = make(tmp_path)
    monkeypatch.chdir(workspace.root)
    return workspace.twins


def test_twins_are_listed_with_what_is_known_of_them(twins: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twins"]) == SHIPPED
    assert "no twins in twins/" in capsys.readouterr().out
    twin = ledger(twins)
    assert main(["twins", "--json"]) == SHIPPED
    (told,) = json.loads(capsys.readouterr().out)["twins"]
    assert (told["name"], told["host"], told["digest"], told["lamp"]) == (
        "ledger",
        "api.ledger.example",
        twin.digest,
        "unrecorded",
    )
    (twins / "empty").mkdir()
    assert main(["twins"]) == FAILED
    said = capsys.readouterr()
    assert "api.ledger.example" in said.out
    assert "twins/empty/twin.toml: cannot be read" in said.err


def test_a_twin_is_compared_with_what_was_recorded(twins: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twins", "check"]) == FAILED
    assert "no twin has recordings. Remedy: " in capsys.readouterr().err
    assert main(["twins", "check", "leger"]) == USAGE
    ledger(twins, toml=TOML.replace('"at"', '"at", "id"'))
    recorded(twins, "paid.har", har(*PAID))
    assert main(["twins", "check", "ledger"]) == SHIPPED
    told = capsys.readouterr().out
    assert "ledger: faithful, 3 of 3 recorded exchanges match (100%)" in told
    recorded(twins, "wrong.har", har(("GET", "/charges", None, 404, {})))
    assert main(["twins", "check", "--json"]) == FAILED
    (told_as_json,) = json.loads(capsys.readouterr().out)
    assert (told_as_json["lamp"], told_as_json["share"]) == ("drift", 0.75)
    assert told_as_json["misses"][0]["why"] == ["status 200, recorded 404"]
    assert main(["twins"]) == SHIPPED
    assert "drift" in capsys.readouterr().out
    path = twins.parent / "scenarios" / "greeter" / "upper.toml"
    path.write_text(path.read_text() + '[[twin]]\nname = "ledger"\n')
    assert main(["scenarios", "check", "greeter"]) == SHIPPED
    assert "warning: twins/ledger: is drift: newer recordings disagree (wrong.har)" in capsys.readouterr().out
    assert main(["twins", "check"]) == FAILED
    assert "\n  wrong.har #1 GET /charges: status 200, recorded 404\n" in capsys.readouterr().out
