"""What the burn screen's actions do."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from factory_tui.burn.report import rows

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp


def _turn(what: str, app: "ConsoleApp") -> None:
    from factory_tui.console.screens.burn import BurnScreen  # noqa: PLC0415 - loaded if it is open

    if isinstance(app.screen, BurnScreen):
        app.screen.turn(what)


def _export(app: "ConsoleApp") -> None:
    """Into a new file of the workspace: nothing is overwritten."""
    from factory_tui.console.screens.burn import BurnScreen  # noqa: PLC0415 - loaded if it is open

    if not isinstance(app.screen, BurnScreen):
        return
    window = app.screen.window
    if app.folder is None:
        app.say("waits", f"this console writes no file: factory-tui burn --csv --window {window}, at the workspace")
        return
    if not app.mirror.read:
        app.say("waits", "the journal is not read to its end yet")
        return
    now = app.clock()
    path = app.folder / f"burn-{datetime.fromtimestamp(now / 1000, UTC):%Y%m%dT%H%M%SZ}-{window}.csv"
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows(app.mirror.book, now, window))
    except OSError as error:
        app.say("bad", f"{path}: {error.strerror}")
    else:
        app.say("good", f"written: {path.name}, in {app.folder}")


BURN: dict[str, Callable[["ConsoleApp"], object]] = {
    **{f"burn.{what}": partial(_turn, what) for what in ("group", "window", "unit", "ledger", "sort")},
    "burn.export": _export,
}
