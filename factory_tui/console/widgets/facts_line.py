"""One line of the facts that decide whether the chosen run ships, where a narrow terminal has no room for its card."""

from collections.abc import Sequence
from typing import ClassVar

from factory_tui.console.figures import interval, percent
from factory_tui.console.paint import Row, width
from factory_tui.console.verdicts import to_settle
from factory_tui.console.widgets.panel import Panel


class FactsLine(Panel):
    """What matters most stands first; what has no room is left out from the end."""

    FRAMED: ClassVar[bool] = False

    def rows(self, width_of: int, height: int) -> Sequence[Row]:  # noqa: ARG002, D102
        run = self.mirror.run(self.console_app.chosen)
        if run is None:
            return []
        self.console_app.read_decision(run.id)
        newest = run.measured
        vault = newest.vault if newest else None
        parts: list[Row] = [[("vault ", "dim"), (interval(vault) if vault else "not measured", "text")]]
        parts.append([("ships at ", "dim"), (percent(run.ship_at), "text")])
        if newest and newest.ship_low is not None:
            parts[-1] += [(" bound ", "dim"), (percent(newest.ship_low), "text")]
        if figure := to_settle(run, self.mirror.verdicts.decided.get(run.id))[0]:
            parts.append([(figure, "strong"), (" to settle", "dim")])
        if newest and newest.gap:
            parts.append([("gap ", "dim"), (f"{newest.gap.share * 100:+.0f}", "text")])
        if run.revealed:
            parts.append([("told ", "dim"), (percent(max(run.revealed.values())), "text")])
        row: Row = [(" ", "text"), *parts[0]]
        for part in parts[1:]:
            if width(row) + 2 + width(part) > width_of:
                break
            row += [("  ", "text"), *part]
        return [row]
