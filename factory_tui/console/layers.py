"""Which layer of a drawing each station of a loop is in, and in which order they stand there. Pure."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

Track = tuple[str, str]
Item = str | tuple[str, str, int]
"""A station; or a track that passes a layer by: from, to, which layer."""
_SWEEPS = 4


def arrange(stations: Sequence[str], tracks: Sequence[Track]) -> tuple[list[list[Item]], set[Track]]:
    """The layers, each from top to bottom, and which tracks lead back.

    A layer is the longest way from a start; tracks over several layers hold a place in each that they pass.
    """
    after = {name: [target for source, target in tracks if source == name] for name in stations}
    back = _back(stations, after)
    ahead = [track for track in dict.fromkeys(tracks) if track not in back]
    depth = _depths(stations, ahead)
    layers: list[list[Item]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in stations:
        layers[depth[name]].append(name)
    for source, target in ahead:
        for at in range(depth[source] + 1, depth[target]):
            layers[at].append((source, target, at))
    return _untangled(layers, ahead, depth), back


def _back(stations: Sequence[str], after: Mapping[str, Sequence[str]]) -> set[Track]:
    """Tracks to a station that the way to their source came through."""
    found: set[Track] = set()
    seen: set[str] = set()
    for first in stations:
        if first in seen:
            continue
        seen.add(first)
        way = [(first, iter(after[first]))]
        under = {first}
        while way:
            name, rest = way[-1]
            target = next(rest, None)
            if target is None:
                way.pop()
                under.discard(name)
            elif target in under:
                found.add((name, target))
            elif target not in seen:
                seen.add(target)
                under.add(target)
                way.append((target, iter(after[target])))
    return found


def _depths(stations: Sequence[str], ahead: Sequence[Track]) -> dict[str, int]:
    depth = dict.fromkeys(stations, 0)
    for _ in stations:
        moved = False
        for source, target in ahead:
            if depth[target] <= depth[source]:
                depth[target], moved = depth[source] + 1, True
        if not moved:
            break
    return depth


def _untangled(layers: list[list[Item]], ahead: Sequence[Track], depth: Mapping[str, int]) -> list[list[Item]]:
    """Each layer in the order of its neighbours, to and fro, as long as that leaves fewer crossings."""
    links: list[tuple[Item, Item]] = []
    for source, target in ahead:
        stops: list[Item] = [source, *((source, target, at) for at in range(depth[source] + 1, depth[target])), target]
        links += pairwise(stops)
    best, fewest = layers, _crossings(layers, links)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        layers = _swept(layers, [(one, other) if down else (other, one) for one, other in links], down)
        if (crossings := _crossings(layers, links)) < fewest:
            best, fewest = layers, crossings
    return best


def _swept(layers: list[list[Item]], links: list[tuple[Item, Item]], down: bool) -> list[list[Item]]:
    found = [list(layer) for layer in layers]
    for layer in found[1:] if down else found[-2::-1]:
        place = {item: row for one in found for row, item in enumerate(one)}
        near = {item: [place[other] for other, one in links if one == item] for item in layer}
        middle = {item: sum(rows) / len(rows) if rows else float(place[item]) for item, rows in near.items()}
        layer.sort(key=middle.__getitem__)
    return found


def _crossings(layers: list[list[Item]], links: list[tuple[Item, Item]]) -> int:
    place = {item: (at, row) for at, layer in enumerate(layers) for row, item in enumerate(layer)}
    ends = [(place[one][0], place[one][1], place[other][1]) for one, other in links]
    return sum(
        at == there and (left - before) * (right - behind) < 0
        for index, (at, left, right) in enumerate(ends)
        for there, before, behind in ends[index + 1 :]
    )
