"""What the actions that look back do."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp


def _past(app: "ConsoleApp") -> None:
    """From the past to now; else to the event under the journal's cursor, or to the newest act."""
    from factory_tui.console.screens.journal import JournalScreen  # noqa: PLC0415 - loaded if it is open

    if app.then:
        app.to_now()
    elif isinstance(app.screen, JournalScreen):
        app.screen.see()
    else:
        app.visit_newest()


def _earlier(app: "ConsoleApp") -> None:
    if app.then:
        app.step(later=False)
    else:
        _past(app)


def _walk(app: "ConsoleApp") -> None:
    from factory_tui.console.screens.journal import JournalScreen  # noqa: PLC0415 - loaded if it is open

    if isinstance(app.screen, JournalScreen):
        app.screen.walk()


PAST: dict[str, Callable[["ConsoleApp"], object]] = {
    "past": _past,
    "past.earlier": _earlier,
    "past.later": lambda app: app.step(later=True),
    "since": lambda app: app.brief(),
    "journal.walk": _walk,
}
