"""A loop laid out as a drawing: stations in layers from left to right, tracks as lines between them. Pure.

Layers are by the longest way from the start; what leads back runs in lanes below all stations. A track leaves its
station to the right and comes to the next one from the left, so lines are read left to right, and lanes right to left.
Two lines share cells only where they share an end; where they merely cross, the cell says so. What cannot be laid out
like that is Tangled, and is not drawn at all.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations, count, pairwise

import msgspec

from factory_tui.console.layers import Item, Track, arrange

UP, RIGHT, DOWN, LEFT = 1, 2, 4, 8
_ACROSS, _ALONG = UP | DOWN, RIGHT | LEFT
Cell = tuple[int, int]
"""Column and row."""
_Ends = frozenset[tuple[str, Item]]
"""What lines may share a cell for: where they come from, where they lead to, or their lane."""


class Tangled(Exception):  # noqa: N818
    """It cannot be drawn so that every line is read right, or not in that room."""


class Rail(msgspec.Struct, frozen=True):
    """A cell of one line or more."""

    sides: int
    """Which neighbours it leads to: UP, RIGHT, DOWN, LEFT together."""
    bridge: bool
    """Lines cross here, and do not meet."""
    tracks: frozenset[Track]


class Drawing(msgspec.Struct, frozen=True):
    """Where everything is, from column 0 and row 0 on."""

    width: int
    height: int
    places: dict[str, Cell]
    """Where each station's label begins; more may be said of it in the row below."""
    rails: dict[Cell, Rail]


class _Wire(msgspec.Struct):
    """Tracks from one layer to the next. Without a source they come up from a lane, without a target they go down."""

    tracks: tuple[Track, ...]
    source: Item | None
    target: Item | None
    start: int
    """The row that they come from."""
    end: int
    column: int = -1
    """Of its vertical part, among those between the two layers; -1: it is straight."""

    @property
    def low(self) -> int:
        return min(self.start, self.end)

    @property
    def high(self) -> int:
        return max(self.start, self.end)

    @property
    def out(self) -> _Ends:
        return frozenset({("lane", self.tracks[0][1]) if self.source is None else ("from", self.source)})

    @property
    def into(self) -> _Ends:
        return frozenset({("lane", self.tracks[0][1]) if self.target is None else ("to", self.target)})


class Sizes(msgspec.Struct, frozen=True):
    """Cells that things take."""

    labels: Mapping[str, int]
    below: Mapping[str, int]
    """Of what is said of a station in the row below it."""
    gap: int
    """At least so many of line between two layers."""
    room: int


def draw(stations: Sequence[str], tracks: Sequence[Track], sizes: Sizes) -> Drawing:
    """The loop as a drawing; raises Tangled. Lines that bend less are tried first."""
    known = [track for track in dict.fromkeys(tracks) if track[0] in sizes.labels and track[1] in sizes.labels]
    layers, back = arrange(stations, known)
    for stagger in (0, 1):
        rows = {item: 2 * row + stagger * (at % 2) for at, layer in enumerate(layers) for row, item in enumerate(layer)}
        try:
            return _Plan(layers, rows, known, back).drawing(sizes)
        except Tangled:
            if stagger:
                raise
    raise Tangled


