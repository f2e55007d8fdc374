"""A run whose scenarios ask for a twin that breaks: its owner is asked, and it goes on once the twin is mended."""

from pathlib import Path

from factory_tui.domain.commands import Answer
from factory_tui.domain.events import CorpusRevised, EscalationRaised, VerdictReached, VisitBegan
from tests.engine.floor import Floor
from tests.engine.greeter import make
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
