"""What the workshop's actions do."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp
    from factory_tui.console.screens.workshop import WorkshopScreen


def in_workshop(app: "ConsoleApp", do: "Callable[[WorkshopScreen], None]") -> None:
    """Do it to the workshop, if that is in front."""
    from factory_tui.console.screens.workshop import WorkshopScreen  # noqa: PLC0415 - loaded if it is open

    if isinstance(app.screen, WorkshopScreen):
        do(app.screen)


def _of(do: "Callable[[WorkshopScreen], None]") -> "Callable[[ConsoleApp], None]":
    return lambda app: in_workshop(app, do)


WORKSHOP: dict[str, Callable[["ConsoleApp"], object]] = {
    "workshop.older": _of(lambda screen: screen.turn(1)),
    "workshop.newer": _of(lambda screen: screen.turn(-1)),
    "workshop.diff": _of(lambda screen: screen.show("diff")),
    "workshop.lint": _of(lambda screen: screen.show("problems")),
    "workshop.edit": _of(lambda screen: screen.edit()),
    "workshop.use": _of(lambda screen: screen.use()),
    "workshop.restart": _of(lambda screen: screen.restart()),
    "workshop.fork": _of(lambda screen: screen.fork()),
    "workshop.compare": _of(lambda screen: screen.show("compare")),
    "workshop.fault-429": _of(lambda screen: screen.fault("429")),
    "workshop.fault-500": _of(lambda screen: screen.fault("500")),
    "workshop.fault-latency": _of(lambda screen: screen.latency()),
    "workshop.fault-none": _of(lambda screen: screen.fault("")),
    "workshop.confirm": _of(lambda screen: screen.confirm()),
}
