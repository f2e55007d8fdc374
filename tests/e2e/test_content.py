"""What is bundled: the seeds, four of which the demo runs, their corpora and their playbooks."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from factory_tui.config.load import load as load_settings
from factory_tui.config.seed import all_seeds
from factory_tui.config.workspace import Workspace
from factory_tui.harness.corpus import Corpus, load_corpus
from factory_tui.harness.draws import inputs
from factory_tui.harness.plan import make_plan
from factory_tui.twins.messages.playbook import CallTool, Playbook, parse
from factory_tui.twins.messages.playbook import load as load_playbook
from tests.e2e.faults import FAULTS, REHEARSALS, Fault, planted
from tests.e2e.stage import SEEDS as DEMO

ROOT = Path(__file__).parents[2]
SEEDS = ("checkout-client", "interval-bug", "ledger", "orders-etl", "payments", "shortlinks")
VAULT = {"checkout-client": 7, "interval-bug": 5, "ledger": 5, "orders-etl": 8, "payments": 7, "shortlinks": 8}
"""Vault stories at least."""
LOOPS = {"interval-bug": "bugfix", "payments": "twin"}
VALUES = re.compile(r"""\{\w+\}|"[^"]*"|'[^']*'|-?[0-9][0-9.]*|true|false""")


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def corpus(seed: str) -> Corpus:
    return load_corpus(ROOT / "scenarios" / seed, seed)


@pytest.fixture
def playbook(seed: str) -> Playbook:
    return load_playbook(REHEARSALS / f"{seed}.toml")


def test_every_seed_loads_with_the_bundled_settings() -> None:
    workspace = Workspace.find(ROOT)
    seeds, problems = all_seeds(workspace, tuple(load_settings(workspace.config).owners))
    assert problems == []
    assert tuple(seed.name for seed in seeds) == SEEDS
    assert {(seed.ship_at, seed.max_trajectories) for seed in seeds} == {(0.80, 48)}
    assert {seed.name: seed.loop for seed in seeds} == {name: LOOPS.get(name, "factory") for name in SEEDS}
    assert load_settings(workspace.config).engine.slots >= len(DEMO), "all at once"


def test_a_corpus_has_nothing_wrong_and_enough_stories_of_each_kind_in_both_sets(corpus: Corpus) -> None:
    assert corpus.problems == ()
    sizes = Counter(scenario.set for scenario in corpus.scenarios)
    assert sizes["feedback"] >= 5
    assert sizes["vault"] >= VAULT[corpus.seed]
    kinds = {(scenario.set, scenario.kind) for scenario in corpus.scenarios}
    assert kinds == {(which, kind) for which in ("feedback", "vault") for kind in ("main", "edge", "adversarial")}
    assert {scenario.weight for scenario in corpus.scenarios} == {1.0}


def test_every_draw_of_a_story_is_another_observation(corpus: Corpus) -> None:
    for scenario in corpus.scenarios:
        seen = {repr(inputs(scenario, "run-1", 1, index)) for index in range(48)}
        assert len(seen) == 48, scenario.name


def test_a_vault_can_decide_within_the_seeds_figures(corpus: Corpus) -> None:
    plan = make_plan(corpus.scenarios, ship_at=0.80, alpha=0.01, max_passes=10, max_trajectories=48)
    assert plan.looks
    assert 16 <= plan.size(plan.screen) < plan.size(plan.last) <= 48


def test_no_vault_story_is_a_feedback_story_with_other_values(seed: str) -> None:
    """Compared by its acts alone, with every value and name blanked."""
    blank: dict[str, dict[str, str]] = {"feedback": {}, "vault": {}}
    for path in sorted((ROOT / "scenarios" / seed).glob("*.toml")):
        acts = path.read_text("utf-8").split("[[act]]")[1:]
        written = tomllib.loads(path.read_text("utf-8"))
        blank[written["set"]][path.stem] = VALUES.sub("_", "".join(re.sub(r"(?m)^name = .*$", "", act) for act in acts))
    for name, acts_of_vault in blank["vault"].items():
        same = [other for other, acts_of_feedback in blank["feedback"].items() if acts_of_feedback == acts_of_vault]
        assert not same, f"{name} differs from {same} in values only"


def test_no_rule_looks_at_the_number_of_a_pass_or_turn(seed: str) -> None:
    text = (REHEARSALS / f"{seed}.toml").read_text("utf-8")
    for rule in tomllib.loads(text)["rule"]:
        patterns = [rule["last"], *rule.get("earlier", []), *rule.get("absent", []), rule.get("system", "")]
        for pattern in patterns:
            assert not re.search(r"\b(pass|turn|step|visit|attempt)\b|satisfaction [01(\\\[]", pattern), rule["name"]


def test_the_product_is_written_by_tool_calls_in_the_work_tree_alone(playbook: Playbook) -> None:
    calls = [block for rule in playbook.rules for block in rule.answer.blocks if isinstance(block, CallTool)]
    assert {call.name for call in calls} == {"bash", "str_replace_based_edit_tool"}
    paths = {str(call.input["path"]) for call in calls if "path" in call.input}
    assert all(re.fullmatch(r"(tests/|intervals/)?\w+\.py|twin\.toml|draft/[\w-]+\.toml", path) for path in paths), (
        paths
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_can_be_planted_and_has_a_rule_of_its_own(fault: Fault) -> None:
    rules: list[dict[str, Any]] = tomllib.loads(planted(fault))["rule"]
    assert parse(planted(fault), fault.seed).seed == fault.seed
    [answer] = [rule for rule in rules if rule["name"] == fault.answer]
    [write] = [rule for rule in rules if rule["name"] in ("write the service", "write the job")]
    viewed = "\n".join(
        f"{n:6}\t{line}" for n, line in enumerate(write["block"][1]["input"]["file_text"].split("\n"), 1)
    )
    assert re.search(answer["last"], viewed, re.DOTALL | re.MULTILINE), "the rule knows the line that is at fault"
    assert len({fault.answer for fault in FAULTS}) == len({fault.symptom for fault in FAULTS}) == len(FAULTS)
