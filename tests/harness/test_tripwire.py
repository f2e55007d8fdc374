"""The tripwire: what of a vault it sees in a text, however it is spelt, and what it leaves alone."""

import base64
import json
from urllib.parse import quote

import pytest

from factory_tui.harness.tripwire import WINDOW, Tripwire
from tests.harness.product import COUNT, ECHO, TOTAL, corpus

READ = corpus()
VAULT = READ["echo"].story
"""given a counter, when a note with anything in it is sent, then the very same note comes back to the user"""
PART = "note with anything in it is sent, then"


def caught(text: str, *known: str, wire: Tripwire | None = None) -> list[str]:
    return [found.what for found in (wire or Tripwire(READ, known)).caught(text)]


def test_it_knows_canaries_names_and_runs_of_eight_words() -> None:
    assert caught("nothing of it") == []
    assert caught(f"x {READ.canary('echo')} y") == ["the canary of echo"]
    assert caught(f"x {READ.canary('count')} y") == ["the canary of count"]
    assert READ.canary("echo") != READ.canary("count")
    assert caught(f"a {PART} b") == ["words of echo"]
    assert caught(PART.removesuffix(", then")) == [], "seven words may be anybody's"
    assert caught(READ["count"].story) == [], "what a feedback scenario says may be told"


@pytest.mark.parametrize(
    "spelt",
    [
        PART.upper(),
        PART.replace(" ", "\n    "),
        PART.replace(" ", "_"),
        "**" + PART.replace(" ", "** | **"),
        json.dumps({"said": PART.replace(" ", "\n")}),
        json.dumps(json.dumps(PART.replace(" ", "\t"))),
        "".join(f"\\u{ord(letter):04x}" for letter in PART),
        "".join(f"\\x{ord(letter):02x}" for letter in PART),
        quote(PART),
        quote(PART.replace(" ", "\n")),
        PART.replace("note", "n\u202eo\u2066te").replace("any", "an\ufe0fy\U000e0061"),
        PART.replace("note", "no\u200bte").replace("sent", "ｓｅｎｔ"),
        "".join(chr(ord(letter) - ord("a") + ord("ⓐ")) if letter.isalpha() else " \u3000" for letter in PART),
    ],
)
def test_words_are_known_however_they_are_spelt(spelt: str) -> None:
    assert caught(f"he said: {spelt}, he said") == ["words of echo"]


LONG = f"It is said elsewhere, too, that {VAULT}, and so on, and so on.\n" * 2


@pytest.mark.parametrize(
    "coded",
    [
        base64.b64encode(LONG.encode()).decode(),
        base64.encodebytes(LONG.encode()).decode(),
        json.dumps({"stdout": base64.encodebytes(LONG.encode()).decode()}),
        base64.b64encode(base64.b64encode(LONG.encode())).decode(),
        LONG.encode().hex(),
        "\n".join(LONG.encode().hex()[at : at + 60] for at in range(0, 400, 60)),
    ],
)
def test_words_are_known_as_base64_and_as_hex(coded: str) -> None:
    assert caught(f"it says:\n{coded}\n") == ["words of echo"]


@pytest.mark.parametrize(
    "noise", ["deadbeef" * 200, "A" * 5000, "9" * 4001, base64.b64encode(bytes(range(256)) * 8).decode()]
)
def test_what_looks_encoded_and_means_nothing_is_left_alone(noise: str) -> None:
    assert caught(noise) == []


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_a_canary_is_known_as_hex_as_base64_and_over_line_breaks(before: str) -> None:
    canary = READ.canary("echo")
    coded = base64.b64encode(f"{before}{canary} and more".encode()).decode()
    for spelt in (
        coded,
        f"{coded[:20]}\n{coded[20:]}",
        (before + canary).encode().hex().upper(),
        canary[:9] + "\n" + canary[9:],
    ):
        assert caught(f"== {spelt} ==") == ["the canary of echo"]


