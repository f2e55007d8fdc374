"""Which screen is behind which key: `go.NAME` of the action table opens PLACES[NAME].

A screen is imported when it is first opened. The floor is no part of this: it is always there, below all others.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory_tui.console.action import Scope
    from factory_tui.console.screens.place import Place


def _run() -> "Place":
    from factory_tui.console.screens.run import RunScreen  # noqa: PLC0415 - opened by hand

    return RunScreen()


def _inbox() -> "Place":
    from factory_tui.console.screens.inbox import InboxScreen  # noqa: PLC0415 - opened by hand

    return InboxScreen()


def _workshop() -> "Place":
    from factory_tui.console.screens.workshop import WorkshopScreen  # noqa: PLC0415 - opened by hand

    return WorkshopScreen()


def _burn() -> "Place":
    from factory_tui.console.screens.burn import BurnScreen  # noqa: PLC0415 - opened by hand

    return BurnScreen()


def _journal() -> "Place":
    from factory_tui.console.screens.journal import JournalScreen  # noqa: PLC0415 - opened by hand

    return JournalScreen()


PLACES: "dict[Scope, Callable[[], Place]]" = {
    "run": _run,
    "inbox": _inbox,
    "workshop": _workshop,
    "burn": _burn,
    "journal": _journal,
}
