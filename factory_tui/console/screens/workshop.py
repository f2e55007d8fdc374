"""The workshop: the workspace's seeds, each with its text and revisions, its scenarios, its twins and its loop."""

from typing import TYPE_CHECKING, ClassVar, Literal

from textual.containers import Container, Vertical

from factory_tui.console.bench import Bench, behind, benches, revisions
from factory_tui.console.comparing import pair
from factory_tui.console.keys import bindings
from factory_tui.console.screens.place import Place, layout
from factory_tui.console.widgets.bars import Header, KeyBar
from factory_tui.console.widgets.judged import Judged, SeedLoop
from factory_tui.console.widgets.pane import Motion, Pane
from factory_tui.console.widgets.seeds import Page, Revisions, SeedList
from factory_tui.console.widgets.sheet import Sheet
from factory_tui.console.widgets.twins import TwinList
from factory_tui.domain import commands as c
from factory_tui.domain.state import OVER

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from factory_tui.console.action import Scope
    from factory_tui.console.past import Revision
    from factory_tui.domain.state import Run, State

View = Literal["seed", "diff", "problems", "compare"]
_OF_THE_SEED = frozenset({"workshop.diff", "workshop.lint", "workshop.confirm", "workshop.compare"})
"""What is not offered while twins are looked at; its keys do what they do all the same."""
SPREAD = 160
"""Cells of a terminal from which on all pages are in sight."""


class WorkshopScreen(Place):
    """Two cursors: on a seed, and on one of its revisions; a third one, on its runs, says what u and R are about."""

    SCOPE: ClassVar["Scope"] = "workshop"
    PANES = (SeedList, Sheet, Judged, TwinList, SeedLoop, Revisions)
    PAGES: ClassVar[tuple[type[Page], ...]] = (Sheet, Judged, TwinList, SeedLoop)
    """Where they have no room beside each other, the one that was chosen last is in sight."""
    BINDINGS: ClassVar[list["BindingType"]] = bindings("workshop")

    def __init__(self) -> None:
        super().__init__()
        self._seed = ""
        self._revision = ""
        """The chosen one; empty: the newest."""
        self._view: View | None = None
        """None: what there is, the text or else what is wrong."""
        self._gathered: tuple[State, list[Bench]] | None = None
        self._page: type[Page] = Sheet

    def compose(self) -> "ComposeResult":
        """Header, seeds and revisions, the pages, keys."""
        self.add_class(layout(self.app.size.width))
        yield Header()
        with Container(id="bench"):
            with Vertical(id="shelf"):
                yield SeedList()
                yield Revisions()
            with Container(id="paper"):
                yield Sheet()
                yield Judged()
                yield TwinList()
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
        if isinstance(self.page, TwinList) and action in _OF_THE_SEED:
            return False
        match action:
            case "open":
                return run is not None
            case "workshop.fork":
                return self._forkable() == ""
            case "workshop.compare":
                return pair(self.console_app.mirror.state, run) is not None
            case "workshop.fault-429" | "workshop.fault-500" | "workshop.fault-latency":
                return isinstance(self.page, TwinList) and not self._unspoilt()
            case "workshop.fault-none":
                twin = self.query_one(TwinList).twin
                return isinstance(self.page, TwinList) and bool(run and twin and twin.name in run.faults)
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

    def show(self, view: View, *, stays: bool = False) -> None:
        """Put something on the sheet; once more puts the text back, unless it stays."""
        self._view = "seed" if self.view == view and not stays else view
        self.choose(self.query_one(Sheet))

    @property
    def spread(self) -> bool:
        """Whether all pages are in sight."""
        return self.app.size.width >= SPREAD

    @property
    def page(self) -> Page:
        """The one that is looked at: the chosen pane, else the page that was chosen last."""
        return self.pane if isinstance(self.pane, Page) else self.query_one(self._page)

    def fit_panes(self) -> None:
        """The page that is looked at is alone where there is no room for more; if narrow, below the seeds."""
        if isinstance(self.pane, Page) and not isinstance(self.pane, Revisions):
            self._page = type(self.pane)
        super().fit_panes()
        narrow = self.has_class("-narrow")
        shown = self.page if narrow else self.query_one(self._page)
        for page in self.query(Page):
            fixed = self.spread or (isinstance(page, Revisions) and not narrow)
            page.set_class(not fixed and page is not shown, "-off")
        self.set_class(isinstance(shown, Revisions), "-revisions")

    def go(self, motion: Motion) -> None:
        """What means nothing to the chosen pane is of the page that is looked at, else of the seeds."""
        asked: list[Pane] = [self.pane, self.page, self.query_one(SeedList)]
        any(pane.go(motion) for pane in dict.fromkeys(asked))

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

    def fork(self) -> None:
        """B: a run that begins with the output of the chosen one, A, and the newest revision. Both go on."""
        from factory_tui.console.screens.questions import sure  # noqa: PLC0415 - buttons are slow to import

        bench, run = self.bench, self.run
        if (why := self._forkable()) or bench is None or run is None:
            self.console_app.say("waits", why)
            return
        body = (
            f"A is {run.id} as it is, at revision {run.revision[:8]}: it does not change. B is a new run that begins "
            f"with its last output and revision {bench.view.revision[:8]}, with passes and money of its own.\n"
            "v compares them."
        )
        self.show("compare", stays=True)
        sure(self.console_app, (f"Fork {run.id} as A and B?", body, "Fork"), c.Fork(run.id, seed=run.seed))

    def _forkable(self) -> str:
        """Why there is no B to be had; empty where there is."""
        bench, run = self.bench, self.run
        if bench is None or run is None:
            return "no run of this seed to fork; n starts one"
        made = [item.revision for item in run.passes if item.commit]
        if not made:
            return f"no pass of {run.id} has an output yet"
        if not bench.view.revision or made[-1] == bench.view.revision:
            return f"{run.id} made its last output by the newest revision; change the seed first, or fork it by F there"
        return ""

    def fault(self, fault: str) -> None:
        """Have the twin under the cursor fail so for the chosen run; empty: no more."""
        run, twin = self.run, self.query_one(TwinList).twin
        if (why := self._unspoilt()) or run is None or twin is None:
            self.console_app.say("waits", why)
        elif not fault and twin.name not in run.faults:
            self.console_app.say("waits", f"{twin.name} of {run.id} answers as it is")
        else:
            self.console_app.send(c.SetFault(run.id, twin.name, fault))

    def latency(self) -> None:
        """The same, so many milliseconds late."""
        from factory_tui.console.screens.questions import late  # noqa: PLC0415 - inputs are slow to import

        run, twin = self.run, self.query_one(TwinList).twin
        if (why := self._unspoilt()) or run is None or twin is None:
            self.console_app.say("waits", why)
        else:
            late(self.console_app, run, twin.name)

    def _unspoilt(self) -> str:
        """Why no fault can be set; empty where one can: it marks a pass for good, so that no key sets one unseen."""
        run, twin = self.run, self.query_one(TwinList).twin
        if not (self.spread or isinstance(self.page, TwinList)):
            return "the twins are not looked at; tab goes to them"
        if twin is None:
            return "no twin is under the cursor"
        if run is None or run.state in OVER:
            return f"no run of this seed is at work; {twin.name} fails for a run, while it goes on"
        return "" if run.seed in twin.seeds else f"{run.id} has no twin {twin.name}"

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
