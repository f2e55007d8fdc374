"""One line at the foot of a screen that is taken in as it is typed: a filter, a search."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp


EARLIER = 20
"""Texts that are kept."""


class Prompt(Input):
    """Enter keeps what was typed, esc puts back what there was before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("up", "earlier(-1)", show=False),
        Binding("down", "earlier(1)", show=False),
    ]

    def __init__(self, hint: str, before: str, take: Callable[[str], str], earlier: list[str] | None = None) -> None:
        """`take`: does what the text says; what is wrong with it, or nothing. What is kept joins the `earlier` ones."""
        super().__init__(before, placeholder=hint, compact=True, select_on_focus=False)
        self._before = before
        self._take = take
        self._earlier = [] if earlier is None else earlier
        self._at = len(self._earlier)

    def on_mount(self) -> None:
        """Typed into at once."""
        self.focus()

    @on(Input.Changed)
    def typed(self, event: Input.Changed) -> None:
        """At every letter; half a word may well be wrong, and is no trouble yet."""
        event.stop()
        self._take(event.value)
        self._app.flush()

    @on(Input.Submitted)
    def entered(self, event: Input.Submitted) -> None:
        """Keep it, or say what is wrong with it."""
        event.stop()
        wrong = self._take(event.value)
        if wrong:
            self._app.say("bad", wrong)
        else:
            self._remember(event.value.strip())
            self.remove()
        self._app.flush()

    def _remember(self, text: str) -> None:
        if text:
            kept = [one for one in self._earlier if one != text]
            self._earlier[:] = [*kept, text][-EARLIER:]

    def action_earlier(self, by: int) -> None:
        """What was kept before it, or after; past the newest, what there was when it began."""
        self._at = max(0, min(self._at + by, len(self._earlier)))
        self.value = [*self._earlier, self._before][self._at]
        self.cursor_position = len(self.value)

    def action_leave(self) -> None:
        """As it was before."""
        self._take(self._before)
        self.remove()
        self._app.flush()

    def on_blur(self) -> None:
        """Something else came to the front: what was typed stays."""
        self.remove()

    @property
    def _app(self) -> "ConsoleApp":
        return cast("ConsoleApp", self.app)
