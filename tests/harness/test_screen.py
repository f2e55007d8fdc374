"""What a terminal shows, from the bytes that programs write."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.harness.screen import Screen


def shown(text: str, columns: int = 10, rows: int = 4) -> Screen:
    screen = Screen(columns, rows)
    screen.feed(text.replace("^[", "\x1b").encode())
    return screen


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one\r\ntwo", ["one", "two", "", ""]),
        ("0123456789ab", ["0123456789", "ab", "", ""]),
        ("0123456789\r\nab", ["0123456789", "ab", "", ""]),
        ("a\r\nb\r\nc\r\nd\r\ne", ["b", "c", "d", "e"]),
        ("^[[3;4Hx^[[1;1Hy", ["y", "", "   x", ""]),
        ("abcdef^[[4D^[[K", ["ab", "", "", ""]),
        ("abcdef^[[4D^[[1K", ["   def", "", "", ""]),
        ("a\r\nb\r\nc^[[2;1H^[[J", ["a", "", "", ""]),
        ("abc^[[2J", ["", "", "", ""]),
        ("abc\r^[[2Pd^[[@e", ["de", "", "", ""]),
        ("abcd\r^[[2X", ["  cd", "", "", ""]),
        ("a\r\nb\r\nc^[[2;1H^[[Lx", ["a", "x", "b", "c"]),
        ("a\r\nb\r\nc^[[1;1H^[[M", ["b", "c", "", ""]),
        ("top\r\na\r\nb\r\nend^[[2;3r^[[3;1H\nc", ["top", "b", "c", "end"]),
        ("a\r\nb^[[1;1H^[Mx", ["x", "a", "b", ""]),
        ("main^[[?1049h^[[Hother", ["other", "", "", ""]),
        ("main^[[?1049h^[[Hother^[[?1049l!", ["main!", "", "", ""]),
        ("^[(0lqk^[(B lqk", ["┌─┐ lqk", "", "", ""]),
        ("^[[1;31mred^[[0m^]0;title^G plain", ["red plain", "", "", ""]),
        ("a^[[3bz", ["aaaaz", "", "", ""]),
        ("漢字漢字漢字", ["漢字漢字漢", "字", "", ""]),
        ("漢字^[[1;2Hx", [" x字", "", "", ""]),
        ("e\u0301a", ["e\u0301a", "", "", ""]),
        ("\tx\bY", ["        Y", "", "", ""]),
        ("^[[?7l0123456789ab", ["012345678b", "", "", ""]),
        ("bc\r^[[4ha", ["abc", "", "", ""]),
        ("x^[c", ["", "", "", ""]),
    ],
)
def test_a_program_draws_what_it_means_to(text: str, lines: list[str]) -> None:
    assert shown(text.replace("^G", "\a").replace("^]", "\x1b]")).lines == lines


def test_the_cursor_is_where_a_terminal_would_have_it() -> None:
    assert [
        (s.y, s.x) for s in (shown("ab"), shown("^[[9;99H"), shown("^[[2;2H^[7^[[H^[8"), shown("^[[2B^[[3C^[[A"))
    ] == [
        (0, 2),
        (3, 9),
        (1, 1),
        (1, 3),
    ]


def test_who_asks_the_terminal_is_answered() -> None:
    screen = shown("^[[2;3H^[[6n^[[c^[[5n")
    assert bytes(screen.replies) == b"\x1b[2;3R\x1b[?62c\x1b[0n"


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.text(max_size=12).map(str.encode),
        st.builds(
            "\x1b[{}{}{}".format,
            st.sampled_from(["", "?", "0;", "5;3;", "99999999;", ";"]),
            st.integers(0, 120),
            st.sampled_from("ABCDEFGHIJKLMPSTXZ@abcdefhlmnrsu`"),
        ).map(str.encode),
        st.sampled_from([b"\x1b7", b"\x1b8", b"\x1bM", b"\x1b(0", b"\x0e", b"\x1b]0;", b"\x1b[?1049h", b"\x1bc"]),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=150)
@given(PIECES, st.integers(2, 12), st.integers(2, 6), st.integers(1, 7))
def test_whatever_comes_the_screen_keeps_its_size_and_how_it_was_cut_does_not_matter(
    pieces: list[bytes], columns: int, rows: int, cut: int
) -> None:
    data = b"".join(pieces)
    whole, parts = Screen(columns, rows), Screen(columns, rows)
    whole.feed(data)
    for start in range(0, len(data), cut):
        parts.feed(data[start : start + cut])
    assert (whole.lines, whole.x, whole.y, whole.replies) == (parts.lines, parts.x, parts.y, parts.replies)
    assert len(whole.lines) == rows
    assert 0 <= whole.x < columns
    assert 0 <= whole.y < rows
    for row in whole._grid:
        assert len(row) == columns
        assert not any("\0" <= char < " " for cell in row for char in cell)
        assert all(row[at - 1] for at, cell in enumerate(row) if not cell), "half a character"
