"""What ships, ships because of what users would see: cut, invert or change the cause, and the effect goes with it."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from factory_tui.domain.events import Answered, SnapshotTaken, VisitEnded
from factory_tui.domain.state import Run
from factory_tui.harness import visit
from factory_tui.harness.trajectory import Trajectory, run_trajectory
from tests.e2e.faults import FAULTS, REHEARSALS, Fault, planted
from tests.e2e.stage import ALONE, PATIENCE, QUICK, Past, bundled_in, playbooks_in, rehearse
from tests.playbooks import rule, speaks

NOTHING_TOLD = "not satisfied"
DONE_ANYWAY = rule(
    "done, whatever it was",
    f"^{NOTHING_TOLD}$|^unsatisfied: ",
    speaks("I see nothing to mend. It is done."),
)
"""Last of all, so that it speaks only where no other rule does."""
FIX = {
    "shortlinks": "a link that has run out is gone",
    "orders-etl": "line breaks belong to the value",
    "interval-bug": "what only touches shares nothing",
}
pytestmark = [pytest.mark.usefixtures("quick_python"), pytest.mark.timeout(2 * PATIENCE)]


def playbook(seed: str) -> str:
    return (REHEARSALS / f"{seed}.toml").read_text("utf-8")


def without_rule(text: str, name: str) -> str:
    """The playbook without the rule of that name."""
    head, *rules = re.split(r"(?m)^(?=\[\[rule\]\]$)", text)
    kept = [rule for rule in rules if f'name = "{name}"\n' not in rule.split("[[rule.block]]")[0]]
    assert len(kept) == len(rules) - 1
    return head + "".join(kept)


async def outcome(folder: Path, playbooks: dict[str, str]) -> Past:
    """The seeds that converge by themselves, in three passes at most."""
    workspace = bundled_in(folder / "workspace", kind="process", figures={**QUICK, "max_passes": 3})
    return await rehearse(workspace, playbooks_in(folder / "playbooks", playbooks), ALONE)


def ended(past: Past) -> list[Run]:
    runs = [past.state.runs[f"{seed}-1"] for seed in ALONE]
    assert not list(past.workspace.shipped.glob("*/*")), "something was handed over"
    return runs


class TestFeedbackCutOff:
    """The harness judges as ever; all that the generator hears of it is that somebody was not satisfied."""

    @pytest.fixture(autouse=True)
    def cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def nothing(*_: object, **__: object) -> str:
            return NOTHING_TOLD

        monkeypatch.setattr(visit, "symptoms", nothing)

    async def test_a_generator_that_needs_symptoms_is_held(self, tmp_path: Path) -> None:
        past = await outcome(tmp_path, {seed: playbook(seed) for seed in ALONE})
        for run in ended(past):
            assert (run.state, run.reason, len(run.passes)) == ("held", "provider", 2)
            assert f"begins '{NOTHING_TOLD}'" in run.why
            assert past.told(run.id) == [NOTHING_TOLD]

    async def test_a_generator_that_goes_on_regardless_jams(self, tmp_path: Path) -> None:
        past = await outcome(tmp_path, {seed: playbook(seed) + DONE_ANYWAY for seed in ALONE})
        for run in ended(past):
            assert (run.state, len(run.passes)) == ("jammed", 2)
            assert past.state.escalations[run.escalation].jam == "dead"
            assert {fact.decision for fact in past.facts(VisitEnded, run.id)} == {"unsatisfied"}
            assert len({fact.tree for fact in past.facts(SnapshotTaken, run.id)}) == 1, "the product did not change"


async def test_with_verdicts_the_wrong_way_round_nothing_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def inverted(*arguments: Any, **options: Any) -> Trajectory:
        trajectory = await run_trajectory(*arguments, **options)
        return replace(trajectory, satisfied=None if trajectory.satisfied is None else not trajectory.satisfied)

    monkeypatch.setattr(visit, "run_trajectory", inverted)
    past = await outcome(tmp_path, {seed: playbook(seed) + DONE_ANYWAY for seed in ALONE})
    for run in ended(past):
        assert run.state in ("jammed", "held"), run.why
        assert all(fact.decision == "unsatisfied" for fact in past.facts(VisitEnded, run.id))


async def test_without_its_rule_a_fix_is_not_made_and_the_run_names_the_nearest(tmp_path: Path) -> None:
    playbooks = {seed: without_rule(playbook(seed), FIX[seed]) for seed in ALONE}
    past = await outcome(tmp_path, playbooks)
    for run in ended(past):
        assert (run.state, run.reason, run.retry_at) == ("held", "provider", None)
        nearest = re.search(r"nearest is rule '([^']+)'", run.why)
        assert nearest, run.why
        assert nearest[1] != FIX[run.seed]
        assert f'name = "{nearest[1]}"' in playbooks[run.seed]


@pytest.mark.parametrize("seed", [pytest.param("shortlinks", marks=pytest.mark.chaos), "orders-etl"])
async def test_another_fault_shows_other_symptoms_and_gets_another_fix(seed: str, tmp_path: Path) -> None:
    faults = [fault for fault in FAULTS if fault.seed == seed]
    assert len(faults) == 2
    past = await side_by_side(tmp_path, seed, [None, *faults])
    runs = {name: f"{name}-1" for name in (seed, f"{seed}-1", f"{seed}-2")}
    assert {past.state.runs[run].state for run in runs.values()} == {"shipped"}, [
        (run.id, run.why) for run in past.state.runs.values()
    ]
    for number, fault in enumerate(faults, 1):
        own = runs[f"{seed}-{number}"]
        bad, explanation = line_at_fault(fault), said_by(fault)
        for run in runs.values():
            planted_here = run == own
            assert bool(re.search(fault.symptom, past.told(run)[0], re.MULTILINE)) == planted_here, "the symptoms"
            spoken = any(explanation in fact.content for fact in past.facts(Answered, run))
            assert spoken == planted_here, "the rule that answers"
            fixes = past.fixes(run).splitlines()
            assert any(line.startswith("-") and bad in line for line in fixes) == planted_here, "the fix"
        program = (past.shipped(own) / ("app.py" if seed == "shortlinks" else "etl.py")).read_text("utf-8")
        assert bad not in program
    assert len({past.fixes(run) for run in runs.values()}) == 3
    assert len({past.told(run)[0] for run in runs.values()}) == 3


async def side_by_side(folder: Path, seed: str, plants: Sequence[Fault | None]) -> Past:
    """The same seed and corpus under several names, each with a generator that makes another mistake at first."""
    workspace = bundled_in(folder / "workspace", kind="process", figures=QUICK)
    names, playbooks = [], {}
    for number, fault in enumerate(plants):
        name = f"{seed}-{number}" if number else seed
        names.append(name)
        playbooks[name] = (planted(fault) if fault else playbook(seed)).replace(f'"{seed}"', f'"{name}"', 1)
        if number:
            shutil.copyfile(workspace.seeds / f"{seed}.md", workspace.seeds / f"{name}.md")
            shutil.copytree(workspace.scenarios / seed, workspace.scenarios / name)
    return await rehearse(workspace, playbooks_in(folder / "playbooks", playbooks), names)


def line_at_fault(fault: Fault) -> str:
    pairs = zip(fault.old.splitlines(), fault.new.splitlines(), strict=True)
    [bad] = [new.strip() for old, new in pairs if new != old]
    return bad


def said_by(fault: Fault) -> str:
    """What the rule that answers the fault says before it edits."""
    block = playbook(fault.seed).split(f'name = "{fault.answer}"\n')[1].split("[[rule.block]]")[1]
    found = re.search(r'(?m)^text = "(.*)"$', block)
    assert found
    return found[1]
