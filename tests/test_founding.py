"""What `init` and `new` make: enough to begin with, never in place of something, and nothing that ships unwritten."""

import getpass
import json
from pathlib import Path

import pytest

from factory_tui.cli import main
from factory_tui.config.load import load
from factory_tui.config.seed import UNWRITTEN, load_seed
from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import StartRun
from factory_tui.engine.opening import Refused, foresee
from factory_tui.following import SHIPPED, USAGE
from factory_tui.harness.corpus import load_corpus
from tests.engine.conftest import home

Output = pytest.CaptureFixture[str]
__all__ = ["home"]


@pytest.fixture
def ana(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workspace:
    """A workspace that the user ana made, who is in it."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "ana")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    assert main(["init", str(tmp_path / "ours")]) == SHIPPED
    monkeypatch.chdir(tmp_path / "ours")
    return Workspace(tmp_path / "ours")


def texts(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(capsys: Output, *asked: str) -> str:
    """What the command line says when it refuses this, having changed nothing."""
    before = texts(Path())
    capsys.readouterr()
    assert main([*asked]) == USAGE
    assert texts(Path()) == before
    return capsys.readouterr().err


def test_a_new_workspace_has_all_that_one_needs_and_answers_to_who_made_it(ana: Workspace) -> None:
    assert texts(ana.root).keys() == {
        "config.toml",
        "standards.md",
        *(f"loops/{loop.name}" for loop in (Path(__file__).parents[1] / "loops").glob("*.dot")),
        "seeds/README.md",
        "scenarios/README.md",
        ".gitignore",
    }
    assert list(load(ana.config).owners) == ["ana"]
    assert (ana.root / ".gitignore").read_text() == ".factory/\n"


def test_before_there_is_a_workspace_the_doctor_looks_at_the_machine(ana: Workspace, capsys: Output) -> None:
    capsys.readouterr()
    main(["doctor", "--json", "--workspace", str(ana.root.parent)])
    found = {one["what"]: one for one in json.loads(capsys.readouterr().out)}
    assert found.keys() >= {"python", "git", "docker", "terminal", "workspace"}
    assert "Remedy: Make one with `factory-tui init`" in found["workspace"]["found"]


def test_a_login_that_is_no_plain_word_can_be_an_owner(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: 'zoë"x.y')
    assert main(["init", str(tmp_path)]) == SHIPPED
    assert main(["new", "greeter", "--workspace", str(tmp_path)]) == SHIPPED
    assert load_seed(Workspace(tmp_path), "greeter", ['zoë"x.y']).owner == 'zoë"x.y'


def test_nothing_is_made_where_a_workspace_is(ana: Workspace, capsys: Output) -> None:
    said = refused(capsys, "init")
    assert ".: is a workspace already. Remedy: Give it a seed: `" in said


@pytest.mark.parametrize("link", [False, True])
def test_every_file_in_the_way_is_named_and_none_is_written_over(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output, link: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("standards.md").write_text("ours")
    if link:
        Path("loops").symlink_to("nowhere")
    else:
        Path("loops").write_text("no folder")
    said = refused(capsys, "init")
    assert [line.split(": ")[0] for line in said.splitlines()] == [
        str(tmp_path / "loops"),
        str(tmp_path / "standards.md"),
    ]
    assert said.count("is there already, and nothing is written over. Remedy: Move it away") == 2


def test_a_gitignore_stays_as_it_is_and_what_it_lacks_is_said(home: Path, tmp_path: Path, capsys: Output) -> None:
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    assert main(["init", str(tmp_path)]) == SHIPPED
    assert (tmp_path / ".gitignore").read_text() == "*.pyc\n"
    assert "Put `.factory/` into it" in capsys.readouterr().out


def test_a_new_seed_is_well_formed_but_no_run_begins_until_all_of_it_is_written(ana: Workspace, capsys: Output) -> None:
    assert main(["new", "greeter"]) == SHIPPED
    corpus = load_corpus(ana.scenarios / "greeter", "greeter")
    assert not corpus.problems
    assert {(one.kind, one.set) for one in corpus.scenarios} >= {("main", "feedback"), ("main", "vault")}
    seed = load_seed(ana, "greeter", ["ana"])
    assert (seed.owner, seed.loop) == ("ana", "factory")
    capsys.readouterr()
    main(["doctor", "--json"])
    found = {one["what"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["seed greeter"]["well"]
    assert f"take {UNWRITTEN} out of it" in found["scenarios/greeter/does-its-job.toml"]["remedy"]

    assert main(["scenarios", "check", "greeter"]) == SHIPPED
    assert "scenarios/greeter/at-the-edge.toml: judges nothing" in capsys.readouterr().out

    def begin() -> str:
        try:
            (run,) = foresee(ana, [StartRun("greeter")])
        except Refused as why:
            return str(why)
        return run.seed

    files = [ana.seeds / "greeter.md", *(ana.scenarios / "greeter").iterdir()]
    for path in files:
        said = begin()
        assert f"{path.relative_to(ana.root)}: " in said
        assert "nobody wrote it yet. Remedy: " in said
        path.write_text(path.read_text().replace(UNWRITTEN, "Written"))
    assert begin() == "greeter"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Greeter", "`'Greeter'` cannot be a seed's name. Remedy: Use small letters, digits, `-` and `_`: `greeter`."),
        ("../out", "cannot be a seed's name. Remedy: "),
        ("orders", "seeds/Orders.md: has the name `orders` already. Remedy: Choose another name"),
        ("bills", "seeds/bills: has the name `bills` already."),
        ("links", "scenarios/Links: has the name `links` already."),
        ("tidy --loop factry", "loops/factry.dot: there is no such loop. Remedy: Did you mean `factory`?"),
        ("tidy --loop ../x", "there is no such loop. Remedy: Write it, or name one of: "),
        ("tidy --owner anna", "config.toml: `anna` is not under [owners]. Remedy: Did you mean `ana`?"),
        ("tidy --owner bob", "Remedy: Name one of: ana; or add [owners.bob]."),
    ],
)
def test_a_wish_that_cannot_be_met_is_told_with_a_remedy(ana: Workspace, capsys: Output, asked: str, said: str) -> None:
    (ana.seeds / "Orders.md").write_text("x")
    (ana.seeds / "bills").mkdir()
    (ana.scenarios / "Links").mkdir()
    assert said in refused(capsys, "new", *asked.split())


def test_the_owner_is_whoever_there_is_or_who_is_named(ana: Workspace, capsys: Output) -> None:
    config = ana.config.read_text()
    ana.config.write_text(config.replace("[owners.ana]", "[owners.bob]"))
    assert main(["new", "first"]) == SHIPPED
    assert load_seed(ana, "first").owner == "bob"
    ana.config.write_text(f"{ana.config.read_text()}\n[owners.cleo]\n")
    assert "several are under [owners]. Remedy: Say which by --owner: bob, cleo." in refused(capsys, "new", "second")
    assert main(["new", "second", "--owner", "cleo"]) == SHIPPED
    assert load_seed(ana, "second").owner == "cleo"
    ana.config.write_text(config[: config.index("[owners.ana]")])
    assert "nobody is under [owners]. Remedy: Add a table [owners.ana]." in refused(capsys, "new", "third")