class _Plan:
    """Layers and rows are known; which columns of cells things need comes of the lines between."""

    def __init__(
        self, layers: list[list[Item]], rows: Mapping[Item, int], tracks: Sequence[Track], back: set[Track]
    ) -> None:
        self.layers, self.rows = layers, rows
        self.depth = max(rows.values(), default=-2) + 2
        """Rows above the lanes."""
        self.layer = {item: at for at, layer in enumerate(layers) for item in layer}
        self.lanes = self._lanes(back)
        self.channels: list[list[_Wire]] = [[] for _ in range(len(layers) + 1)]
        """Wires left of each layer, and right of the last one."""
        for track in tracks:
            if track not in back:
                self._ahead(track)
        for target in self.lanes:
            self._back([track for track in tracks if track in back and track[1] == target])
        self.columns = [_columns(wires) for wires in self.channels]

    def _lanes(self, back: set[Track]) -> dict[str, int]:
        """The row of each station's way back: the uppermost that is free from its first end to its last."""
        spans: dict[str, tuple[int, int]] = {}
        for source, target in back:
            begin = self.layer[target]
            spans[target] = (begin, max(self.layer[source] + 1, spans.get(target, (0, 0))[1]))
        found: dict[str, int] = {}
        for target, (begin, end) in sorted(spans.items(), key=lambda item: (item[1][1] - item[1][0], item)):
            near = {
                found[name] for name, (one, other) in spans.items() if name in found and one <= end and begin <= other
            }
            found[target] = next(row for row in range(self.depth, self.depth + len(spans)) if row not in near)
        return found

    def _ahead(self, track: Track) -> None:
        source, target = track
        first, last = self.layer[source], self.layer[target]
        stops: list[Item] = [source, *((source, target, at) for at in range(first + 1, last)), target]
        for at, (one, other) in enumerate(pairwise(stops), first + 1):
            self.channels[at].append(_Wire((track,), one, other, self.rows[one], self.rows[other]))

    def _back(self, tracks: Sequence[Track]) -> None:
        target = tracks[0][1]
        lane = self.lanes[target]
        for track in tracks:
            down = _Wire((track,), track[0], None, self.rows[track[0]], lane)
            self.channels[self.layer[track[0]] + 1].append(down)
        self.channels[self.layer[target]].append(_Wire(tuple(tracks), None, target, lane, self.rows[target]))

    def drawing(self, sizes: Sizes) -> Drawing:
        """Give everything its columns of cells, from left to right, and lay the lines."""
        wide = [
            max((max(sizes.labels[item], sizes.below[item]) for item in layer if isinstance(item, str)), default=0)
            for layer in self.layers
        ]
        x, begins, places = 0, [], {}
        for at, columns in enumerate(self.columns):
            between = 0 < at < len(self.layers)
            inner = max(sizes.gap, 2 * columns + 1 if sizes.gap > 1 else columns) if between else columns
            begins.append((x + (at > 0), inner))
            x += inner + (at > 0 and inner > 0)
            if at < len(self.layers):
                x += inner > 0
                places.update({item: (x, self.rows[item]) for item in self.layers[at]})
                x += wide[at]
        if x > sizes.room:
            raise Tangled
        lines = _Lines()
        for at, wires in enumerate(self.channels):
            for wire in wires:
                start = begins[at][0] - 1
                if isinstance(wire.source, str):
                    start = places[wire.source][0] + sizes.labels[wire.source] + 1
                lines.lay(wire, start, begins[at], self.columns[at])
        for item, (begin, row) in places.items():
            if not isinstance(item, str):
                lines.along(row, range(begin, begin + wide[item[2]]), (item[:2],), frozenset({("to", item)}))
        height = max(self.lanes.values(), default=self.depth - 1) + 1
        stations = {item: place for item, place in places.items() if isinstance(item, str)}
        return Drawing(x, height, stations, lines.settled())


def _columns(wires: Sequence[_Wire]) -> int:
    """Give each wire that bends a column, so that on every row what leaves goes before what arrives; how many."""
    bent = [wire for wire in wires if wire.start != wire.end]
    placed: list[_Wire] = []
    while len(placed) < len(bent):
        ready = [
            wire
            for wire in bent
            if wire.column < 0
            and not any(other.column < 0 and _before(other, wire) for other in bent if other is not wire)
        ]
        if not ready:
            raise Tangled
        wire = max(ready, key=lambda one: (one.source is not None, one.high - one.low))
        least = max((other.column + 1 for other in placed if _before(other, wire)), default=0)
        wire.column = next(
            column
            for column in count(least)
            if all(_together(wire, other, wires) for other in placed if other.column == column)
        )
        placed.append(wire)
    return max((wire.column for wire in bent), default=-1) + 1


def _before(one: _Wire, other: _Wire) -> bool:
    """Whether it leaves a station on the row on which the other arrives at one."""
    return one.source is not None and other.target is not None and one.start == other.end


