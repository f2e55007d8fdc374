"""The loop as a drawing: the live station lit, how often each was visited and for how long, the track taken last."""

from collections.abc import Sequence

from factory_tui.console.figures import duration
from factory_tui.console.glyphs import LAMPS, Tone
from factory_tui.console.graph import DOWN, LEFT, RIGHT, UP, Drawing, Sizes, Tangled, draw
from factory_tui.console.paint import Row, Span, cut, left, right, width
from factory_tui.console.widgets.pane import Pane
from factory_tui.console.wording import forked
from factory_tui.domain.hostile import one_line
from factory_tui.domain.state import OVER, Run

_STATUS: dict[str, Tone] = {"success": "good", "retry": "waits", "fail": "bad"}
"""By the status remembered; a station that has none, as a decision or one that was cut short, is only passed."""
_STRAIGHT = (UP | DOWN, LEFT | RIGHT)
_NAME = 40
_LEAST = 5
"""Rows of the pane, with its frame: one of stations, what is said of them, one way back."""
_COLUMNS = (("visits", 8), ("in this pass", 14), ("time", 8), ("a visit", 9))


def stations(run: Run, without: int = 0) -> list[str]:
    """The loop's nodes in order; `without` says how often those without a way in or a way out are left out."""
    names = list(run.stations) or list(run.nodes)
    for _ in range(without if run.tracks else 0):
        tracks = [(one, other) for one, other in run.tracks if one in names and other in names]
        sources, targets = {source for source, _ in tracks}, {target for _, target in tracks}
        names = [name for name in names if name in sources and name in targets]
    return names


