"""What the actions about a run do, whatever the screen: ask what has to be asked, send the command."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from factory_tui.console.actions import BY_ID
from factory_tui.console.bench import offered
from factory_tui.console.deeds.workshop import in_workshop
from factory_tui.console.figures import money
from factory_tui.console.offering import makes_sense
from factory_tui.domain import commands as c
from factory_tui.domain.state import OVER, Run

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp
    from factory_tui.domain.commands import Command


def ask(app: "ConsoleApp", words: tuple[str, str, str], command: "Command", name: str = "") -> None:
    """A question first: its title, what there is to know, the word for yes; with `name` that has to be typed."""
    from factory_tui.console.screens.questions import sure  # noqa: PLC0415 - buttons are slow to import

    sure(app, words, command, name)


def _new(app: "ConsoleApp") -> None:
    from factory_tui.console.screens.choose import ChooseSeed  # noqa: PLC0415 - inputs are slow to import

    state = app.mirror.state
    seeds = offered(state)
    in_workshop(app, lambda screen: seeds.sort(key=lambda name: screen.bench is None or name != screen.bench.name))
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
    """The run's open question."""
    from factory_tui.console.screens.questions import answer  # noqa: PLC0415 - inputs are slow to import

    run, state = app.mirror.run(app.chosen), app.mirror.state
    asked = state.escalations.get(run.escalation) if run else None
    if asked is None:
        app.say("waits", "nothing is asked here")
    else:
        answer(app, asked, app.send)


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
    if run is None or not makes_sense("run.diff", run):
        app.say("waits", "no pass has an output yet")
        return
    made = [item.number for item in run.passes if item.commit]
    marked = sorted(app.marked.get(run.id, ())) if app.scope == "run" else []
    missing = [number for number in marked if number not in made]
    number = app.place.pass_under_cursor if app.place else None
    if len(marked) == 2 and missing:
        app.say("waits", f"pass {missing[0]} has no output")
    elif len(marked) == 2:
        app.push_screen(DiffScreen(run.id, (marked[0], marked[1])))
    elif number is not None and number not in made:
        app.say("waits", f"pass {number} has no output yet")
    elif number is not None:
        app.push_screen(DiffScreen(run.id, (max([one for one in made if one < number], default=0), number)))
    else:
        app.push_screen(DiffScreen(run.id))


def _shell(app: "ConsoleApp") -> None:
    run = app.mirror.run(app.chosen)
    if app.folder is None:
        app.say("waits", "a shell opens at the engine's own machine only")
    elif run is None or not makes_sense("run.shell", run):
        app.say("waits", "no cell is up, and no pass has an output yet")
    else:
        from factory_tui.console.screens.questions import shell  # noqa: PLC0415 - inputs are slow to import

        shell(app, run, app.folder, app.place.pass_under_cursor if app.place else None)


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


def _stop(app: "ConsoleApp") -> None:
    run = app.mirror.run(app.chosen)
    if run is None or run.state in OVER:
        app.say("waits", "nothing to stop here")
        return
    ask(app, (f"Stop {run.id} for good?", _at_stake(run), "Stop it"), c.Stop(run.id), run.id)


def _release(app: "ConsoleApp") -> None:
    run = app.mirror.run(app.chosen)
    if run is None or not makes_sense("run.release", run):
        app.say("waits", "nothing to release here")
        return
    found = run.why.partition(" Nothing of it")[0]
    body = f"{found}\n\nIt may reach the agent then. No pass of {run.id} by now ships; a later one may."
    ask(app, (f"Release {run.id}?", body, "Release it"), c.Release(run.id))


def _at_stake(run: Run) -> str:
    spent = f"{money(run.burn.money)}{' (rehearsal)' if run.rehearsal else ''}"
    newest = run.current
    unshipped = f"pass {newest.number}, {newest.files} files" if newest and newest.commit else "nothing yet"
    return (
        f"It is {run.state} and has spent {spent}.\nCells that close: {len(run.cells)}\nNot shipped: {unshipped}\n\n"
        "Its passes and its trace stay. A stopped run does not come back."
    )


RUNS: dict[str, Callable[["ConsoleApp"], object]] = {
    "run.answer": _answer,
    "run.new": _new,
    "run.pause": _pause,
    "run.pause-now": _pause_now,
    **{f"run.{name}": partial(_about, name) for name in ("steer", "reseed", "escalate", "restart", "fork", "cap")},
    "run.diff": _diff,
    "run.shell": _shell,
    "run.undo": _undo,
    "run.release": _release,
    "run.stop": _stop,
}
