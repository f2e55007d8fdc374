"""A list of all runs, whose cursor is the app's: the run that keys are about."""

from factory_tui.console.glyphs import LAMPS
from factory_tui.console.widgets.pane import Motion, Pane
from factory_tui.console.wording import labels
from factory_tui.domain.state import Run


class RunList(Pane):
    """Moves the cursor, opens the run under it."""

    TITLE = "runs"
    OPENS = True
    FILTERED = True
    FIELDS = ("run", "state", "seed", "owner", "actor", "model", "loop")

    def runs(self) -> list[Run]:
        """Those that fit the filter, in the floor's order."""
        found = self.mirror.runs()
        return [run for run in found if self.filter.holds(self._fields(run))] if self.filter.terms else found

    def _fields(self, run: Run) -> dict[str, str]:
        """What a filter finds in a run; who told it something last counts as its actor."""
        state = f"{self.glyphs.marks[LAMPS[run.state]]} {run.state} {run.reason or ''}"
        return {
            "run": f"{run.id} {labels(run.ledger, self.mirror.unfenced(run))}",
            "state": state,
            "seed": run.seed,
            "owner": run.owner,
            "actor": " ".join(one.by for one in run.taken),
            "model": run.model,
            "loop": run.loop,
        }

    def go(self, motion: Motion) -> bool:  # noqa: D102
        names = [run.id for run in self.runs()]
        page = max(1, self.size.height - 4)
        steps = {"up": -1, "down": 1, "page-up": -page, "page-down": page, "first": -len(names), "last": len(names)}
        if motion not in steps:
            return False
        if names:
            chosen = self.console_app.chosen
            at = names.index(chosen) if chosen in names else 0
            self.console_app.choose(names[max(0, min(at + steps[motion], len(names) - 1))])
        return True

    def enter(self) -> bool:  # noqa: D102
        self.console_app.open_run()
        return True