class Pipeline(Pane):
    """Drawn from the stations and tracks that the run carries; what has no room as a drawing is a list."""

    TITLE = "loop"
    STAYS = True

    def __init__(self) -> None:
        super().__init__()
        self._plans: dict[int, tuple[object, Drawing | None]] = {}
        """By height, with what it was laid out from: that of the pane, and what it may have."""

    @property
    def run(self) -> Run | None:
        """Whose loop."""
        return self.mirror.run(self.console_app.chosen)

    @property
    def alone(self) -> bool:
        """Whether it has the screen for itself."""
        return self.has_class("-alone")

    def heading(self) -> tuple[Row, Row]:
        """The loop's name, and what the live station is doing."""
        run = self.run
        if run is None:
            return [("loop", "title")], []
        doing: Row = []
        if run.visit:
            doing = [(f"{run.visit.kind} {run.visit.done} of {run.visit.trajectories} trajectories", "running")]
        elif run.handler and run.state == "running":
            doing = [(f"{run.handler}, step {run.steps}" if run.steps else run.handler, "dim")]
        of = [(f"  {forked(run)}", "dim")] if run.forked else []
        number = [(f"  pass {len(run.passes)} of at most {run.max_passes}", "dim")] if run.passes else []
        return [("loop ", "title"), (run.loop, "text"), *of, *number], doing

    def sync(self) -> None:
        """Take the rows that the drawing needs, a third of the screen at most."""
        run = self.run
        if run is not None and self.size.width:
            drawing = self._drawing(run, self.size.width - 4, (self.app.size.height // 3) - 2)
            wanted = "1fr" if self.alone else max(_LEAST, drawing.height + 2 if drawing else 0)
            if str(self.styles.height) != str(wanted):
                self.styles.height = wanted
        super().sync()

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        run = self.run
        if run is None:
            return []
        drawing = self._drawing(run, width - 2, height)
        found = self._picture(run, drawing) if drawing else self._folded(run, stations(run, 1), width)
        if self.alone and height > len(found) + 2 and stations(run):
            found += [[], *self._table(run)]
        return found[:height]

    def _drawing(self, run: Run, wide: int, high: int) -> Drawing | None:
        """The roomiest that fits; laid out again only when something of it has another size."""
        names = stations(run)
        labels = {name: width(self._station(run, name)) for name in names}
        below = {name: width([("  ", ""), self._figures(run, name)]) for name in names}
        key = (run.tracks, labels, below, wide, "" if run.state in OVER else run.node)
        plan = self._plans.pop(high, None)
        if plan is None or plan[0] != key:
            plan = key, _roomiest(run, labels, below, (wide, high))
        self._plans = dict([*self._plans.items(), (high, plan)][-2:])
        return plan[1]

    def _station(self, run: Run, name: str) -> Row:
        tally = run.nodes.get(name)
        live = self._live(run, name)
        tone: Tone = LAMPS[run.state] if live else _STATUS.get(tally.status or "", "dim") if tally else "idle"
        if live and self.mirror.state.frozen:
            tone = "waits"
        return [
            (f"{self.glyphs.marks[tone]} ", tone),
            (one_line(name, _NAME), "strong" if live else "text" if tally else "dim"),
        ]

    def _live(self, run: Run, name: str) -> bool:
        return name == run.node and run.state not in OVER

    def _seconds(self, run: Run, name: str) -> float:
        """In all, with the visit that is under way."""
        tally = run.nodes.get(name)
        entered = self.mirror.trace(run.id).entered
        now = self.console_app.clock()
        running = entered and self._live(run, name) and run.state == "running"
        return (tally.seconds if tally else 0.0) + (max(0, now - entered) / 1000 if running else 0.0)

    def _figures(self, run: Run, name: str) -> Span:
        """`×3 4m`; the time of what takes none is left out."""
        tally = run.nodes.get(name)
        if tally is None:
            return "", "dim"
        seconds = self._seconds(run, name)
        parts = [f"{self.glyphs.times}{tally.visits}"] if tally.visits > 1 else []
        parts += [duration(seconds)] if seconds >= 0.1 else []
        return " ".join(parts), "dim"

    def _picture(self, run: Run, drawing: Drawing) -> list[Row]:
        cells: list[list[Span]] = [[(" ", "text")] * drawing.width for _ in range(drawing.height)]
        taken = self.mirror.trace(run.id).taken
        plain, heavy = self.glyphs.rails
        for (x, y), rail in drawing.rails.items():
            last = taken in rail.tracks
            sides = UP | DOWN if rail.bridge else rail.sides
            own = last and not rail.bridge and (len(rail.tracks) == 1 or sides in _STRAIGHT)
            cells[y][x] = (heavy if own else plain)[sides], "chosen" if last else "frame"
        found: list[Row] = []
        labels = {place: self._station(run, name) for name, place in drawing.places.items()}
        for name, (x, y) in drawing.places.items():
            labels[x + 2, y + 1] = [self._figures(run, name)]
        for y, line in enumerate(cells):
            row: Row = [(" ", "text")]
            x = 0
            while x < drawing.width:
                label = labels.get((x, y))
                taking = width(label) if label else 0
                if label and taking:
                    row += label
                    x += taking
                    continue
                if row[-1][1] == line[x][1]:
                    row[-1] = (row[-1][0] + line[x][0], line[x][1])
                else:
                    row.append(line[x])
                x += 1
            found.append(row)
        return found

    def _folded(self, run: Run, names: Sequence[str], room: int) -> list[Row]:
        """Without lines: the stations in order, as many as fit in a row."""
        found: list[Row] = [[(" ", "text")]]
        for name in names:
            text, role = self._figures(run, name)
            said = [*self._station(run, name), (f" {text}" if text else "", role)]
            item = [(cut(part, room - 2), its) for part, its in said]
            if width(found[-1]) + width(item) + 3 > room:
                found.append([(" ", "text")])
            found[-1] += [*item, ("  ", "text")]
        return found

    def _table(self, run: Run) -> list[Row]:
        """All that is known of each station."""
        names = stations(run)
        wide = max(len(one_line(name, _NAME)) for name in names) + 4
        head = [(f" {left('station', wide)}{left('status', 12)}", "dim")]
        found: list[Row] = [[*head, *((right(text, cells), "dim") for text, cells in _COLUMNS)]]
        for name in names:
            tally = run.nodes.get(name)
            status = "now" if self._live(run, name) else (tally.status or "passed") if tally else "not yet"
            seconds = self._seconds(run, name)
            figures = ["", "", "", ""]
            if tally:
                each = duration(seconds / max(1, tally.visits))
                figures = [str(tally.visits), str(tally.in_pass), duration(seconds), each]
            mark, label = self._station(run, name)
            row: Row = [(" ", "text"), mark, (left(label[0], wide - 2), label[1])]
            row.append((left(status.replace("_", " "), 12), mark[1] if tally else "dim"))
            row += [(right(text, cells), "text") for text, (_, cells) in zip(figures, _COLUMNS, strict=True)]
            found.append(row)
        return found


def _roomiest(run: Run, labels: dict[str, int], below: dict[str, int], room: tuple[int, int]) -> Drawing | None:
    """With long lines, else with short ones, else without stations at both ends: never without the live one."""
    wide, high = room
    # where there is room, a figure that grows moves nothing
    steady = {name: -(-cells // 4) * 4 for name, cells in below.items()}
    for without, gap in ((0, 5), (0, 3), (0, 1), (1, 3), (1, 1), (2, 1)):
        names = stations(run, without)
        if without > 1 and run.state not in OVER and run.node not in ("", *names):
            break
        try:
            drawing = draw(
                names,
                run.tracks,
                Sizes({name: labels[name] for name in names}, steady if gap > 1 else below, gap, wide),
            )
        except Tangled:
            continue
        if drawing.height <= high:
            return drawing
    return None
