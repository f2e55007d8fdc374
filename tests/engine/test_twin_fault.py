"""A run that needs a twin: where it breaks, its owner is asked, and it goes on once the twin is mended."""

from pathlib import Path

import pytest

from factory_tui.domain.commands import Answer, Resume
from factory_tui.domain.events import (
    CellStarted,
    CorpusRevised,
    EscalationRaised,
    ToolReturned,
    VerdictReached,
    VisitBegan,
)
from tests.engine.floor import Floor
from tests.engine.greeter import PLAYBOOK, SEED, WRITE, make
from tests.harness.ledger import TWIN, ledger


async def test_a_twin_that_breaks_is_asked_about_and_the_pass_judged_anew_once_it_is_mended(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path)
    for name in ("greets-quoted", "trims-tabs", "percent", "upper", "odd"):
        path = workspace.scenarios / "greeter" / f"{name}.toml"
        path.write_text(path.read_text() + '[[twin]]\nname = "ledger"\n')
    broken = ledger(workspace.twins, "import sys; sys.exit('no ledger today')")
    async with Floor(workspace, playbooks) as floor:
        run = await floor.reach(await floor.start(), "jammed", "held", "shipped", "failed")
        assert run.state == "jammed", run.why
        (asked,) = floor.told(EscalationRaised)
        assert asked.jam == "twin-fault"
        assert asked.question.startswith("the twin ledger breaks: ")
        assert asked.question.endswith("verdicts that decide on pass 1 are void by it")
        assert "no ledger today" in asked.evidence
        assert "greets-quoted" not in asked.evidence, "of the vault no story is named"
        mended = ledger(workspace.twins, TWIN)
        raised = await floor.fact(EscalationRaised)
        await floor.fact(CorpusRevised, after=raised.seq)
        assert floor.state.seeds["greeter"].twins == (("ledger", "unrecorded"),)
        await floor.command(Answer(asked.id, "go on", ""))
        await floor.fact(VisitBegan, lambda one: one.visit == 2)
        run = await floor.reach(run.id, "shipped", "jammed", "failed", "held")
        assert (run.state, len(run.passes)) == ("shipped", 2), run.why
        assert [one.twins for one in floor.told(VisitBegan)][:2] == [
            (f"ledger {broken.digest}",),
            (f"ledger {mended.digest}",),
        ]
        void = [one for one in floor.told(VerdictReached) if one.satisfied is None]
        assert {one.twin for one in void} == {"ledger"}


ASKS = """
python3 -c 'import os, urllib.request as u; print("asked", u.urlopen(os.environ["LEDGER_URL"] + "/charges").status)'
"""


@pytest.mark.chaos
async def test_an_agent_whose_seed_names_a_twin_asks_it_while_it_works(tmp_path: Path) -> None:
    asks = PLAYBOOK.replace(WRITE, WRITE + ASKS)
    assert asks != PLAYBOOK
    workspace, playbooks = make(
        tmp_path, playbook=asks, seed=SEED.replace("max_passes", 'twins = ["ledger"]\nmax_passes')
    )
    ledger(workspace.twins, "import sys; sys.exit('no ledger today')")
    async with Floor(workspace, playbooks) as floor:
        run = await floor.reach(await floor.start(), "held", "jammed", "shipped", "failed")
        assert (run.state, run.reason) == ("held", "config"), run.why
        assert "the twin ledger is at fault: it ended with 1. Remedy: mend the twin, and resume." in run.why
        ledger(workspace.twins, TWIN)
        await floor.command(Resume(run.id))
        await floor.fact(CellStarted)
        run = await floor.reach(run.id, "shipped", "jammed", "failed", "held")
        assert run.state == "shipped", run.why
        assert any("asked 200" in one.output for one in floor.told(ToolReturned))
