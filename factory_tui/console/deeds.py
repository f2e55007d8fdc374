"""What each action of the table does: opens a screen, asks a question, or sends a command."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from factory_tui.console.actions import BY_ID
from factory_tui.console.bench import offered
from factory_tui.console.figures import money
from factory_tui.console.offering import makes_sense
from factory_tui.console.places import PLACES
from factory_tui.console.screens.place import Place
from factory_tui.console.themes import THEMES
from factory_tui.console.widgets.tail import TailView
from factory_tui.domain import commands as c
from factory_tui.domain.state import OVER, Run

if TYPE_CHECKING:
    from factory_tui.console.action import Scope
    from factory_tui.console.app import ConsoleApp
    from factory_tui.console.screens.inbox import InboxScreen
    from factory_tui.console.screens.workshop import WorkshopScreen


def _move(app: "ConsoleApp", rows: int) -> None:
    names = [run.id for run in app.mirror.runs()]
    if names:
        at = names.index(app.chosen) if app.chosen in names else 0
        app.choose(names[max(0, min(at + rows, len(names) - 1))])


def _open(app: "ConsoleApp") -> None:
    if app.mirror.run(app.chosen) and app.scope != "run":
        app.push_screen(PLACES["run"]())


def _go(app: "ConsoleApp", scope: "Scope") -> None:
    """To a screen, over the floor: whatever lay in between is left, a dialog is not."""
    from factory_tui.console.screens.help import HelpScreen  # noqa: PLC0415 - loaded if it is open

    if isinstance(app.screen, HelpScreen):
        app.pop_screen()
    if scope == app.scope or not isinstance(app.screen, Place) or (scope == "run" and not app.chosen):
        return
    while len(app.screen_stack) > 1:
        app.pop_screen()
    if scope != "floor":
        app.push_screen(PLACES[scope]())


def _back(app: "ConsoleApp") -> None:
    if app.scope != "floor":
        app.pop_screen()


def _scroll(app: "ConsoleApp", pages: float, rows: int = 0) -> None:
    for tail in app.screen.query(TailView):
        tail.scroll(rows or int(pages * max(1, tail.size.height - 3)))


def _follow(app: "ConsoleApp") -> None:
    for tail in app.screen.query(TailView):
        tail.follow()


def _in_inbox(app: "ConsoleApp", do: "Callable[[InboxScreen], None]") -> None:
    from factory_tui.console.screens.inbox import InboxScreen  # noqa: PLC0415 - loaded if it is open

    if isinstance(app.screen, InboxScreen):
        do(app.screen)


def _in_workshop(app: "ConsoleApp", do: "Callable[[WorkshopScreen], None]") -> None:
    from factory_tui.console.screens.workshop import WorkshopScreen  # noqa: PLC0415 - loaded if it is open

    if isinstance(app.screen, WorkshopScreen):
        do(app.screen)


def _open_of_seed(app: "ConsoleApp") -> None:
    def opened(screen: "WorkshopScreen") -> None:
        if screen.run is None:
            app.say("waits", "no run of this seed to open; n starts one")
        else:
            app.choose(screen.run.id)
            _open(app)

    _in_workshop(app, opened)


def _in_burn(app: "ConsoleApp", pages: int) -> None:
    from factory_tui.console.screens.burn import BurnScreen  # noqa: PLC0415 - loaded if it is open

    if isinstance(app.screen, BurnScreen):
        app.screen.passes.scroll(pages)


def _pane(app: "ConsoleApp") -> None:
    app.screen.toggle_class("-verdicts")


def _new(app: "ConsoleApp") -> None:
    from factory_tui.console.screens.choose import ChooseSeed  # noqa: PLC0415 - inputs are slow to import

    state = app.mirror.state
    seeds = offered(state)
    _in_workshop(app, lambda screen: seeds.sort(key=lambda name: screen.bench is None or name != screen.bench.name))
    newest = max(state.runs.values(), key=lambda run: run.queued_at, default=None)

    def chosen(command: c.StartRun | None) -> None:
        if command:
            app.send(command)

    app.push_screen(ChooseSeed(seeds, newest.ledger if newest else "rehearsal"), chosen)


def _pause(app: "ConsoleApp") -> None:
    run = app.mirror.run(app.chosen)
    if run is None or run.state in OVER:
        app.say("waits", "nothing to pause here")
    elif run.state in ("paused", "held"):
        app.send(c.Resume(run.id))
    else:
        app.send(c.Pause(run.id))


def _answer(app: "ConsoleApp") -> None:
    """The question under the inbox's cursor while it is open, else the run's open one."""
    from factory_tui.console.screens.inbox import InboxScreen  # noqa: PLC0415 - opened by hand
    from factory_tui.console.screens.questions import answer  # noqa: PLC0415 - inputs are slow to import

    run, state = app.mirror.run(app.chosen), app.mirror.state
    asked = state.escalations.get(run.escalation) if run else None
    item = app.screen.list.item if isinstance(app.screen, InboxScreen) else None
    if item and item.asked and not item.answered:
        asked = item.asked
    if asked is None:
        app.say("waits", "nothing is asked here")
    else:
        answer(app, asked)


def _about(question: str, app: "ConsoleApp") -> None:
    """Open one of the dialogs of `screens.questions` about the chosen run, if that makes sense now."""
    from factory_tui.console.screens import questions  # noqa: PLC0415 - inputs are slow to import

    run = app.mirror.run(app.chosen)
    action = f"run.{question}"
    if run is None or not makes_sense(action, run):
        why = f"not of a run that {f'is {run.state}' if run else 'is not there'}"
        said = "no pass has an output yet" if run and action == "run.fork" else why
        app.say("waits", f"{BY_ID[action].verb}: {said}")
    else:
        questions.ABOUT_RUN[question](app, run)


def _diff(app: "ConsoleApp") -> None:
    from factory_tui.console.screens.diff import DiffScreen  # noqa: PLC0415 - opened by hand

    run = app.mirror.run(app.chosen)
    if run is not None and makes_sense("run.diff", run):
        app.push_screen(DiffScreen(run.id))
    else:
        app.say("waits", "no pass has an output yet")


def _shell(app: "ConsoleApp") -> None:
    run = app.mirror.run(app.chosen)
    if app.folder is None:
        app.say("waits", "a shell opens at the engine's own machine only")
    elif run is None or not makes_sense("run.shell", run):
        app.say("waits", "no cell is up, and no pass has an output yet")
    else:
        from factory_tui.console.screens.questions import shell  # noqa: PLC0415 - inputs are slow to import

        shell(app, run, app.folder)


def _undo(app: "ConsoleApp") -> None:
    run = app.mirror.run(app.chosen)
    if run is not None and makes_sense("run.undo", run):
        app.send(c.Undo(run.id))
    else:
        app.say("waits", "nothing to undo here")


def _pause_now(app: "ConsoleApp") -> None:
    run = app.mirror.run(app.chosen)
    if run is not None and makes_sense("run.pause-now", run):
        app.send(c.Pause(run.id, now=True))
    else:
        app.say("waits", "nothing to pause here")


def _ask(app: "ConsoleApp", words: tuple[str, str, str], command: c.Command, name: str = "") -> None:
    from factory_tui.console.screens.questions import sure  # noqa: PLC0415 - buttons are slow to import

    sure(app, words, command, name)


def _stop(app: "ConsoleApp") -> None:
    run = app.mirror.run(app.chosen)
    if run is None or run.state in OVER:
        app.say("waits", "nothing to stop here")
        return
    _ask(app, (f"Stop {run.id} for good?", _at_stake(run), "Stop it"), c.Stop(run.id), run.id)


def _release(app: "ConsoleApp") -> None:
    run = app.mirror.run(app.chosen)
    if run is None or not makes_sense("run.release", run):
        app.say("waits", "nothing to release here")
        return
    found = run.why.partition(" Nothing of it")[0]
    body = f"{found}\n\nIt may reach the agent then. No pass of {run.id} by now ships; a later one may."
    _ask(app, (f"Release {run.id}?", body, "Release it"), c.Release(run.id))


def _at_stake(run: Run) -> str:
    spent = f"{money(run.burn.money)}{' (rehearsal)' if run.rehearsal else ''}"
    newest = run.current
    unshipped = f"pass {newest.number}, {newest.files} files" if newest and newest.commit else "nothing yet"
    return (
        f"It is {run.state} and has spent {spent}.\nCells that close: {len(run.cells)}\nNot shipped: {unshipped}\n\n"
        "Its passes and its trace stay. A stopped run does not come back."
    )


def _emergency(app: "ConsoleApp") -> None:
    if not app.mirror.state.frozen:
        app.send(c.EmergencyStop())
    elif c.RANK[app.mirror.role] < c.RANK[c.LEAST_ROLE[c.Thaw]]:
        app.say("waits", "the floor is frozen; thawing needs the role admin")
    else:
        _ask(app, ("Thaw the floor?", "Every run goes on from where it was frozen.", "Thaw"), c.Thaw())


def _stop_engine(app: "ConsoleApp") -> None:
    running = sum(1 for run in app.mirror.state.runs.values() if run.state not in OVER)
    body = f"{running} runs have not ended. They go on from where they are when an engine starts again."
    _ask(app, ("Stop the engine?", body, "Stop it"), c.StopEngine())


def _help(app: "ConsoleApp") -> None:
    from factory_tui.console.screens.help import HelpScreen  # noqa: PLC0415 - opened by hand

    app.push_screen(HelpScreen(app.scope))


def _palette(app: "ConsoleApp") -> None:
    from factory_tui.console.screens.palette import open_palette  # noqa: PLC0415 - slow to import

    open_palette(app)


def _theme(app: "ConsoleApp") -> None:
    names = list(THEMES)
    app.theme = names[(names.index(app.theme) + 1) % len(names)]
    app.say("good", f"theme: {app.theme}")


DEEDS: dict[str, Callable[["ConsoleApp"], object]] = {
    "floor.open": _open,
    "floor.up": lambda app: _move(app, -1),
    "floor.down": lambda app: _move(app, 1),
    "floor.first": lambda app: _move(app, -10_000),
    "floor.last": lambda app: _move(app, 10_000),
    "go.floor": lambda app: _go(app, "floor"),
    "go.run": lambda app: _go(app, "run"),
    "go.inbox": lambda app: _go(app, "inbox"),
    "go.burn": lambda app: _go(app, "burn"),
    "go.workshop": lambda app: _go(app, "workshop"),
    "workshop.open": _open_of_seed,
    "workshop.up": lambda app: _in_workshop(app, lambda screen: screen.move(-1)),
    "workshop.down": lambda app: _in_workshop(app, lambda screen: screen.move(1)),
    "workshop.older": lambda app: _in_workshop(app, lambda screen: screen.turn(1)),
    "workshop.newer": lambda app: _in_workshop(app, lambda screen: screen.turn(-1)),
    "workshop.run-before": lambda app: _in_workshop(app, lambda screen: screen.pick(1)),
    "workshop.run-after": lambda app: _in_workshop(app, lambda screen: screen.pick(-1)),
    "workshop.page-up": lambda app: _in_workshop(app, lambda screen: screen.page(-1)),
    "workshop.page-down": lambda app: _in_workshop(app, lambda screen: screen.page(1)),
    "workshop.pane": lambda app: _in_workshop(app, lambda screen: screen.pane()),
    "workshop.diff": lambda app: _in_workshop(app, lambda screen: screen.show("diff")),
    "workshop.lint": lambda app: _in_workshop(app, lambda screen: screen.show("problems")),
    "workshop.edit": lambda app: _in_workshop(app, lambda screen: screen.edit()),
    "workshop.use": lambda app: _in_workshop(app, lambda screen: screen.use()),
    "workshop.restart": lambda app: _in_workshop(app, lambda screen: screen.restart()),
    "workshop.confirm": lambda app: _in_workshop(app, lambda screen: screen.confirm()),
    "burn.page-up": lambda app: _in_burn(app, -1),
    "burn.page-down": lambda app: _in_burn(app, 1),
    "run.back": _back,
    "inbox.open": _open,
    "inbox.up": lambda app: _in_inbox(app, lambda screen: screen.list.move(-1)),
    "inbox.down": lambda app: _in_inbox(app, lambda screen: screen.list.move(1)),
    "inbox.page-up": lambda app: _in_inbox(app, lambda screen: screen.evidence.scroll(-1)),
    "inbox.page-down": lambda app: _in_inbox(app, lambda screen: screen.evidence.scroll(1)),
    "run.answer": _answer,
    "trace.follow": _follow,
    "trace.up": lambda app: _scroll(app, 0, -1),
    "trace.down": lambda app: _scroll(app, 0, 1),
    "trace.page-up": lambda app: _scroll(app, -1),
    "trace.page-down": lambda app: _scroll(app, 1),
    "trace.top": lambda app: _scroll(app, 0, -100_000),
    "run.pane": _pane,
    "run.new": _new,
    "run.pause": _pause,
    "run.pause-now": _pause_now,
    **{f"run.{name}": partial(_about, name) for name in ("steer", "reseed", "escalate", "restart", "fork", "cap")},
    "run.diff": _diff,
    "run.shell": _shell,
    "run.undo": _undo,
    "run.release": _release,
    "run.stop": _stop,
    "palette": _palette,
    "help": _help,
    "detach": lambda app: app.exit(),
    "emergency": _emergency,
    "engine.stop": _stop_engine,
    "theme": _theme,
}