def test_what_people_wrote_for_the_agent_is_no_secret_but_for_canaries() -> None:
    known = f"The seed says:\n{VAULT.upper()} {READ.canary('echo')}"
    assert caught(known, known) == ["the canary of echo"]
    assert caught(PART, known) == []


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("let", "sum(row['qty'] * row['price'] for row in rows)"),
        ("an act's input", "first line, second line, third line, and a last one"),
        ("an expectation", "nothing of what was sent before may be left"),
        ("an expectation's keys", '{"name_of": 1, "qty_of": "two", "price_of": "three", "rows_of": 4}'),
        ("a draw", "a rather long choice among texts of many words"),
    ],
)
def test_all_of_a_scenario_counts_not_its_story_alone(part: str, text: str) -> None:
    odd = TOTAL.replace('sum.py"', "sum.py\", stdin = 'first line, second line, third line, and a last one'")
    odd = odd.replace('[0-9]+\\\\s*$"', "[0-9]+\\\\s*$\", excludes = 'nothing of what was sent before may be left'")
    odd = odd.replace(
        '{ "total" =', '{ "name_of" = 1, "qty_of" = "two", "price_of" = "three", "rows_of" = 4, "total" ='
    )
    odd = odd.replace(
        "[draw]\n", "[draw]\nodd = { kind = 'choice', of = ['a rather long choice among texts of many words'] }\n", 1
    )
    read = corpus(count=COUNT, echo=ECHO, total=odd)
    assert caught(f"x {text} y", wire=Tripwire(read)) == ["words of total"], part


def test_a_row_of_figures_is_anybodys() -> None:
    read = corpus(count=COUNT, total=TOTAL.replace("[let]", "[let]\nrow = '[0, 0, 1, 0, 2, 0, 0, 3, 0, 0]'"))
    assert caught("[0, 0, 1, 0, 2, 0, 0, 3, 0, 0]", wire=Tripwire(read)) == []


@pytest.mark.parametrize(
    ("name", "text", "seen"),
    [
        ("awkward-notes-survive", "cat scenarios/tiny/AWKWARD-NOTES-SURVIVE.toml", True),
        ("awkward-notes-survive", "re-awkward-notes-survive", False),
        ("awkward-notes-survive", "awkward notes survive", False),
        ("empty-notes", "a test for empty-notes", False),
        ("empty-notes", "empty-notes.toml", True),
        ("upper", "name.upper() or UPPER", False),
        ("upper", "scenarios/tiny/upper.toml", True),
    ],
)
def test_a_name_counts_as_a_whole_and_an_ordinary_one_as_a_file_only(name: str, text: str, seen: bool) -> None:
    read = corpus(count=COUNT, **{name: ECHO})
    assert caught(text, wire=Tripwire(read)) == ([f"the name of {name}"] if seen else [])
    assert caught(text, wire=Tripwire(read, [f"see {name}.toml"])) == [], "the seed says it"


def test_what_was_released_is_let_through_and_nothing_else_of_the_scenario() -> None:
    odd = ECHO.replace('note = "{note}"', 'note = "{note} and eight more words that nobody else ever says"')
    read = corpus(count=COUNT, echo=odd)
    both = f"{VAULT}. {odd}"
    first = Tripwire(read).caught(VAULT)
    assert [found.what for found in first] == ["words of echo"]
    rest = Tripwire(read, released=[found.digest for found in first]).caught(both)
    assert [found.what for found in rest] == ["words of echo"]
    assert not {found.digest for found in rest} & {found.digest for found in first}
    assert Tripwire(read, released=[found.digest for found in (*first, *rest)]).caught(both) == ()


@pytest.mark.parametrize("before", [WINDOW - 5, WINDOW, 3 * WINDOW - 20])
def test_it_sees_across_the_ends_of_its_windows(before: int) -> None:
    assert caught("x" * (before - 1) + " " + VAULT + " y" * WINDOW) == ["words of echo"]


def test_a_file_of_backslashes_is_read_in_one_go() -> None:
    assert caught("\\" * 2 * WINDOW + PART) == ["words of echo"], "not again from each of them: that takes minutes"


def test_a_file_of_marks_over_no_letter_is_read_in_one_go() -> None:
    marks = "\u0301\u0316" * WINDOW
    assert caught(f"{marks} {PART}") == ["words of echo"], "not put in order over and over: that takes minutes"
