"""What the actions of the floor do."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from factory_tui.console.deeds.everywhere import go
from factory_tui.console.screens.floor import FloorScreen
from factory_tui.console.widgets.floor_table import FloorTable

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp


def _in_table(do: Callable[[FloorTable], object], app: "ConsoleApp") -> None:
    for table in app.screen.query(FloorTable):
        do(table)


def _preset(key: str, app: "ConsoleApp") -> None:
    """Lay the floor out as the preset on that key says, from wherever one is."""
    found = next((preset for preset in app.presets.values() if preset.key == key), None)
    if found is None:
        app.say("waits", f"no preset is on {key.upper()}; [ui.presets] in config.toml can put one there")
        return
    go(app, "floor")
    for screen in app.screen_stack[:1]:
        if isinstance(screen, FloorScreen):
            screen.apply(found)


FLOOR: dict[str, Callable[["ConsoleApp"], object]] = {
    **{f"floor.preset-{number}": partial(_preset, f"f{number + 1}") for number in (1, 2, 3)},
    "floor.sort-next": partial(_in_table, lambda table: table.sort_next(1)),
    "floor.sort-before": partial(_in_table, lambda table: table.sort_next(-1)),
    "floor.turn": partial(_in_table, lambda table: table.turn()),
}
