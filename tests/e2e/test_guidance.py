"""A seed that leaves something open: what a person says decides, and nothing else does."""

import re
import tomllib
from pathlib import Path

import pytest

from factory_tui.domain.events import EscalationAnswered, EscalationRaised, SnapshotTaken, VisitEnded
from factory_tui.twins.messages.playbook import load
from tests.e2e.faults import REHEARSALS
from tests.e2e.stage import PATIENCE, QUICK, Past, bundled_in, rehearse

GUIDANCE = load(REHEARSALS / "ledger.toml").guidance
WRONG = "Half a cent is simply cut off."
pytestmark = [pytest.mark.usefixtures("quick_python"), pytest.mark.timeout(2 * PATIENCE)]


async def ledger(folder: Path, *answers: str) -> Past:
    """The ledger's run until nobody answers any more, each jam answered by the next of these words."""
    workspace = bundled_in(folder / "workspace", kind="process", figures=QUICK)
    return await rehearse(workspace, REHEARSALS, ["ledger"], {"ledger": answers})


async def test_without_guidance_it_stays_jammed(tmp_path: Path) -> None:
    past = await ledger(tmp_path)
    run = past.state.runs["ledger-1"]
    assert (run.state, len(run.passes)) == ("jammed", 3)
    [raised] = past.facts(EscalationRaised)
    assert (raised.jam, raised.to) == ("oscillating", run.owner)
    assert len(re.findall(r"(?m)^pass \d: .*failed half-a-cent$", raised.evidence)) == 3
    assert {fact.decision for fact in past.facts(VisitEnded)} == {"unsatisfied"}
    assert len({item.vault.share for item in run.passes if item.vault}) == 1, "satisfaction does not rise"
    assert len({fact.tree for fact in past.facts(SnapshotTaken)}) == 2, "it tries, and tries the same again"


async def test_a_wrong_guidance_is_tried_and_jams_again_and_the_right_one_ships(tmp_path: Path) -> None:
    past = await ledger(tmp_path, WRONG, GUIDANCE)
    first, second = past.facts(EscalationRaised)
    assert WRONG not in first.evidence
    assert (second.jam, len(past.facts(EscalationAnswered))) == ("oscillating", 2)
    assert f"said (answer): {WRONG} -- it did not help" in second.evidence
    run = past.state.runs["ledger-1"]
    assert (run.state, len(run.passes)) == ("shipped", 5)
    assert "+ROUNDING = decimal.ROUND_HALF_EVEN" in past.fixes("ledger-1")


def test_no_rule_rounds_to_even_before_somebody_said_so() -> None:
    written = tomllib.loads((REHEARSALS / "ledger.toml").read_text("utf-8"))
    even = [rule for rule in written["rule"] if "ROUND_HALF_EVEN" in str(rule["block"])]
    [rule] = even
    [said] = rule["earlier"]
    for words in (GUIDANCE, "use banker's rounding", "Half goes to even"):
        assert re.search(said, f"ana, who looks after this run, says:\n{words}")
    for words in (WRONG, "try harder", "round half a cent up"):
        assert not re.search(said, f"ana, who looks after this run, says:\n{words}")
    assert not re.search(said, GUIDANCE), "the agent's own words do not count"
