"""What becomes of an agent that cannot go on in the middle of a pass: who is asked, with what, and what it hears."""

from pathlib import Path

from factory_tui.domain.commands import Answer
from factory_tui.domain.events import Disputed, Prompted
from tests.engine.floor import Floor
from tests.engine.greeter import AGAIN, DONE, TRIM, WRITES, make
from tests.engine.test_guidance import PATIENT, words
from tests.playbooks import playbook, rule, runs, speaks

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


DISPUTES = playbook(
    "greeter",
    WRITES,
    AGAIN,
    rule("told", "trim every name", runs(TRIM)),
    rule(
        "dispute a story",
        "observed .Hello,  ",
        speaks("DISPUTE: trims wants names trimmed; the request, as they are"),
        earlier=("says: go on",),
    ),
    rule("dispute", "observed .Hello,  ", speaks("**DISPUTE:** names are trimmed,\nand kept as they are")),
    rule("let on", "was asked about it and says: go on", runs("echo greet.py reads")),
    DONE,
)


async def test_an_agent_that_finds_a_contradiction_asks_and_hears_what_was_decided(tmp_path: Path) -> None:
    async with Floor(*make(tmp_path, playbook=DISPUTES, seed=PATIENT)) as floor:
        run = await floor.start()
        jammed = await floor.reach(run, "jammed", "held", "shipped", "failed")
        assert jammed.state == "jammed", jammed.why
        asked = floor.state.escalations["E-1"]
        assert (asked.jam, asked.to, asked.choices) == ("contradiction", "demo", ("go on", "stop"))
        assert asked.question == "its agent finds a contradiction: names are trimmed, and kept as they are"
        assert floor.told(Disputed) == [Disputed("generate", "names are trimmed,\nand kept as they are")]
        assert (jammed.current and jammed.current.number, jammed.handler) == (2, "codergen"), "in the middle of a pass"

        await floor.command(Answer("E-1", "go on"))
        said = await floor.fact(Prompted, lambda fact: fact.origin == "answer")
        assert "take the plain reading" in words(said)
        await floor.until(lambda state: "E-2" in state.escalations)
        await floor.reach(run, "jammed")
        disputed = floor.state.escalations["E-2"]
        assert (disputed.jam, disputed.choices) == ("dispute", ("go on", "stop"))
        assert disputed.question.startswith("its agent disputes trims: trims wants names trimmed; ")
        await floor.command(Answer("E-2", text="trim every name"))
        await floor.reach(run, "running")
        shipped = await floor.reach(run, "shipped", "held", "jammed", "failed")
        assert shipped.state == "shipped", shipped.why
