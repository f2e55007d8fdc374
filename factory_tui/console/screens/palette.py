"""The palette: the action table by name."""

from contextlib import suppress
from typing import TYPE_CHECKING, cast

from textual import on
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.widgets import Input
from textual.worker import WorkerCancelled

from factory_tui.console.action import Action
from factory_tui.console.offering import palette, shown
from factory_tui.console.screens.dialog import EndsOnce

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp


class Actions(Provider):
    """Offers what can be done on the screen below, by this role."""

    @property
    def _console(self) -> "ConsoleApp":
        return cast("ConsoleApp", self.app)

    def _entries(self) -> list[tuple[str, Action]]:
        app = self._console
        return [
            (action.palette.format(run=app.chosen), action)
            for action in palette(app.scope, app.mirror.role)
            if app.offers(action.id)
        ]

    def _help(self, action: Action) -> str:
        keys = " ".join(shown(key) for key in self._console.keys[action.id])
        return f"{action.text}{f' Key: {keys}' if keys else ''}"

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for name, action in self._entries():
            yield DiscoveryHit(Content(name), self._do(action), text=name, help=self._help(action))

    async def search(self, query: str) -> Hits:
        """What fits the typed text."""
        matcher = self.matcher(query)
        for name, action in self._entries():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, Content(name), self._do(action), text=name, help=self._help(action))

    def _do(self, action: Action) -> "_Deed":
        return _Deed(self._console, action.id)


class _Deed:
    """Done once, however often it was chosen in one burst."""

    def __init__(self, app: "ConsoleApp", action: str) -> None:
        self._app, self._action = app, action

    def __call__(self) -> None:
        action, self._action = self._action, ""
        if action:
            self._app.action_act(action)


class Palette(CommandPalette, EndsOnce[None]):
    """Textual's, in our looks."""

    CSS_PATH = "dialog.tcss"

    @on(Input.Submitted)
    async def entered(self) -> None:
        """What is done is what the words find, not what they found some letters ago; Textual's own handler does it."""
        for search in [worker for worker in self.workers if worker.node is self]:
            with suppress(WorkerCancelled):
                await search.wait()


def open_palette(app: "ConsoleApp") -> None:
    """Open it over the current screen."""
    if not isinstance(app.screen, CommandPalette):
        app.push_screen(Palette(providers=[Actions], placeholder="Type what you want to do"))
