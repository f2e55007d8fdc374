"""Loops as drawings: every station once, every line from end to end, and none where there is no track."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.console.graph import DOWN, LEFT, RIGHT, UP, Drawing, Rail, Sizes, Tangled, draw

STEP = {UP: (0, -1), RIGHT: (1, 0), DOWN: (0, 1), LEFT: (-1, 0)}
AGAINST = {UP: DOWN, DOWN: UP, LEFT: RIGHT, RIGHT: LEFT}
NAMES = "abcdefgh"


@st.composite
def loops(draws: st.DrawFn) -> tuple[list[str], list[tuple[str, str]]]:
    names = list(NAMES[: draws(st.integers(1, len(NAMES)))])
    name = st.sampled_from(names)
    return names, draws(st.lists(st.tuples(name, name), max_size=14))


def laid(names: list[str], tracks: list[tuple[str, str]], gap: int = 3, room: int = 10_000) -> Drawing:
    labels = {name: 3 + index % 4 for index, name in enumerate(names)}
    return draw(names, tracks, Sizes(labels, dict.fromkeys(names, 5), gap, room))


def leads(drawing: Drawing, track: tuple[str, str], width: int) -> bool:
    """Whether its cells lead from the right of its source to the left of its target, each to the next."""
    own = {cell: rail for cell, rail in drawing.rails.items() if track in rail.tracks}
    source, target = drawing.places[track[0]], drawing.places[track[1]]
    first, last = (source[0] + width + 1, source[1]), (target[0] - 2, target[1])
    seen, to_see = {first}, [first]
    while to_see:
        x, y = cell = to_see.pop()
        for side, (right, down) in STEP.items():
            there = (x + right, y + down)
            if own[cell].sides & side and there in own and own[there].sides & AGAINST[side] and there not in seen:
                seen.add(there)
                to_see.append(there)
    return first in own and last in seen


def related(rail: Rail) -> bool:
    """Whether all that meets in a cell comes from one station, or leads to one, in pairs."""
    return all(one[0] == other[0] or one[1] == other[1] for one, other in combinations(rail.tracks, 2))


@given(loops(), st.sampled_from([1, 3]))
def test_every_station_stands_once_and_every_track_is_joined_at_both_ends(
    loop: tuple[list[str], list[tuple[str, str]]], gap: int
) -> None:
    names, tracks = loop
    drawing = laid(names, tracks, gap)
    assert set(drawing.places) == set(names)
    under = {
        (x + index, y + row)
        for name, (x, y) in drawing.places.items()
        for row, cells in enumerate((3 + names.index(name) % 4, 5))
        for index in range(cells)
    }
    assert len(under) == sum(8 + index % 4 for index in range(len(names))), "no label covers another"
    for x, y in [*drawing.rails, *under]:
        assert 0 <= x < drawing.width
        assert 0 <= y < drawing.height
    assert not under & set(drawing.rails)
    for track in tracks:
        assert leads(drawing, track, 3 + names.index(track[0]) % 4), track
    for rail in drawing.rails.values():
        assert rail.bridge or related(rail)


@pytest.mark.parametrize(
    ("names", "tracks"),
    [
        ("abcdef", "ab ac ad be ce de ef"),
        ("abcd", "ac ad bc bd"),
        ("abcd", "ab bc cd ca db aa"),
        ("abc", "ab bc ac ca"),
        ("a", "aa"),
    ],
    ids=["parallel legs", "crossed", "ways back over each other", "around one", "alone"],
)
def test_what_loops_are_made_of_is_drawn(names: str, tracks: str) -> None:
    drawing = laid(list(names), [(pair[0], pair[1]) for pair in tracks.split()])
    assert set(drawing.places) == set(names)


def test_what_has_no_room_is_not_drawn() -> None:
    names, tracks = list("abc"), [("a", "b"), ("b", "c")]
    needed = laid(names, tracks).width
    assert laid(names, tracks, room=needed).width == needed
    with pytest.raises(Tangled):
        laid(names, tracks, room=needed - 1)
