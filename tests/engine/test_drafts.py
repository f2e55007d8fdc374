"""Scenarios that a model drafted: from the loop to the folder where they judge nothing, and on into the corpus."""

import json
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from factory_tui.cli import main
from factory_tui.config.seed import load_seed
from factory_tui.config.workspace import Workspace, bundled
from factory_tui.domain.commands import StartRun
from factory_tui.domain.events import CheckpointRan, PassEnded, Prompted
from factory_tui.engine.guarding import in_prose
from factory_tui.following import SHIPPED, USAGE
from factory_tui.harness.corpus import load_corpus
from factory_tui.harness.scenario import schema
from factory_tui.harness.tripwire import Tripwire
from factory_tui.twins.messages.playbook import BUNDLED
from tests.e2e.stage import bundled_in
from tests.engine.floor import Floor
from tests.engine.test_asking import asked

NAMES = ["a-flood-of-bytes", "an-alias-at-its-limits"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = bundled_in(tmp_path / "ws", kind="process")
    for other in ("orders-etl", "interval-bug", "ledger"):
        shutil.rmtree(workspace.scenarios / other)
    return workspace


async def test_drafts_are_written_mended_and_judge_nothing_until_they_are_accepted(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace.scenarios / "shortlinks"
    vault, manual = folder / "a-noisy-stranger.toml", (bundled() / "docs" / "scenarios.md").read_text("utf-8")
    quoting = f'story = """\n{" ".join(manual.split()[:30])} '
    vault.write_text(vault.read_text().replace('story = """\n', quoting))
    before = load_corpus(folder, "shortlinks")
    async with Floor(workspace, BUNDLED) as floor:
        code, said = await asked(workspace, "scenarios", "draft", "shortlinks", "--rehearse", "--plain")
        assert code == SHIPPED, said
        assert "2 drafts in scenarios/shortlinks/draft judge nothing before you accept them" in said
        await floor.until(lambda state: [run.state for run in state.runs.values()] == ["shipped"])
        checked = [(fact.exit, fact.passed) for fact in floor.told(CheckpointRan)]
        assert checked == [(1, False), (0, True)], "the first try has a mistake"
        assert [fact.number for fact in floor.told(PassEnded)] == [1, 2]
        prompts = [
            text for fact in floor.told(Prompted) for text in (block["text"] for block in json.loads(fact.content))
        ]
        assert (
            "draft/a-flood-of-bytes.toml:34: act[2].http.path: {code} is not drawn, computed or captured before"
            in prompts[-1]
        )

        shown = "\n".join([*prompts, *(fact.system for fact in floor.told(Prompted))])
        told = {one.name for one in before.scenarios if one.set == "feedback"}
        assert all(f"scenarios/shortlinks/{name}.toml" in shown for name in told), "what agents are told of anyway"
        assert "# Writing scenarios" in shown
        hidden = [one for one in before.scenarios if one.set == "vault"]
        assert not [
            one.name for one in hidden if one.name in shown or " ".join(one.story.split()) in " ".join(shown.split())
        ]

    assert sorted(path.stem for path in (folder / "draft").iterdir()) == NAMES
    assert load_corpus(folder, "shortlinks") == before, "nobody accepted them"
    first, *rest = (folder / "draft" / "a-flood-of-bytes.toml").read_text().splitlines()
    assert first.startswith("# Drafted by ")

    def told_to(name: str, *words: str) -> tuple[int, str]:
        code = main(["--workspace", str(workspace.root), "scenarios", name, "shortlinks", *words])
        return code, "".join(capsys.readouterr())

    code, said = told_to("check")
    assert (code, "2 drafts in scenarios/shortlinks/draft" in said) == (SHIPPED, True)

    code, said = told_to("accept", "a-flood-of-bytes", "--set", "feedback")
    assert code == SHIPPED, said
    found = load_corpus(folder, "shortlinks")["a-flood-of-bytes"]
    assert (found.set, found.reviewed_for) == ("feedback", load_seed(workspace, "shortlinks").revision)
    assert rest[:2] == ['kind = "adversarial"', 'set = "vault"'], "and nothing else of it was changed"
    code, said = told_to("reject", "an-alias-at-its-limits")
    assert code == SHIPPED, said
    assert not (folder / "draft").exists()
    code, said = told_to("accept", "an-alias-at-its-limits")
    assert (code, "there is no such draft. Remedy: `scenarios draft shortlinks` makes some." in said) == (USAGE, True)


async def test_a_seed_whose_scenarios_lack_what_is_to_be_drafted_can_have_it_drafted(workspace: Workspace) -> None:
    folder = workspace.scenarios / "shortlinks"
    for one in load_corpus(folder, "shortlinks").scenarios:
        if one.kind != "main":
            (folder / f"{one.name}.toml").unlink()
    async with Floor(workspace, BUNDLED) as floor:
        await floor.link.command(StartRun("shortlinks", "scenarios", ledger="rehearsal"))
        await floor.until(lambda state: bool(state.runs))
        run = await floor.reach("shortlinks-1", "shipped", "held", "jammed", "failed")
        assert run.state == "shipped", run.why
        assert (folder / "draft" / "a-flood-of-bytes.toml").is_file()
        code, said = await asked(workspace, "run", "shortlinks", "--rehearse", "--plain")
        assert (code, "no scenario is of kind edge" in said) == (USAGE, True), "no other loop runs on them"


def test_the_loop_of_a_workspace_is_the_bundled_one() -> None:
    assert (bundled() / "loops" / "scenarios.dot").is_file()
    assert (bundled() / "docs" / "scenarios.md").is_file()


@pytest.mark.parametrize("seed", sorted(path.name for path in (bundled() / "scenarios").iterdir()))
def test_what_is_alike_in_honest_drafts_trips_no_wire_and_a_copied_one_does(seed: str) -> None:
    """Each scenario of a vault stands in for a draft by one who has seen none of the others."""
    folder = bundled() / "scenarios" / seed
    corpus = load_corpus(folder, seed)
    vault = [one for one in corpus.scenarios if one.set == "vault"]
    known = [path.read_text() for path in sorted((bundled() / "seeds").rglob("*.md"))]
    for one in vault:
        others = tuple(item for item in corpus.scenarios if item is not one)
        text = (folder / f"{one.name}.toml").read_text()
        acts = text.replace(one.story.strip(), "")
        assert acts != text, "what it tells is its own"
        assert not Tripwire(in_prose(replace(corpus, scenarios=others)), known).caught(acts)
        copied = text.replace(one.name, "another name")
        assert f"words of {one.name}" in {found.what for found in Tripwire(in_prose(corpus), known).caught(copied)}
    shown = [(folder / f"{one.name}.toml").read_text() for one in corpus.scenarios if one.set == "feedback"]
    shown += [(bundled() / "docs" / "scenarios.md").read_text(), schema()]
    assert not Tripwire(in_prose(corpus), known).caught("\n".join(shown)), "what its agent is shown"
