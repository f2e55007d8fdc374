"""The chart: what is more is higher, in every glyph set, and nothing is drawn outside of its size."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.console.figures import count
from factory_tui.console.glyphs import SETS
from factory_tui.console.paint import Row, width
from factory_tui.console.plot import AXIS, ceiling, plot


def drawn(values: list[float], glyphs: str = "block", line: float | None = None, room: int = 40) -> list[str]:
    return [said(row) for row in rows(values, glyphs, line, (room, 9))]


def rows(values: list[float], glyphs: str, line: float | None, size: tuple[int, int]) -> list[Row]:
    times = [f"{number:02}:00" for number in range(len(values))]
    return plot(values, size, SETS[glyphs], lambda value: f"${count(value)}", times=times, line=line)


def said(row: Row) -> str:
    return "".join(text for text, _ in row)


@settings(max_examples=40)
@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=200),
    st.sampled_from(("braille", "block", "ascii")),
    st.tuples(st.integers(1, 120), st.integers(1, 30)),
    st.none() | st.floats(0, 1e6),
)
def test_it_fits_whatever_it_is_given(
    values: list[float], glyphs: str, size: tuple[int, int], line: float | None
) -> None:
    found = rows(values, glyphs, line, size)
    assert len(found) in (0, size[1])
    assert all(width(row) <= size[0] for row in found)
    if glyphs == "ascii":
        assert all(said(row).isascii() for row in found)


@pytest.mark.parametrize("glyphs", ["braille", "block", "ascii"])
def test_what_is_more_is_higher_and_a_little_is_seen(glyphs: str) -> None:
    found = drawn([0, 1, 4, 0.001], glyphs)
    room = (40 - AXIS - 1) // 4
    heights = [sum(row[AXIS + 1 + room * place + room // 2] not in " ⠀" for row in found[:-1]) for place in range(4)]
    assert heights[0] == 0
    assert 0 < heights[1] < heights[2]
    assert heights[3] == 1


def test_the_axis_has_the_unit_and_the_time() -> None:
    found = drawn([100, 200, 300, 400], room=50)
    assert found[0].startswith("    $500 │")
    assert found[4].startswith("    $250 │")
    assert found[-1].startswith("      $0  00:00")
    assert found[-1].index("03:00") == AXIS + 1 + 30, "below its own column"


def test_the_line_lies_where_its_value_is_and_not_over_what_is_higher() -> None:
    found = drawn([0, 4, 0, 0], line=2.4)
    [row] = [row for row in found if "─" in row]
    assert found.index(row) == 4, "2.4 of 5 on eight rows is the fifth from above"
    assert "█" in row
    assert not any("─" in row for row in drawn([0, 1, 0, 0], line=20)), "far above all, it would flatten them"


@pytest.mark.parametrize(("value", "top"), [(0, 1), (0.003, 0.005), (1, 1), (1.01, 2), (4.9, 5), (7, 10), (180, 200)])
def test_tops_are_round(value: float, top: float) -> None:
    assert ceiling(value) == pytest.approx(top)


def test_more_values_than_columns_are_means() -> None:
    few = drawn([1.0] * 20 + [3.0] * 20, room=AXIS + 1 + 20)
    many = drawn([1.0] * 200 + [3.0] * 200, room=AXIS + 1 + 20)
    assert few[:-1] == many[:-1]
