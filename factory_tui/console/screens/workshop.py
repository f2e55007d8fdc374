"""The workshop: the workspace's seeds, each with its text, its revisions and who used them, its scenarios, its loop."""

from typing import TYPE_CHECKING, ClassVar, Literal

from textual.containers import Container, Vertical

from factory_tui.console.bench import Bench, behind, benches, revisions
from factory_tui.console.keys import bindings
from factory_tui.console.screens.place import Place, layout
from factory_tui.console.widgets.bars import Header, KeyBar
from factory_tui.console.widgets.judged import Judged, SeedLoop
from factory_tui.console.widgets.pane import Motion
from factory_tui.console.widgets.seeds import Paged, Revisions, SeedList
from factory_tui.console.widgets.sheet import Sheet
from factory_tui.domain import commands as c
from factory_tui.domain.state import OVER

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from factory_tui.console.action import Scope
    from factory_tui.console.past import Revision
    from factory_tui.domain.state import Run, State

View = Literal["seed", "diff", "problems"]


class WorkshopScreen(Place):
    """Two cursors: on a seed, and on one of its revisions; a third one, on its runs, says what u and R are about."""

    SCOPE: ClassVar["Scope"] = "workshop"
    PANES = (SeedList, Sheet, Revisions, Judged)
    BINDINGS: ClassVar[list["BindingType"]] = bindings("workshop")

    def __init__(self) -> None:
        super().__init__()
        self._seed = ""
        self._revision = ""
        """The chosen one; empty: the newest."""
        self._view: View | None = None
        """None: what there is, the text or else what is wrong."""
        self._gathered: tuple[State, list[Bench]] | None = None

    def compose(self) -> "ComposeResult":
        """Header, seeds and revisions, text and scenarios, the loop, keys."""
        self.add_class(layout(self.app.size.width))
        yield Header()
        with Container(id="bench"):
            with Vertical(id="shelf"):
                yield SeedList()
                yield Revisions()
            with Container(id="paper"):
                yield Sheet()
                yield Judged()
        yield SeedLoop()
        yield KeyBar()

    @property
    def benches(self) -> list[Bench]:
        """Every seed; gathered once for each state, since every panel asks."""
        state = self.console_app.mirror.state
        if self._gathered is None or self._gathered[0] is not state:
            self._gathered = (state, benches(state))
        return self._gathered[1]

    @property
    def bench(self) -> Bench | None:
        """The chosen seed; at first that of the run in use."""
        found = self.benches
        run = self.console_app.mirror.run(self.console_app.chosen)
        wanted = self._seed or (run.seed if run else "")
        return next((bench for bench in found if bench.name == wanted), found[0] if found else None)

    @property
    def row(self) -> int:
        """Which one that is."""
        names = [bench.name for bench in self.benches]
        return names.index(self.bench.name) if self.bench else 0

    @property
    def run(self) -> "Run | None":
        """The run of the chosen seed that the keys are about: the one in use, else the newest."""
        runs = self.bench.runs if self.bench else ()
        return next((run for run in runs if run.id == self.console_app.chosen), runs[0] if runs else None)

    @property
    def revisions(self) -> "list[Revision]":
        """Of the chosen seed, newest first."""
        return revisions(self.bench, self.console_app.mirror.past) if self.bench else []

    @property
    def turned(self) -> int:
        """Which revision is shown."""
        known = [one.revision for one in self.revisions]
        return known.index(self._revision) if self._revision in known else 0

    @property
    def revision(self) -> "Revision | None":
        """The one that is shown."""
        found = self.revisions
        return found[self.turned] if found else None

    @property
    def view(self) -> View:
        """What the sheet shows."""
        bench = self.bench
        return self._view or ("problems" if bench and bench.edits else "seed")

    def offers(self, action: str) -> bool:
        """Whether an action of the workshop makes sense now."""
        bench, run = self.bench, self.run
        match action:
            case "open":
                return run is not None
            case "workshop.edit":
                return bench is not None and self.console_app.folder is not None
            case "workshop.use":
                return bench is not None and run is not None and behind(bench, run)
            case "workshop.restart":
                return run is not None and run.state not in OVER
            case "workshop.confirm":
                return bench is not None and bool(bench.scenarios and bench.view.revision) and not bench.reviewed
        return super().offers(action)

    def take(self, seed: str) -> None:
        """Put the cursor on a seed."""
        self._seed, self._revision, self._view = seed, "", None
        self.console_app.mirror.dirty = True

    def move(self, rows: int) -> None:
        """The cursor on the seeds."""
        names = [bench.name for bench in self.benches]
        if names:
            self.take(names[max(0, min(self.row + rows, len(names) - 1))])

    def turn(self, steps: int) -> None:
        """To an older revision, or a newer one; what it changed is shown."""
        known = self.revisions
        if known:
            at = max(0, min(self.turned + steps, len(known) - 1))
            self._revision = known[at].revision if at else ""
            if self.view == "problems":
                self._view = "seed"

    def pick(self, steps: int) -> None:
        """Another run of the seed."""
        runs, run = (self.bench.runs if self.bench else ()), self.run
        if run is not None:
            self.console_app.choose(runs[max(0, min(runs.index(run) + steps, len(runs) - 1))].id)

    def show(self, view: View) -> None:
        """Put something on the sheet; once more puts the text back."""
        self._view = "seed" if self.view == view else view
        self.choose(self.query_one(Sheet))

    @property
    def paged(self) -> Paged:
        """Which of the three beside the seeds is looked at; on a narrow terminal it has the room below them."""
        return self.pane if isinstance(self.pane, Paged) else self.query_one(Sheet)

    def fit_panes(self) -> None:
        """On a narrow terminal one of the three is shown, below the seeds."""
        super().fit_panes()
        self.set_class(isinstance(self.paged, Revisions), "-revisions")
        self.set_class(isinstance(self.paged, Judged), "-judged")

    def go(self, motion: Motion) -> None:
        """Pages are of the one that is looked at."""
        if not self.pane.go(motion):
            self.paged.go(motion)

    def open(self) -> None:
        """The chosen run of the seed."""
        if self.run is None:
            self.console_app.say("waits", "no run of this seed to open; n starts one")
        else:
            self.console_app.choose(self.run.id)
            self.console_app.open_run()

    def use(self) -> None:
        """The run's next pass is to use the newest revision."""
        bench, run = self.bench, self.run
        if bench is None or run is None:
            self.console_app.say("waits", "no run of this seed to re-seed; n starts one")
        elif run.state in OVER:
            self.console_app.say("waits", f"{run.id} is {run.state}; n starts a new run of {bench.name}")
        elif not behind(bench, run):
            self.console_app.say("waits", f"{run.id} uses the newest revision already")
        else:
            self.console_app.send(c.Reseed(run.id))

    def restart(self) -> None:
        """Begin the run anew with the newest revision, after a question."""
        from factory_tui.console.screens.questions import sure  # noqa: PLC0415 - buttons are slow to import

        bench, run = self.bench, self.run
        if bench is None or run is None or run.state in OVER:
            self.console_app.say("waits", "no run of this seed to restart; n starts one")
            return
        body = (
            f"It uses revision {bench.view.revision[:8] or run.revision[:8]} from an empty work tree, with a new "
            f"conversation.\n{len(run.passes)} of at most {run.max_passes} passes are used; they go on counting."
        )
        sure(self.console_app, (f"Restart {run.id} with it?", body, "Restart"), c.Reseed(run.id, restart=True))

    def confirm(self) -> None:
        """Say that the scenarios judge the seed as it is, after a question."""
        from factory_tui.console.screens.questions import sure  # noqa: PLC0415 - buttons are slow to import

        bench = self.bench
        if bench is None or not bench.scenarios or not bench.view.revision:
            self.console_app.say("waits", "there are no scenarios to confirm; write them first")
            return
        if bench.reviewed:
            self.console_app.say("waits", f"confirmed already, by {bench.view.confirmed_by}")
            return
        body = (
            f"You say that its {len(bench.scenarios)} scenarios judge revision {bench.view.revision[:8]} as it is now. "
            "What waits for that goes on, and may ship."
        )
        sure(
            self.console_app, (f"Confirm the scenarios of {bench.name}?", body, "Confirm"), c.ConfirmCorpus(bench.name)
        )

    def edit(self) -> None:
        """The seed's file in the operator's editor."""
        from factory_tui.console.editor import edit, seed_file  # noqa: PLC0415 - rarely used

        if self.bench is None or self.console_app.folder is None:
            self.console_app.say("waits", "this console is not at the workspace: it opens no editor")
            return
        edit(self.console_app, seed_file(self.console_app.folder, self.bench.name))
