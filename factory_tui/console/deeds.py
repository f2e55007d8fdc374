"""What each action of the table does: opens a screen, asks a question, or sends a command."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from factory_tui.console.figures import money
from factory_tui.console.screens.run import RunScreen
from factory_tui.console.themes import THEMES
from factory_tui.domain import commands as c
from factory_tui.domain.reducer import OVER
from factory_tui.domain.state import Run

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp


def _move(app: "ConsoleApp", rows: int) -> None:
    names = [run.id for run in app.mirror.runs()]
    if names:
        at = names.index(app.chosen) if app.chosen in names else 0
        app.choose(names[max(0, min(at + rows, len(names) - 1))])


def _open(app: "ConsoleApp") -> None:
    if app.mirror.run(app.chosen) and app.scope == "floor":
        app.scope = "run"
        app.push_screen(RunScreen())


def _back(app: "ConsoleApp") -> None:
    if app.scope == "run":
        app.scope = "floor"
        app.pop_screen()


def _scroll(app: "ConsoleApp", pages: float, rows: int = 0) -> None:
    if isinstance(app.screen, RunScreen):
        tail = app.screen.tail
        tail.scroll(rows or int(pages * max(1, tail.size.height - 3)))


def _follow(app: "ConsoleApp") -> None:
    if isinstance(app.screen, RunScreen):
        app.screen.tail.follow()


def _pane(app: "ConsoleApp") -> None:
    app.screen.toggle_class("-verdicts")


def _new(app: "ConsoleApp") -> None:
    from factory_tui.console.screens.choose import ChooseSeed  # noqa: PLC0415 - inputs are slow to import

    state = app.mirror.state
    seeds = sorted({*state.engine.seeds, *state.counts})
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


def _ask(app: "ConsoleApp", words: tuple[str, str, str], command: c.Command, name: str = "") -> None:
    from factory_tui.console.screens.confirm import Confirm  # noqa: PLC0415 - buttons are slow to import

    def answered(yes: bool | None) -> None:
        if yes:
            app.send(command)

    app.push_screen(Confirm(*words, name), answered)


def _stop(app: "ConsoleApp") -> None:
    run = app.mirror.run(app.chosen)
    if run is None or run.state in OVER:
        app.say("waits", "nothing to stop here")
        return
    _ask(app, (f"Stop {run.id} for good?", _at_stake(run), "Stop it"), c.Stop(run.id), run.id)


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
    "run.back": _back,
    "trace.follow": _follow,
    "trace.up": lambda app: _scroll(app, 0, -1),
    "trace.down": lambda app: _scroll(app, 0, 1),
    "trace.page-up": lambda app: _scroll(app, -1),
    "trace.page-down": lambda app: _scroll(app, 1),
    "trace.top": lambda app: _scroll(app, 0, -100_000),
    "run.pane": _pane,
    "run.new": _new,
    "run.pause": _pause,
    "run.stop": _stop,
    "palette": _palette,
    "help": _help,
    "detach": lambda app: app.exit(),
    "emergency": _emergency,
    "engine.stop": _stop_engine,
    "theme": _theme,
}
