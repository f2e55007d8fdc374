"""The loop as a line of stations, with the live one lit, how often each was visited, and the way back."""

from collections.abc import Sequence

from factory_tui.console.glyphs import LAMPS, Tone
from factory_tui.console.paint import Row, cut, width
from factory_tui.console.widgets.panel import Panel
from factory_tui.console.wording import forked
from factory_tui.domain.hostile import one_line
from factory_tui.domain.state import Run

_STATUS: dict[str, Tone] = {"success": "good", "retry": "waits", "fail": "bad"}
"""By the status remembered; a node that has none, as a decision or one that was cut short, is only passed."""


def stations(run: Run, ends: bool) -> list[str]:
    """The loop's nodes in order; without `ends`, those that have a way in and a way out only."""
    names = list(run.stations) or list(run.nodes)
    if ends or not run.tracks:
        return names
    sources = {source for source, _ in run.tracks}
    targets = {target for _, target in run.tracks}
    return [name for name in names if name in sources and name in targets]


def way_back(run: Run, shown: Sequence[str]) -> tuple[int, list[int]] | None:
    """The longest way back: index of where it leads, and of the stations it leaves from."""
    place = {name: index for index, name in enumerate(shown)}
    back: dict[int, list[int]] = {}
    for source, target in run.tracks:
        if source in place and target in place and place[target] < place[source]:
            back.setdefault(place[target], []).append(place[source])
    if not back:
        return None
    to, leaves = max(back.items(), key=lambda item: max(item[1]) - item[0])
    return to, sorted(leaves)


class Pipeline(Panel):
    """Drawn from the stations and tracks that the run carries."""

    @property
    def run(self) -> Run | None:
        """Whose loop."""
        return self.mirror.run(self.console_app.chosen)

    def heading(self) -> tuple[Row, Row]:
        """The loop's name, and what the live node is doing."""
        run = self.run
        if run is None:
            return [("loop", "title")], []
        doing: Row = []
        if run.visit:
            doing = [(f"{run.visit.kind} {run.visit.done} of {run.visit.trajectories} trajectories", "running")]
        elif run.handler and run.state == "running":
            doing = [(f"{run.handler}, step {run.steps}" if run.steps else run.handler, "dim")]
        of = [(f"  {forked(run)}", "dim")] if run.forked else []
        return [("loop ", "title"), (run.loop, "text"), *of], doing

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        run = self.run
        if run is None:
            return []
        for ends, gap in ((True, 4), (True, 2), (False, 3), (False, 1)):
            names = stations(run, ends)
            row, places = self._strip(run, names, gap)
            if sum(len(text) for text, _ in row) <= width - 1:
                return [row, self._back(run, names, places)][:height]
        return self._folded(run, stations(run, False), width)[:height]

    def _station(self, run: Run, name: str) -> Row:
        tally = run.nodes.get(name)
        live = name == run.node and run.state not in ("shipped", "stopped", "failed")
        tone: Tone = LAMPS[run.state] if live else _STATUS.get(tally.status or "", "dim") if tally else "idle"
        if live and self.mirror.state.frozen:
            tone = "waits"
        mark = self.glyphs.marks[tone]
        label = one_line(name, 40)
        row: Row = [(f"{mark} ", tone), (label, "strong" if live else "text" if tally else "dim")]
        if tally and tally.visits > 1:
            row.append((f" {self.glyphs.times}{tally.visits}", "dim"))
        return row

    def _strip(self, run: Run, names: Sequence[str], gap: int) -> tuple[Row, list[int]]:
        row: Row = [(" ", "text")]
        places: list[int] = []
        for index, name in enumerate(names):
            if index:
                row.append((f" {self.glyphs.rail[0] * (gap - 1)} " if gap > 1 else f" {self.glyphs.rail[0]} ", "frame"))
            places.append(width(row))
            row += self._station(run, name)
        return row, places

    def _back(self, run: Run, names: Sequence[str], places: Sequence[int]) -> Row:
        way = way_back(run, names)
        if way is None:
            return []
        track, up_left, up_right, join = self.glyphs.rail
        target, sources = way
        start, end = places[target], places[sources[-1]]
        line = [" "] * start + [up_right] + [track] * (end - start - 1) + [up_left]
        for source in sources[:-1]:
            line[places[source]] = join
        text = "".join(line)
        label = f" pass {len(run.passes)} of at most {run.max_passes} " if run.passes else ""
        middle = start + (end - start - len(label)) // 2
        if not label or end - start < len(label) + 6:
            return [(text, "frame")]
        return [(text[:middle], "frame"), (label, "dim"), (text[middle + len(label) :], "frame")]

    def _folded(self, run: Run, names: Sequence[str], room: int) -> list[Row]:
        found: list[Row] = [[(" ", "text")]]
        for name in names:
            item = [(cut(text, room - 2), role) for text, role in self._station(run, name)]
            if width(found[-1]) + width(item) + 3 > room:
                found.append([(" ", "text")])
            found[-1] += [*item, ("  ", "text")]
        return found
