"""What the actions of the floor do."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from factory_tui.console.widgets.floor_table import FloorTable

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp


def _in_table(do: Callable[[FloorTable], object], app: "ConsoleApp") -> None:
    for table in app.screen.query(FloorTable):
        do(table)


FLOOR: dict[str, Callable[["ConsoleApp"], object]] = {
    "floor.sort-next": partial(_in_table, lambda table: table.sort_next(1)),
    "floor.sort-before": partial(_in_table, lambda table: table.sort_next(-1)),
    "floor.turn": partial(_in_table, lambda table: table.turn()),
}