def _together(one: _Wire, other: _Wire, wires: Sequence[_Wire]) -> bool:
    """Whether two may have one column: apart, or so that whatever can be read there is so."""
    if one.high < other.low or other.high < one.low:
        return True
    if one.target is not None and one.target == other.target:
        return all(sum(wire.source == end.source for wire in wires) == 1 for end in (one, other) if end.source)
    if one.source is None or one.source != other.source or None in (one.target, other.target):
        return False
    return all(sum(wire.target == end.target for wire in wires) == 1 for end in (one, other))


class _Lines:
    """What every cell is crossed by."""

    def __init__(self) -> None:
        self._cells: dict[Cell, list[tuple[int, tuple[Track, ...], _Ends]]] = {}
        self._ways: dict[tuple[str, Track | None], int] = {}
        """Columns in which ways back go down, by track, and up, by target."""

    def put(self, cell: Cell, sides: int, tracks: tuple[Track, ...], ends: _Ends) -> None:
        self._cells.setdefault(cell, []).append((sides, tracks, ends))

    def along(self, row: int, columns: range, tracks: tuple[Track, ...], ends: _Ends) -> None:
        for x in columns:
            self.put((x, row), _ALONG, tracks, ends)

    def lay(self, wire: _Wire, start: int, channel: tuple[int, int], columns: int) -> None:
        """A wire, from where its source ends, through its channel: where that begins, and cells of it."""
        begin, inner = channel
        end = begin + inner + (not isinstance(wire.target, str))
        if wire.column < 0:
            self.along(wire.start, range(start, end), wire.tracks, wire.out | wire.into)
            return
        step = 2 if inner >= 2 * columns + 1 else 1
        x = begin + (inner - step * (columns - 1)) // 2 + step * wire.column
        x = min(x, begin + inner - 1 - step * (columns - 1 - wire.column))
        ends = wire.out | wire.into
        down = wire.end > wire.start
        for row in range(wire.low + 1, wire.high):
            self.put((x, row), _ACROSS, wire.tracks, ends)
        leaves = DOWN if down else UP
        arrives = UP if down else DOWN
        if wire.source is None:
            self._ways[wire.tracks[0][1], None] = x
            self.put((x, wire.start), leaves, wire.tracks, wire.out)
        else:
            self.along(wire.start, range(start, x), wire.tracks, wire.out)
            self.put((x, wire.start), leaves | LEFT, wire.tracks, ends)
        if wire.target is None:
            self._ways[wire.tracks[0][0], wire.tracks[0]] = x
            self.put((x, wire.end), arrives, wire.tracks, wire.into)
            self._lane(wire.tracks[0], wire.end)
        else:
            self.along(wire.end, range(x + 1, end), wire.tracks, wire.into)
            self.put((x, wire.end), arrives | RIGHT, wire.tracks, ends)
        if wire.source is None:
            for track in wire.tracks:
                self._lane(track, wire.start)

    def _lane(self, track: Track, row: int) -> None:
        """From where a way back comes down to where it goes up again, once both are known."""
        first, last = self._ways.get((track[1], None)), self._ways.get((track[0], track))
        if first is None or last is None:
            return
        ends: _Ends = frozenset({("lane", track[1])})
        self.put((first, row), RIGHT, (track,), ends)
        self.along(row, range(first + 1, last), (track,), ends)
        self.put((last, row), LEFT, (track,), ends)

    def settled(self) -> dict[Cell, Rail]:
        """What is in each cell; raises Tangled where lines would seem to meet that do not."""
        return {cell: _rail(parts) for cell, parts in self._cells.items()}


def _rail(parts: Sequence[tuple[int, tuple[Track, ...], _Ends]]) -> Rail:
    bridge = False
    for (sides, _, ends), (others, _, theirs) in combinations(parts, 2):
        if not ends & theirs:
            if {sides, others} != {_ACROSS, _ALONG}:
                raise Tangled
            bridge = True
    sides = 0
    for part, _, _ in parts:
        sides |= part
    return Rail(sides, bridge, frozenset(track for _, tracks, _ in parts for track in tracks))
