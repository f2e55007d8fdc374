"""What the cells of the chosen run use of what they may: the agent's, and the trajectories' together."""

from collections.abc import Sequence
from typing import ClassVar

from factory_tui.console.figures import percent
from factory_tui.console.glyphs import Tone, meter
from factory_tui.console.paint import Row, cut, fit, left
from factory_tui.console.paint import width as cells_of
from factory_tui.console.widgets.panel import Panel
from factory_tui.domain.gauges import Gauge, parts, word
from factory_tui.domain.live import LiveCell
from factory_tui.domain.state import Run

_NAME = 15
_WIDE = 100
_BAR = 8
_TONES: dict[str, Tone] = {"": "text", "near": "waits", "full": "bad"}
MIB = 1 << 20
"""Sizes as config.toml has them."""


class CellsLine(Panel):
    """A line for the agent's cell, and where there is room one for the trajectories' fullest; else the fuller."""

    FRAMED: ClassVar[bool] = False

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        run = self.mirror.run(self.console_app.chosen)
        if run is None:
            return []
        told = list(self.mirror.cells.get(run.id, {}).values())
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
