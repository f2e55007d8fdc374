"""How the bundled playbooks go on when something was lost, kept back or removed: by the conversation's text alone."""

import tomllib

import pytest

from factory_tui.engine.forking import LEFT, WANTING
from factory_tui.twins.messages.playbook import Answer, CallTool, Playbook, SayText, Unmatched, load
from factory_tui.twins.messages.request import Block, Message, Prompt, Text, ToolResult, ToolUse
from tests.e2e.faults import REHEARSALS

TASK = {
    "checkout-client": "# The request\n\nBuild it.\n\n# Pay for an order\n\n    python3 checkout.py pay ORDER.json",
    "shortlinks": "# The request\n\nBuild it.\n\n# Short links\n\nIt is started with `python3 app.py`.",
    "orders-etl": "# The request\n\nBuild it.\n\n# Clean orders\n\n    python3 etl.py INPUT.csv OUTDIR",
    "payments": "# The request\n\nBuild it.\n\n# A twin of the Payments API\n\nIt is in openapi.json.",
}
TOLD = {
    "checkout-client": "wanted exit: 0, observed 1",
    "shortlinks": "wanted status: 410, observed 302",
    "orders-etl": 'wanted json of stdout customer: "ab\\ncd", observed "abcd"',
    "payments": "wanted status: 409, observed 201",
}
PROGRAM = {
    "checkout-client": "checkout.py",
    "orders-etl": "etl.py",
    "payments": "twin.py",
    "shortlinks": "app.py",
}
LOST = (
    "Your cell was lost and rebuilt. The work tree is as it was at the end of pass 1; what these calls of yours did "
    "after that is gone:\n- str_replace_based_edit_tool: view app.py\n- bash: python3 -m unittest\n\nLook."
)
SEEDS = tuple(TASK)


def feedback(seed: str, symptom: str) -> str:
    head = "feedback satisfaction 0.83 (5 of 6 stories)\nvault satisfaction 0.75\nsatisfied: one, two"
    return f"{head}\n\nunsatisfied: three (edge), near miss 0.50\nstory: given ...\nthen: x\ngot: y\n{symptom}"


class Talk:
    """A conversation with a playbook, by turns."""

    def __init__(self, seed: str) -> None:
        self.playbook: Playbook = load(REHEARSALS / f"{seed}.toml")
        self.messages: list[Message] = []

    def say(self, *texts: str) -> Answer | Unmatched:
        self.messages.append(Message("user", [Text(text) for text in texts]))
        return self._ask()

    def give(self, result: str, *texts: str) -> Answer | Unmatched:
        """A tool's result, and what was said in the same turn."""
        self.messages.append(Message("user", [ToolResult("toolu_1", result), *(Text(text) for text in texts)]))
        return self._ask()

    def _ask(self) -> Answer | Unmatched:
        answer = self.playbook.answer(Prompt(model="m", messages=self.messages))
        if isinstance(answer, Answer):
            self.messages.append(Message("assistant", [_said(block) for block in answer.blocks]))
        return answer


def _said(block: SayText | CallTool) -> Block:
    return Text(block.text) if isinstance(block, SayText) else ToolUse("toolu_1", block.name, block.input)


def name(answer: Answer | Unmatched) -> str:
    return answer.rule if isinstance(answer, Answer) else f"none: {answer}"


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def begun(seed: str) -> Talk:
    """A conversation in which the program was written."""
    talk = Talk(seed)
    assert name(talk.say(TASK[seed])) == "look around"
    assert name(talk.give("Python 3.11.9\n[exit code 0]")).startswith("write the ")
    assert name(talk.give(f"File created successfully at: {PROGRAM[seed]}")) == "write its tests"
    return talk


def test_a_cell_lost_before_anything_was_judged_begins_anew(seed: str) -> None:
    talk = begun(seed)
    assert name(talk.give("The cell ended while this ran: killed", LOST, TASK[seed])) == "look around"
    assert name(talk.give("Python 3.11.9\n[exit code 0]")).startswith("write the ")


def test_work_of_a_pass_is_tested_or_mended_and_not_written_anew(seed: str) -> None:
    task = TASK[seed].replace("# The request\n\n", f"# The request\n\n{LEFT.format(number=1)}")
    talk = Talk(seed)
    assert name(talk.say(task)) == "test what an earlier attempt left"
    assert name(talk.give("[stderr]\nRan 9 tests in 0.1s\n\nOK\n[exit code 0]")) == "done: built"
    told = Talk(seed)
    assert name(told.say(task, WANTING, feedback(seed, TOLD[seed]))) == "read the program: symptoms"


def test_a_cell_lost_while_mending_reads_the_program_again(seed: str) -> None:
    talk = begun(seed)
    assert name(talk.give("[stderr]\nRan 9 tests in 0.1s\n\nOK\n[exit code 0]")) == "done: built"
    told = feedback(seed, TOLD[seed])
    assert name(talk.say(told)) == "read the program: symptoms"
    assert name(talk.give("The cell ended while this ran: killed", LOST, told)) == "read the program: symptoms"


def test_a_command_whose_result_was_lost_is_run_again(seed: str) -> None:
    lost = "The result of this command was lost in a restart. It may have run, in whole or in part, or not at all."
    first = Talk(seed)
    first.say(TASK[seed])
    assert name(first.give(lost)) == "look around again"
    assert name(begun(seed).give(lost)) == "run the tests again"


def test_an_edit_that_may_be_lost_is_looked_for_in_the_program(seed: str) -> None:
    lost = "Whether this edit was made was lost in a restart: view the file before you go on."
    assert name(begun(seed).give(lost)) == "read the program again"


def test_what_was_never_written_is_written_when_its_absence_shows() -> None:
    talk = Talk("payments")
    assert name(talk.say(TASK["payments"])) == "look around"
    assert name(talk.give("The path payments.py cannot be viewed: there is no such file")) == "write the service"
    assert name(talk.give("ls: cannot access 'tests/test_twin.py': No such file")) == "write its tests"
    assert name(talk.give('     1\t"""The Payments API without its server')) == "test what was written"


def test_feedback_without_symptoms_or_with_other_ones_has_no_answer(seed: str) -> None:
    for symptom in ("", "wanted status: 200, observed 200", "because: it took longer than 60 s"):
        talk = begun(seed)
        talk.give("OK")
        assert isinstance(talk.say(feedback(seed, symptom)), Unmatched), symptom


def test_no_mending_rule_answers_before_its_symptom_was_told(seed: str) -> None:
    written = tomllib.loads((REHEARSALS / f"{seed}.toml").read_text("utf-8"))
    fixes = [rule for rule in written["rule"] if any("old_str" in block.get("input", {}) for block in rule["block"])]
    untold = [rule["name"] for rule in fixes if "wanted " not in "".join(rule.get("earlier", []))]
    assert len(fixes) - len(untold) >= 3
    for rule in fixes:
        by_output = any(word in rule["last"] + "".join(rule.get("earlier", [])) for word in ("FAIL", "Error"))
        assert rule["name"] not in untold or by_output or rule["name"] == "import what is used"
