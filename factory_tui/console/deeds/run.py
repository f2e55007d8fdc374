"""What the actions of the run screen do."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from factory_tui.console.widgets.tail import TailView

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp


def _follow(app: "ConsoleApp") -> None:
    for tail in app.screen.query(TailView):
        tail.follow()


RUN: dict[str, Callable[["ConsoleApp"], object]] = {"trace.follow": _follow}
