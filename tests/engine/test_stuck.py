"""What becomes of an agent that cannot go on in the middle of a pass: who is asked, with what, and what it hears."""

from pathlib import Path

from factory_tui.domain.commands import Answer
from factory_tui.domain.events import Prompted
from tests.engine.floor import Floor
from tests.engine.greeter import AGAIN, DONE, TRIM, WRITES, make
from tests.engine.test_guidance import PATIENT, words
from tests.playbooks import playbook, rule, runs

CIRCLES = playbook(
    "greeter",
    WRITES,
    AGAIN,
    rule("let on", "was asked about it and says: go on", runs("echo another way")),
    rule("told", "trim every name", runs(TRIM)),
    rule("again", "observed .Hello,  |stuck|another way", runs("echo stuck")),
    DONE,
)
"""It does the same again and again until it is told what to do."""


async def test_an_agent_that_goes_round_in_a_circle_asks_and_the_answer_gets_it_out(tmp_path: Path) -> None:
    async with Floor(*make(tmp_path, playbook=CIRCLES, seed=PATIENT)) as floor:
        run = await floor.start()
        jammed = await floor.reach(run, "jammed", "held", "shipped", "failed")
        assert jammed.state == "jammed", jammed.why
        asked = floor.state.escalations["E-1"]
        assert (asked.jam, asked.choices) == ("oscillating", ("go on", "stop"))
        assert asked.question == "its last 12 tool calls repeat, 1 in turn, once more"
        assert "  bash: echo stuck" in asked.evidence
        assert [fact.origin for fact in floor.told(Prompted)].count("nudge") == 1

        await floor.command(Answer("E-1", "go on"))
        said = await floor.fact(Prompted, lambda fact: fact.origin == "answer")
        assert words(said).startswith(f"{floor.link.actor}, who looks after this run, was asked about it and says: ")
        await floor.until(lambda state: "E-2" in state.escalations)
        await floor.reach(run, "jammed")
        await floor.command(Answer("E-2", text="trim every name"))
        await floor.reach(run, "running")
        shipped = await floor.reach(run, "shipped", "held", "jammed", "failed")
        assert (shipped.state, len(shipped.passes)) == ("shipped", 2), shipped.why
