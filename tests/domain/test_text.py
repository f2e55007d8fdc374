"""Hostile text: nothing that a terminal would act on survives, and what is clean stays."""

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from factory_tui.domain.hostile import clean, clean_bytes, one_line

BIDI = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
MARKS = set("\u200e\u200f\u061c\u200b\u200c\u200d\u2060\ufeff\u00ad")
PIECES = ["\x1b", "[", "]", "0;", "31m", "\x07", "\x1b\\", "\x9b", "\x9d", "\r", "\n", "\u202e", "\u200b", "\x00", "a"]
HOSTILE = st.lists(st.sampled_from(PIECES) | st.text(st.characters(), max_size=3)).map("".join)


def safe(text: str) -> bool:
    """No control but newline and tab, no surrogate, no line separator, nothing that turns or hides text."""
    return all(
        letter in "\n\t"
        or (
            unicodedata.category(letter) not in {"Cc", "Cs", "Zl", "Zp"}
            and unicodedata.bidirectional(letter) not in BIDI
            and letter not in MARKS
        )
        for letter in text
    )


@given(HOSTILE)
@example("\x1b]0;owned\x07\x1b[2J\x9b31m\u202etxt.exe\r\r\n\ud800")
@example("".join(map(chr, range(0x300))) + "".join(map(chr, range(0x2000, 0x2100))))
def test_clean_leaves_nothing_to_act_on_and_nothing_to_clean(text: str) -> None:
    cleaned = clean(text)
    assert safe(cleaned)
    assert clean(cleaned) == cleaned
    cleaned.encode()


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="\xa0")))
def test_plain_text_of_any_language_is_left_alone(text: str) -> None:
    assert clean(text) == text


def test_an_escape_sequence_goes_whole() -> None:
    assert clean("a\x1b[31mred\x1b[0m\x1b]0;title\x07b") == "a\ufffdred\ufffd\ufffdb"
    assert clean("one\r\ntwo\tthree\n") == "one\ntwo\tthree\n"


@given(st.binary(max_size=200))
def test_any_bytes_become_safe_text(data: bytes) -> None:
    assert safe(clean_bytes(data))


@given(HOSTILE, st.integers(1, 40))
def test_one_line_is_one_line_of_that_width(text: str, width: int) -> None:
    line = one_line(text, width)
    assert len(line) <= width
    assert safe(line)
    assert not set(line) & set("\n\t")
