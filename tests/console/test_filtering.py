"""The filter grammar: what each word looks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.console.filtering import parse

LINE = {"run": "shortlinks-7", "state": "▲ jammed", "seed": "shortlinks", "owner": "Ana Roth"}
WORDS = st.text(st.sampled_from("abcxyz-7▲"), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("typed", "fits"),
    [
        ("", True),
        ("links", True),
        ("LINKS", True),
        ("!links", False),
        ("!orders", True),
        ("state:▲", True),
        ("state:●|▲", True),
        ("!state:jammed", False),
        ("seed:short owner:ana", True),
        ("seed:short owner:bob", False),
        ('owner:"ana roth"', True),
        ("orders|links", True),
        ("7 jam", True),
    ],
)
def test_what_is_typed_fits_or_not(typed: str, fits: bool) -> None:
    assert parse(typed, tuple(LINE)).holds(LINE) is fits


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("colour:red", "no field is called colour. Remedy: run:, state:, seed:, owner:"),
        ('"ana', "a quote does not end"),
        ("state:", "state: says nothing to look for"),
        ("!", "! says nothing"),
    ],
)
def test_what_cannot_be_meant_is_said_with_its_remedy(typed: str, words: str) -> None:
    with pytest.raises(ValueError, match="Remedy") as caught:
        parse(typed, tuple(LINE))
    assert words in str(caught.value)


@given(WORDS, WORDS)
def test_a_word_and_its_opposite_are_never_both_true(word: str, text: str) -> None:
    line = {"text": text}
    assert parse(word, ("text",)).holds(line) is (word in text)
    assert parse(f"!{word}", ("text",)).holds(line) is (word not in text)


@given(st.lists(WORDS, max_size=4), WORDS)
def test_more_words_never_find_more(words: list[str], text: str) -> None:
    found = [parse(" ".join(words[:count]), ()).holds({"text": text}) for count in range(len(words) + 1)]
    assert found == sorted(found, reverse=True)
