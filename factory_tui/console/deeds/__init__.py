"""What each action of the table does: opens a screen, asks a question, or sends a command. One module a screen."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from factory_tui.console.deeds.burn import BURN
from factory_tui.console.deeds.everywhere import EVERYWHERE
from factory_tui.console.deeds.floor import FLOOR
from factory_tui.console.deeds.inbox import INBOX
from factory_tui.console.deeds.past import PAST
from factory_tui.console.deeds.run import RUN
from factory_tui.console.deeds.runs import RUNS
from factory_tui.console.deeds.workshop import WORKSHOP

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp

DEEDS: dict[str, Callable[["ConsoleApp"], object]] = {
    **FLOOR,
    **RUN,
    **INBOX,
    **WORKSHOP,
    **BURN,
    **PAST,
    **RUNS,
    **EVERYWHERE,
}
