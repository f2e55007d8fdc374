"""What the actions of every screen do: go, move, choose a pane, filter, and what is about the whole floor."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from factory_tui.console.deeds.runs import ask
from factory_tui.console.places import PLACES
from factory_tui.console.screens.place import Place
from factory_tui.console.themes import THEMES
from factory_tui.console.trail import Stop
from factory_tui.domain import commands as c
from factory_tui.domain.state import OVER

if TYPE_CHECKING:
    from factory_tui.console.action import Scope
    from factory_tui.console.app import ConsoleApp
    from factory_tui.console.widgets.pane import Motion


def go(app: "ConsoleApp", scope: "Scope") -> None:
    """To a screen, over the floor: whatever lay in between is left, a dialog is not."""
    if _show(app, scope):
        app.trail.visit(Stop(app.scope, app.chosen))


def _show(app: "ConsoleApp", scope: "Scope") -> bool:
    from factory_tui.console.screens.help import HelpScreen  # noqa: PLC0415 - loaded if it is open

    if isinstance(app.screen, HelpScreen):
        app.pop_screen()
    if scope == app.scope or not isinstance(app.screen, Place) or (scope == "run" and not app.chosen):
        return False
    while len(app.screen_stack) > app.bottom:
        app.pop_screen()
    if scope != "floor":
        app.push_screen(PLACES[scope]())
    return True


def _along(by: int, app: "ConsoleApp") -> None:
    """Along the trail: the screen and the run of that stop."""
    stop = app.trail.step(by) if isinstance(app.screen, Place) else None
    if stop is None:
        app.say("waits", "nothing lies further that way")
        return
    if stop.run in app.mirror.state.runs:
        app.chosen = stop.run
    _show(app, stop.scope)


def _in_place(do: "Callable[[Place], object]", app: "ConsoleApp") -> None:
    if isinstance(app.screen, Place):
        do(app.screen)


def _back(app: "ConsoleApp") -> None:
    if not isinstance(app.screen, Place) or app.screen.back():
        return
    if app.then and app.leaves_the_past:
        app.to_now()
    elif app.scope != "floor":
        app.pop_screen()
        app.trail.visit(Stop(app.scope, app.chosen))


def _filter(app: "ConsoleApp") -> None:
    from factory_tui.console.widgets.bars import KeyBar  # noqa: PLC0415 - with the prompt
    from factory_tui.console.widgets.prompt import Prompt  # noqa: PLC0415 - inputs are slow to import

    pane = app.screen.filterable if isinstance(app.screen, Place) else None
    if pane is None or app.screen.query(Prompt):
        return
    hint = f"{pane.SOUGHT}: words, !words{''.join(f', {name}:' for name in pane.FIELDS)}"
    app.screen.mount(Prompt(hint, pane.filter.text, pane.narrow, pane.earlier), before=app.screen.query_one(KeyBar))


def _emergency(app: "ConsoleApp") -> None:
    if not app.mirror.state.frozen:
        app.send(c.EmergencyStop())
    elif c.RANK[app.mirror.role] < c.RANK[c.LEAST_ROLE[c.Thaw]]:
        app.say("waits", "the floor is frozen; thawing needs the role admin")
    else:
        ask(app, ("Thaw the floor?", "Every run goes on from where it was frozen.", "Thaw"), c.Thaw())


def _stop_engine(app: "ConsoleApp") -> None:
    running = sum(1 for run in app.mirror.state.runs.values() if run.state not in OVER)
    body = f"{running} runs have not ended. They go on from where they are when an engine starts again."
    ask(app, ("Stop the engine?", body, "Stop it"), c.StopEngine())


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


_MOTIONS: "tuple[Motion, ...]" = ("up", "down", "left", "right", "page-up", "page-down", "first", "last")
_GO: "tuple[Scope, ...]" = ("floor", "run", "inbox", "workshop", "burn", "journal")

EVERYWHERE: dict[str, Callable[["ConsoleApp"], object]] = {
    **{f"go.{scope}": partial(lambda scope, app: go(app, scope), scope) for scope in _GO},
    "open": partial(_in_place, lambda place: place.enter()),
    **{f"move.{name}": partial(_in_place, partial(lambda name, place: place.go(name), name)) for name in _MOTIONS},
    "pane.next": partial(_in_place, lambda place: place.next_pane(1)),
    "pane.before": partial(_in_place, lambda place: place.next_pane(-1)),
    "pane.zoom": partial(_in_place, lambda place: place.zoom()),
    "filter": _filter,
    "back": _back,
    "history.back": partial(_along, -1),
    "history.forward": partial(_along, 1),
    "palette": _palette,
    "help": _help,
    "detach": lambda app: app.exit(),
    "emergency": _emergency,
    "engine.stop": _stop_engine,
    "theme": _theme,
}
