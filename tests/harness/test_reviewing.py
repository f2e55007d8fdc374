"""Writing down that a scenario was reviewed: one line changes, and nothing else."""

from pathlib import Path

import pytest

from factory_tui.config.reading import Mistakes
from factory_tui.config.workspace import Workspace
from factory_tui.harness.corpus import load_corpus
from factory_tui.harness.reviewing import check, mark_reviewed, marked, stale
from tests.engine.greeter import make

FORM = """# why this one is here\u2028and what Unicode calls another line
kind = "main"   # the plain case
set = "vault"
{line}story = '''
given a name,
reviewed_for = "no key, but prose"
then it greets'''

[[act]]  # the only one
run = {{ command = "python3 greet.py" }}
"""


@pytest.mark.parametrize("line", ["", 'reviewed_for = ""\n', "reviewed_for   =  'abc'  # by ana\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_the_revision_changes(line: str, end: str) -> None:
    before = FORM.format(line=line).replace("\n", end)
    after = marked(before.encode(), "greets.toml", "0123456789ab").decode()
    kept = [one for one in after.split(end) if "0123456789ab" not in one]
    assert kept == [one for one in before.split(end) if not line or one != line.strip()]
    assert ("# by ana" in after) == ("# by ana" in before)
    assert after.count('"0123456789ab"') == 1
    assert "\r\n" not in after.replace(end, "") or end == "\n"
    assert marked(after.encode(), "greets.toml", "0123456789ab").decode() == after


def test_a_form_that_is_not_edited_here_is_refused_with_its_line() -> None:
    with pytest.raises(Mistakes, match=r"greets\.toml:4: reviewed_for"):
        marked(FORM.format(line='reviewed_for = """\nabc"""\n').encode(), "greets.toml", "0123456789ab")


def greeters(folder: Path) -> tuple[Workspace, Path]:
    workspace, _ = make(folder)
    return workspace, workspace.scenarios / "greeter"


def test_a_review_is_no_part_of_the_corpus(tmp_path: Path) -> None:
    _, folder = greeters(tmp_path)
    before = load_corpus(folder, "greeter")
    assert len(mark_reviewed(folder, "0123456789ab")) == len(before.scenarios)
    after = load_corpus(folder, "greeter")
    assert after.hash == before.hash
    assert {one.reviewed_for for one in after.scenarios} == {"0123456789ab"}
    assert mark_reviewed(folder, "0123456789ab") == []
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_a_vault_is_stale_where_it_names_another_revision_or_none_after_a_reseed(tmp_path: Path) -> None:
    _, folder = greeters(tmp_path)
    corpus = load_corpus(folder, "greeter")
    vault = [one.name for one in corpus.scenarios if one.set == "vault"]
    assert stale(corpus, "a", origin="a", confirmed=False) == []
    assert stale(corpus, "b", origin="a", confirmed=False) == vault
    assert stale(corpus, "b", origin="a", confirmed=True) == []
    mark_reviewed(folder, "b")
    reviewed = load_corpus(folder, "greeter")
    assert stale(reviewed, "b", origin="a", confirmed=False) == []
    assert stale(reviewed, "c", origin="c", confirmed=False) == vault


def test_the_check_names_stale_scenarios_and_folders_of_no_seed(tmp_path: Path) -> None:
    workspace, folder = greeters(tmp_path)
    assert list(check(workspace, ["greeter"], alone=False)) == []
    path = folder / "percent.toml"
    path.write_text('reviewed_for = "000000000000"\n' + path.read_text())
    (workspace.scenarios / "ghost").mkdir()
    stale_one, ghost = check(workspace, ["greeter"], alone=False)
    assert str(stale_one.problem).startswith("scenarios/greeter/percent.toml:1: reviewed_for: ")
    assert "scenarios confirm greeter" in stale_one.problem.remedy
    assert ghost.problem.file == "scenarios/ghost"
    (folder / "percent.toml").write_text("kind = 3\n")
    assert "error" in {one.level for one in check(workspace, ["greeter"], alone=True)}


def test_the_check_names_where_the_agent_is_told_the_vaults_words(tmp_path: Path) -> None:
    workspace, folder = greeters(tmp_path)
    vault = folder / "percent.toml"
    vault.write_text(vault.read_text().replace("given a name,", "given a percent sign in the middle of a name,"))
    assert list(check(workspace, ["greeter"], alone=True)) == []
    seed = workspace.seeds / "greeter.md"
    seed.write_text(f"{seed.read_text()}\nWith a percent sign in the middle of a name it greets.\n")
    canary = load_corpus(folder, "greeter").canary("upper")
    workspace.standards.write_text(f"See ({canary}).\n")
    by_seed, by_standards = (str(one.problem) for one in check(workspace, ["greeter"], alone=True))
    assert by_seed.startswith("seeds/greeter.md: holds words of percent: the agent is told it")
    assert by_standards.startswith("standards.md: holds the canary of upper: the agent is told it")
