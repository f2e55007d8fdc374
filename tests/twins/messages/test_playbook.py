"""Playbooks: which rule answers, and what a mistake in one is told."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.twins.messages.playbook import Answer, CallTool, PlaybookError, SayText, Unmatched, load, parse
from factory_tui.twins.messages.request import Request, decode

RULE = """
[[rule]]
name = "{name}"
last = '{last}'
{more}
[[rule.block]]
type = "text"
text = "{name}"
"""


def book(*rules: tuple[str, str, str]) -> str:
    return 'seed = "s"\n' + "".join(RULE.format(name=name, last=last, more=more) for name, last, more in rules)


def conversation(*turns: object, system: str = "") -> Request:
    messages = [{"role": ("user", "assistant")[at % 2], "content": turn} for at, turn in enumerate(turns)]
    body = {"model": "m", "max_tokens": 9, "messages": messages, "system": system}
    return decode(msgspec.json.encode(body), Request)


CALL = [{"type": "tool_use", "id": "t1", "name": "bash", "input": {"command": "make"}}]
RESULT = [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "1 failed\n2 passed"}]}]


@pytest.mark.parametrize(
    ("more", "request_", "fits"),
    [
        ("", conversation("go"), True),
        ("", conversation("go", "went", "stay"), False),
        ("earlier = ['sys']", conversation("go", system="the system"), True),
        ("earlier = ['go']", conversation("go"), False),
        ("""earlier = ['"command":"make"', 'failed$']""", conversation("a", CALL, RESULT, "b", "go"), True),
        ("earlier = ['make', 'never']", conversation("a", CALL, RESULT, "b", "go"), False),
        ("absent = ['failed']", conversation("a", CALL, RESULT, "b", "go"), False),
        ("absent = ['go']", conversation("go"), False),
        ("absent = ['never']", conversation("go"), True),
        ("system = '^careful'", conversation("go", system="be\ncareful"), True),
        ("system = 'careful'", conversation("careful", "careful", "go"), False),
    ],
)
def test_a_rule_fits_by_what_the_conversation_contains(more: str, request_: Request, fits: bool) -> None:
    answer = parse(book(("r", "go", more)), "p.toml").answer(request_)
    assert isinstance(answer, Answer) is fits


def test_the_last_turn_is_its_texts_and_tool_results_together() -> None:
    answer = parse(book(("r", "^1 failed.*next$", "")), "p.toml").answer(
        conversation("a", CALL, [*RESULT, {"type": "text", "text": "do what is\nnext"}])
    )
    assert isinstance(answer, Answer)


def test_the_first_rule_that_fits_answers() -> None:
    answer = parse(book(("no", "x", ""), ("first", "go", ""), ("second", "go", "")), "p.toml").answer(
        conversation("go")
    )
    assert isinstance(answer, Answer)
    assert answer.rule == "first"
    assert answer.blocks == [SayText("first")]
    assert answer.stop_reason == "end_turn"


def test_a_rule_without_blocks_answers_nothing() -> None:
    answer = parse('seed = "s"\n[[rule]]\nname = "r"\nlast = "."', "p").answer(conversation("go"))
    assert answer == Answer("r", [], "end_turn")


def test_a_tool_call_stops_for_tool_use() -> None:
    text = 'seed = "s"\n[[rule]]\nname = "r"\nlast = "."\n[[rule.block]]\ntype = "tool_use"\nname = "bash"\ninput = {}'
    assert parse(text, "p").answer(conversation("go")) == Answer("r", [CallTool("bash", {})], "tool_use")


def test_the_nearest_rule_holds_most_conditions_then_comes_first() -> None:
    rules = parse(
        book(
            ("far", "x", "absent = ['never', 'ever']"),
            ("near", "go", "earlier = ['wanted', 'sys']"),
            ("as near", "go", "earlier = ['other', 'sys']"),
        ),
        "p.toml",
    )
    answer = rules.answer(conversation("go", system="sys"))
    assert isinstance(answer, Unmatched)
    assert answer.nearest == "near"
    assert list(answer.failed) == ["earlier = 'wanted' is not before the last turn"]


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=7).filter(lambda turns: len(turns) % 2 == 1))
def test_an_answer_depends_on_the_request_alone(turns: list[str]) -> None:
    rules = parse(book(("a", "[a-m]", ""), ("b", "[0-9]", "earlier = ['[A-Z]']")), "p.toml")
    request = conversation(*turns)
    assert rules.answer(request) == rules.answer(conversation(*turns)) == rules.answer(request)


GOOD = book(("one", "a", ""), ("two", "b", ""))


def fault(lines: str) -> str:
    return f"{GOOD}[[fault]]\n{lines}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("seed = 's'\nrule = = # here", ["TOML"]),
        (GOOD + "extra = 1 # here", ["rule[1].block[0].extra", "unknown key", "remove"]),
        (GOOD.replace('seed = "s"', "sead = 's' # here"), ["sead", "unknown key"]),
        (GOOD + "[[rul]] # here\nname = 'r'", ["rul: unknown key"]),
        ("seed = 's'\n[[rule]] # here\nname = 'r'", ["rule[0].last", "missing", "add"]),
        (GOOD.replace("last = 'b'", "last = '(b' # here"), ["rule[1].last", "regex"]),
        (GOOD.replace("last = 'b'", "last = 'b'\nabsent = ['['] # here"), ["rule[1].absent", "regex"]),
        (GOOD.replace('name = "two"', 'name = "one" # here'), ["rule[1].name", "line 4", "'one'"]),
        (GOOD.replace("last = 'b'", "last = 3 # here"), ["rule[1].last", "str"]),
        (
            GOOD + "[[rule.block]]\ntype = 'tool_use'\nname = 'bash'\ninput = 'ls' # here",
            ["rule[1].block[1].input", "input = {"],
        ),
        (GOOD + "[[rule.block]]\ntype = 'image' # here", ["rule[1].block[1].type", "image"]),
        ("seed = 's'\nrule = [] # here", ["rule", "length"]),
        ("seed = 'a b' # here\n" + RULE.format(name="r", last="a", more=""), ["seed"]),
        (fault("then = 200 # here"), ["fault[0].then"]),
        (fault("then = 'cut'\nrule = 'three' # here"), ["fault[0].rule", "three"]),
        (fault("then = 'cut'\ndigest = 'xyz' # here"), ["fault[0].digest"]),
        (fault("then = 'cut'\nretry_after = 3 # here"), ["fault[0].retry_after", "a status"]),
        (fault("then = 429\nat = 3 # here"), ["fault[0].at", "cut"]),
        (fault("then = 429\nseconds = 3 # here"), ["fault[0].seconds", "slow"]),
        (GOOD.replace('text = "one"', "text = '''\n[[rule]]\nname = 1\n'''") + "more = 1 # here", ["block[0].more"]),
    ],
)
def test_a_mistake_names_file_line_key_and_remedy(text: str, parts: list[str]) -> None:
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "# here" in line)
    with pytest.raises(PlaybookError) as raised:
        parse(text, "p.toml")
    for part in [f"p.toml:{line}: ", ". Remedy: ", *parts]:
        assert part in str(raised.value)


def test_a_playbook_without_rules_is_a_mistake() -> None:
    with pytest.raises(PlaybookError, match=r"p\.toml: rule: missing\. Remedy: add it"):
        parse("seed = 's'", "p.toml")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="check the path"):
        load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"seed = '\xe9'")
    with pytest.raises(PlaybookError, match="UTF-8"):
        load(tmp_path / "latin.toml")
