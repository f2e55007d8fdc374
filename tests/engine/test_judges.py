"""A model judges what no assertion can say: real calls to the twin, each one a fact, and noise that stops a ship."""

from collections import Counter
from pathlib import Path

import pytest

from factory_tui.burn.book import Book
from factory_tui.burn.series import REST
from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import Answer
from factory_tui.domain.events import CallSettled, Judged, PassBegan, Prompted, VerdictReached, VisitBegan
from tests.engine.floor import FarFloor, Floor
from tests.engine.greeter import AGAIN, CONFIG, DONE, TRIM, WRITE, make
from tests.engine.test_guidance import words
from tests.playbooks import playbook, rule, runs, speaks

ENDS = ("shipped", "jammed", "held", "failed")
RUBRIC = "The note that comes with a greeting has to be a final one, not a draft."
JUDGED = """
kind = "main"
set = "{set}"
story = "given a {what}, when greet.py is called with it, then it greets, and the note beside it is final"
[draw]
name = {{ kind = "word", min = 3, max = 12 }}
[[act]]
run = {{ command = 'python3 greet.py {name}; cat notes.txt' }}
[act.expect]
stdout = {{ contains = "Hello, {name}!" }}
[judge]
rubric = "{rubric}"
"""
WRITES = rule(
    "write it without trimming",
    "greets whoever is named",
    runs(f"echo draft > notes.txt; {WRITE}"),
    absent=("greet.py reads",),
)
TRIMS = rule("trim", r"observed .Hello,  +\w+", runs(f"echo final > notes.txt; {TRIM}"))


def says(name: str, last: str, probability: float, quote: str = "exit 0", rationale: str = "it reads well") -> str:
    """A rule that judges a transcript."""
    given = f'probability = {probability}, rationale = "{rationale}", quotes = ["{quote}"]'
    block = f'[[rule.block]]\ntype = "tool_use"\nname = "judgement"\ninput = {{ {given} }}\n'
    return rule(name, rf"Rubric: .*<transcript-.*{last}", block)


DRAFT = says("a draft", r"\bdraft\b", 0.1, "draft", "the note is a draft still")
FINAL = says("final", r"\bfinal\b", 0.9)


def judged(folder: Path, *judges: str) -> tuple[Workspace, Path]:
    """The greeter, of which one story of each set is judged by a model too."""
    workspace, playbooks = make(folder, playbook=playbook("greeter", *judges, WRITES, AGAIN, TRIMS, DONE))
    for name, of, what in (("greets", "feedback", "name"), ("greets-quoted", "vault", "quoted name")):
        text = JUDGED.format(set=of, what=what, rubric=RUBRIC, name="{name}")
        (workspace.scenarios / "greeter" / f"{name}.toml").write_text(text)
    config = CONFIG.format(kind="process", image="factory-cell")
    workspace.config.write_text(config.replace("[harness]", "[harness]\njudge_error = 0.05\njudge_most = 5"))
    return workspace, playbooks


def once(facts: list[Judged]) -> bool:
    """Whether nothing was judged twice."""
    return max(Counter((one.visit, one.scenario, one.index, one.nth) for one in facts).values()) == 1


async def test_what_judges_find_is_a_symptom_and_what_they_cost_a_line_of_its_own(tmp_path: Path) -> None:
    async with Floor(*judged(tmp_path, DRAFT, FINAL)) as floor:
        run = await floor.reach(await floor.start(), *ENDS)
        assert (run.state, len(run.passes)) == ("shipped", 2), run.why
        told = words(await floor.fact(Prompted, lambda fact: fact.origin == "feedback"))
        assert "unsatisfied: greets (main), near miss 0.10" in told
        assert 'judgements, probability 0.10: the note is a draft still. Quoted: "draft"' in told
        assert "greets-quoted" not in told

        found = floor.told(Judged)
        assert once(found)
        assert {one.set for one in found} == {"feedback", "vault"}
        assert all(one.transcript.startswith("1: $ python3 greet.py ") for one in found if one.nth == 1)
        assert {one.judges for one in floor.told(VisitBegan)} == {(one.model,) for one in found}
        paid = [one for one in floor.told(CallSettled) if one.purpose == "judge"]
        assert len(paid) == len(found)
        assert run.judging.tokens.total == sum(one.tokens.total for one in paid) > 0
        assert run.burn.tokens.total > run.judging.tokens.total
        assert run.steps == sum(item.steps for item in run.passes) < 10, "judgements are no steps of the agent"
        verdicts = [one for one in floor.told(VerdictReached) if one.judgements]
        assert {(one.satisfied, one.probability) for one in verdicts} == {(False, 0.1), (True, 0.9)}
        assert run.flips.transcripts == len(verdicts)
        assert run.flips.rate == 0.0

        book = Book()
        book.take_all(floor.events)
        groups = book.series.view("all", floor.state.at, run.ledger, "scenario", lambda _: True).groups
        assert {name for name in groups if "/" in name} == {f"greeter/{one.scenario}" for one in found}
        assert REST["judge"] not in groups, "every judgement stands right behind the call that it came of"
        spent = sum(burn.money for name, burn in groups.items() if "/" in name)
        assert spent == run.judging.money
        assert spent + groups[REST["agent"]].money == run.burn.money


async def test_judges_that_differ_with_themselves_jam_the_run_in_place_of_a_ship(tmp_path: Path) -> None:
    fickle = says("fickle", r"\bfinal\b.*Give judgement \d?[02468]\.", 0.2, "final")
    content = rule("nothing is left", "better than before", speaks("It is as it should be."))
    async with Floor(*judged(tmp_path, DRAFT, fickle, FINAL, content)) as floor:
        started = await floor.start()
        run = await floor.reach(started, *ENDS)
        assert run.state == "jammed", run.why
        asked = floor.state.escalations["E-1"]
        assert (asked.jam, asked.choices) == ("judge-noise", ("go on", "stop"))
        assert "pairs of judgements flip: " in asked.question
        assert f"rubric of greets: {RUBRIC}" in asked.evidence
        assert "and 1 of the vault, which is not told here" in asked.evidence
        assert "greets-quoted" not in asked.evidence
        assert run.flips.rate > 0.1

        seen = len(floor.told(Judged))
        await floor.command(Answer("E-1", "go on"))
        await floor.fact(PassBegan, lambda fact: fact.number == len(run.passes) + 1)
        assert len(floor.told(Judged)) - seen <= 20, "the pass that jammed is not judged anew"

        last = (await floor.until(lambda state: "E-2" in state.escalations)).escalations["E-2"]
        assert (last.jam, last.choices) == ("judge-noise", ("stop",))
        assert last.question.endswith("; 3 passes are used up")
        assert "; and start a new run." in last.evidence


@pytest.mark.chaos
async def test_an_engine_that_is_killed_between_judgements_asks_for_none_of_them_twice(tmp_path: Path) -> None:
    floor = FarFloor(*judged(tmp_path, DRAFT, FINAL))
    await floor.open()
    started = await floor.start()
    await floor.fact(Judged, lambda fact: fact.set == "vault" and fact.nth == 2)
    await floor.kill()
    before = floor.told(Judged)
    await floor.open()
    try:
        run = await floor.reach(started, *ENDS)
        assert run.state == "shipped", run.why
        events = await floor.link.events(None, None, 5000)
        found = [event.fact for event in events if isinstance(event.fact, Judged)]
        assert found[: len(before)] == before
        assert once(found)
        answered = [event.fact for event in events if isinstance(event.fact, CallSettled)]
        assert len(found) == sum(one.purpose == "judge" and one.outcome == "answered" for one in answered)
    finally:
        await floor.stop()
