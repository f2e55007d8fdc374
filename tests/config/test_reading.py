"""Every mistake in a TOML text is told with its file, line, key and remedy."""

from decimal import Decimal
from typing import Literal

import msgspec
import pytest

from factory_tui.config.reading import Document, Mistakes, Problem, decode


class Command(msgspec.Struct, tag_field="kind", tag="command", forbid_unknown_fields=True):
    run: str
    exit: int = 0


class Exchange(msgspec.Struct, tag_field="kind", tag="http", forbid_unknown_fields=True):
    path: str
    status: int = 200


class Story(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    weight: float = 1.0
    cap: Decimal | None = None
    set: Literal["feedback", "vault"] = "feedback"
    act: list[Command | Exchange] = []
    context: dict[str, int] = {}
    tags: tuple[str, ...] = ()
    fast: bool = False


def mistakes(text: str | bytes, first_line: int = 1) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        decode(text, Story, "scenarios/x.toml", first_line)
    return [str(problem) for problem in caught.value.problems]


def test_what_is_right_is_read() -> None:
    text = 'title = "t"\r\ncap = 1.10\r\nweight = 2\r\n[[act]]\r\nkind = "http"\r\npath = "/"\r\n'
    assert decode("\ufeff" + text, Story, "x") == Story("t", 2.0, Decimal("1.1"), act=[Exchange("/")])
    assert decode(text.encode(), Story, "x").act == [Exchange("/")]


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    assert mistakes('title = "t"\nwieght = 2\n') == [
        "scenarios/x.toml:2: wieght: unknown key `wieght`. Remedy: Did you mean `weight`?"
    ]
    assert mistakes('title = "t"\nzzz = 2\n')[0].endswith(
        "Remedy: Remove it; known here: title, weight, cap, set, act, context, tags, fast."
    )


def test_a_wrong_type_says_what_was_expected_and_found() -> None:
    assert mistakes('title = "t"\n[context]\ngood = 1\n"a b" = "2"\n') == [
        'scenarios/x.toml:4: context."a b": expected a whole number, found the text `2`. Remedy: Write a whole number.'
    ]
    assert "expected text in quotes, found the whole number `7`" in mistakes("title = 7")[0]
    assert "tags[1]: expected text in quotes, found true" in mistakes('title = "t"\ntags = ["a", true]')[0]
    assert "expected true or false, found a list" in mistakes('title = "t"\nfast = []')[0]
    assert "expected a table, found the whole number `1`" in mistakes('title = "t"\ncontext = 1')[0]


def test_a_missing_key_is_named_at_its_table() -> None:
    assert mistakes('title = "t"\n[[act]]\nkind = "command"\nrun = "x"\n[[act]]\nkind = "http"\n') == [
        "scenarios/x.toml:5: act[1].path: the key `path` is missing. Remedy: Add `path = ...` here."
    ]


def test_a_choice_names_the_choices() -> None:
    assert mistakes('title = "t"\nset = "valt"') == [
        "scenarios/x.toml:2: set: `valt` is not one of feedback, vault. Remedy: Did you mean `vault`?"
    ]
    assert mistakes('title = "t"\n[[act]]\nkind = "htp"') == [
        "scenarios/x.toml:3: act[0].kind: `htp` is not one of command, http. Remedy: Did you mean `http`?"
    ]


def test_an_unknown_key_of_a_tagged_table_is_judged_by_its_tag() -> None:
    text = 'title = "t"\nact = [\n  { kind = "http", path = "/" },\n  { kind = "command", run = "x", exitt = 1 },\n]\n'
    assert mistakes(text) == ["scenarios/x.toml:4: act[1].exitt: unknown key `exitt`. Remedy: Did you mean `exit`?"]


def test_all_mistakes_are_told_at_once() -> None:
    text = 'titel = "t"\nweight = "2"\ncap = "much"\n[context]\na = ""\nb = 1\nc = ""\n'
    lines = [text.split(":")[1] for text in mistakes(text)]
    assert sorted(lines) == ["1", "1", "2", "3", "5", "7"]


def test_syntax_is_told_with_line_and_column() -> None:
    assert mistakes('title = "t"\nweight = \n', first_line=4)[0].startswith(
        "scenarios/x.toml:5: not TOML: Invalid value, at column 10."
    )
    assert mistakes('title = "t"\nstory = """\nnever\n')[0].startswith("scenarios/x.toml:3: not TOML: ")
    assert mistakes('title = "t"\ntitle = "u"\n')[0].startswith("scenarios/x.toml:2: not TOML: Cannot overwrite")
    assert "not TOML" in mistakes("a = " + "[" * 5000)[0]


def test_bytes_that_are_not_utf8_are_told_with_their_line() -> None:
    assert mistakes(b'title = "t"\nset = "\xff"\n') == [
        "scenarios/x.toml:2: byte 8 of the line, 0xff, is not UTF-8. Remedy: Save the file as UTF-8."
    ]


def test_a_reader_may_add_problems_of_its_own() -> None:
    document = Document('title = "t"\n[[act]]\nkind = "http"\npath = "/"\n', "x.toml")
    problem = document.problem(("act", 0, "path"), "is wrong.", "Mend it.")
    assert problem == Problem("x.toml", 4, "act[0].path", "is wrong.", "Mend it.")
    assert str(Problem("x.toml", 0, "", "is wrong.", "Mend it.")) == "x.toml: is wrong. Remedy: Mend it."
