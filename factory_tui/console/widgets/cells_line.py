"""What the cells of the chosen run use of what they may: the agent's, and the trajectories' together."""

from collections.abc import Sequence
from typing import ClassVar

from factory_tui.console.figures import duration, percent
from factory_tui.console.glyphs import Tone, meter
from factory_tui.console.paint import Row, cut, fit, left, middle
from factory_tui.console.paint import width as cells_of
from factory_tui.console.widgets.panel import Panel
from factory_tui.domain.gauges import Gauge, parts, word
from factory_tui.domain.live import LiveCell
from factory_tui.domain.state import Run

_NAME = 15
_WIDE = 100
_LARGE = (160, 50)
"""Columns and rows of a terminal that has a row for each cell."""
_MOST = 8
"""Of them."""
_IMAGE = 18
_BAR, _SHORT = 8, 4
"""Cells of a bar, and of one in a list."""
_TONES: dict[str, Tone] = {"": "text", "near": "waits", "full": "bad"}
MIB = 1 << 20
"""Sizes as config.toml has them."""


class CellsLine(Panel):
    """A line for the agent's cell, and where there is room one for the trajectories' fullest; else the fuller.

    On a large terminal one for each cell, with its age and what it was made from.
    """

    FRAMED: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self._high: int | None = None
        """Rows that it took; None: as the screen's style has it."""

    @property
    def _each(self) -> bool:
        return self.screen.size.width >= _LARGE[0] and self.screen.size.height >= _LARGE[1]

    def sync(self) -> None:
        """Take a row for each cell, where each has one; during a visit none is given back, since cells come and go."""
        run = self.mirror.run(self.console_app.chosen)
        told = self.mirror.cells.get(run.id, {}) if run else {}
        least = self._high or 2 if run and run.visit else 2
        rows = max(least, min(len(told), _MOST)) if self._each else None
        if rows != self._high:
            self._high = self.styles.height = rows
        super().sync()

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        run = self.mirror.run(self.console_app.chosen)
        if run is None:
            return []
        told = list(self.mirror.cells.get(run.id, {}).values())
        if told and self._each:
            return self._list(told, width, height)
        groups = [("agent cell", [cell for cell in told if cell.role == "agent"])]
        if others := [cell for cell in told if cell.role != "agent"]:
            groups.append((f"{others[0].role} {self.glyphs.times}{len(others)}", others))
        lines = [(name, gauge) for name, cells in groups if (gauge := _fullest(cells))]
        if not lines:
            return [[(" cells  ", "dim"), (cut(self._none(run), width - 9), "dim")]]
        if len(lines) > height:
            lines = [max(lines, key=lambda line: _most(line[1]))]
        head = " cells  " if width >= _WIDE else " "
        room = width - len(head) - _NAME
        return [
            fit([(" " * len(head) if at else head, "dim"), (left(name, _NAME), "text"), *self._row(gauge, room)], width)
            for at, (name, gauge) in enumerate(lines)
        ]

    def _list(self, told: Sequence[LiveCell], width: int, height: int) -> list[Row]:
        """Agent first, then by age."""
        cells = sorted(told, key=lambda cell: (cell.role != "agent", cell.since, cell.cell))
        shown = cells if len(cells) <= height else cells[: height - 1]
        found = [
            fit([(" " * 8 if at else " cells  ", "dim"), *self._cell(cell, width - 8)], width)
            for at, cell in enumerate(shown)
        ]
        if len(cells) > len(shown):
            found.append([(f"{' ' * 8}{len(cells) - len(shown)} more", "dim")])
        return found

    def _cell(self, cell: LiveCell, room: int) -> Row:
        up = duration((self.console_app.clock() - cell.since) / 1000)
        fence = "" if cell.fenced else "UNFENCED "
        row: Row = [
            (left("agent cell" if cell.role == "agent" else cell.role, _NAME - 3), "text"),
            (left(f"up {up}", 9), "dim"),
            (fence, "waits"),
            (left(middle(cell.image or f"a {cell.kind} cell", _IMAGE - 2), _IMAGE), "dim"),
        ]
        if cell.gauge is None:
            return [*row, ("not measured" if cell.kind == "process" else "not measured yet", "dim")]
        each = parts(cell.gauge)
        column = (room - cells_of(row)) // len(each)
        return [*row, *(span for one in each for span in fit(self._part(*one, _SHORT, True), column))]

    def _none(self, run: Run) -> str:
        """Why there are no figures."""
        up = list(run.cells.values())
        if not up:
            return "none up"
        if any(cell.kind == "process" for cell in up):
            open_to_all = "" if all(cell.fenced for cell in up) else ", UNFENCED"
            return f"a process cell{open_to_all}: what it uses is not measured"
        return "not measured yet" if self.mirror.connection == "live" else "not measured: no link"

    def _row(self, gauge: Gauge, room: int) -> Row:
        """As full as the room allows: with bars and sizes, with sizes, or shares alone."""
        found: Row = []
        for bars, sizes in ((_BAR, True), (0, True), (0, False)):
            found = [span for name, used, limit in parts(gauge) for span in self._part(name, used, limit, bars, sizes)]
            if cells_of(found) <= room:
                break
        return found

    def _part(self, name: str, used: float, limit: float, bars: int, sizes: bool) -> Row:
        share = used / limit if limit else 0.0
        # A busy processor is at work; it is the rest that runs out.
        said = word(share) if name != "cpu" else ""
        tone = _TONES[said]
        row: Row = [(f"{name} ", "dim")]
        if bars and limit:
            filled: Tone = "running" if tone == "text" else tone
            row += [*meter(share, bars, self.glyphs, filled), (" ", "text")]
        row.append((percent(share) if limit else _amount(name, used), tone))
        if said:
            row.append((f" {said}", tone))
        if sizes and limit:
            row.append((f" of {_amount(name, limit)}", "dim"))
        return [*row, ("  ", "text")]


def _amount(name: str, number: float) -> str:
    if name == "cpu":
        return f"{number:.1f}" if number % 1 else f"{number:.0f}"
    return f"{number:.0f}" if name == "pids" else f"{number / MIB:.0f} MiB"


def _most(gauge: Gauge) -> float:
    """How near it is to any limit that runs out."""
    return max((used / limit for name, used, limit in parts(gauge) if limit and name != "cpu"), default=0.0)


def _fullest(cells: Sequence[LiveCell]) -> Gauge | None:
    """That of the cell which is nearest to a limit."""
    return max((cell.gauge for cell in cells if cell.gauge), key=_most, default=None)
