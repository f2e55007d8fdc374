"""A list of all runs, whose cursor is the app's: the run that keys are about."""

from typing import TYPE_CHECKING, ClassVar

from factory_tui.console.filtering import OF_RUNS
from factory_tui.console.glyphs import LAMPS
from factory_tui.console.ordering import ordered
from factory_tui.console.widgets.pane import Motion, Pane
from factory_tui.console.wording import labels
from factory_tui.domain.state import Run, State

if TYPE_CHECKING:
    from factory_tui.config.settings import Sort
    from factory_tui.console.filtering import Filter


class RunList(Pane):
    """Moves the cursor, opens the run under it."""

    TITLE = "runs"
    OPENS = True
    FILTERED = True
    FIELDS: ClassVar[tuple[str, ...]] = OF_RUNS

    def __init__(self) -> None:
        super().__init__()
        self.order: Sort = "floor"
        self._found: tuple[State, Filter, Sort, list[Run]] | None = None

    def runs(self) -> list[Run]:
        """Those that fit the filter, in the order asked for."""
        state, found = self.mirror.state, self._found
        if found is None or found[0] is not state or found[1:3] != (self.filter, self.order):
            runs = self.mirror.runs()
            fit = [run for run in runs if self.filter.holds(self._fields(run))] if self.filter.terms else runs
            self._found = found = (state, self.filter, self.order, ordered(fit, self.order))
        return found[3]

    def narrow(self, text: str) -> str:
        """Keys are about a run that is in sight: of what fits, the first where the chosen one does not."""
        wrong = super().narrow(text)
        if not wrong and self.filter.terms:
            names = [run.id for run in self.runs()]
            if names and self.console_app.chosen not in names:
                self.console_app.choose(names[0])
        return wrong

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
