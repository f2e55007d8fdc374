"""What the actions of the run screen do."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from factory_tui.console.feed import RefusedError
from factory_tui.console.widgets.tail import TailView
from factory_tui.console.work import begin
from factory_tui.domain.hostile import one_line

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp

Do = Callable[["ConsoleApp"], object]


def _tail(do: Callable[[TailView], object], app: "ConsoleApp") -> None:
    for tail in app.screen.query(TailView):
        do(tail)


def _mark(app: "ConsoleApp") -> None:
    """The newest two that were marked are kept."""
    number = app.place.pass_under_cursor if app.place else None
    if number is None:
        app.say("waits", "the cursor is on no pass: tab to the verdicts first")
        return
    marked = app.marked.get(app.chosen, ())
    others = tuple(one for one in marked if one != number)
    app.marked[app.chosen] = others if number in marked else (*others, number)[-2:]


def _searched(app: "ConsoleApp") -> Iterator[TailView]:
    """The trace, if something is searched in it."""
    for tail in app.screen.query(TailView):
        if tail.filter.terms:
            yield tail
        else:
            app.say("waits", "nothing is searched yet: type words behind /")


def _earlier(app: "ConsoleApp") -> None:
    """Into older pages of the journal, where what is held has none."""
    for tail in _searched(app):
        if not tail.to_match(-1) and tail.searched is None:
            app.look_further(tail)


def _next(app: "ConsoleApp") -> None:
    for tail in _searched(app):
        if not tail.to_match(1):
            app.say("waits", "no later line has it")


def _copy(app: "ConsoleApp") -> None:
    from factory_tui.console.screens.output import copy  # noqa: PLC0415 - loaded by hand

    for tail in app.screen.query(TailView):
        if tail.item:
            copy(app, f"{tail.item.line.text}  {tail.item.result}".rstrip(), "the line")


def _whole(then: Callable[["ConsoleApp", str], object], app: "ConsoleApp") -> None:
    """Do something with all that the line under the cursor is short for."""
    from factory_tui.console.screens.output import read  # noqa: PLC0415 - loaded by hand

    item = next((tail.item for tail in app.screen.query(TailView)), None)
    if item is None:
        return

    async def work() -> None:
        try:
            text = await read(app, item.line, item.events)
        except (RefusedError, OSError) as trouble:
            app.say("bad", one_line(str(trouble), 200))
        else:
            then(app, text)

    begin(app, work, "output")


def _copied(app: "ConsoleApp", text: str) -> None:
    from factory_tui.console.screens.output import copy  # noqa: PLC0415 - loaded by hand

    copy(app, text, "all of it")


def _pager(app: "ConsoleApp") -> None:
    from factory_tui.console.screens.output import page  # noqa: PLC0415 - loaded by hand

    if app.folder is not None:
        _whole(page, app)
        return
    for tail in app.screen.query(TailView):
        if tail.item:
            app.open_output(tail.item.line, tail.item.events)


RUN: dict[str, Do] = {
    "trace.follow": partial(_tail, TailView.follow),
    "trace.fold": partial(_tail, TailView.fold),
    "trace.next": _next,
    "trace.earlier": _earlier,
    "trace.window": partial(_tail, TailView.next_window),
    "trace.times": partial(_tail, TailView.next_times),
    "trace.wrap": partial(_tail, TailView.switch_wrap),
    "trace.copy": _copy,
    "trace.copy-all": partial(_whole, _copied),
    "trace.pager": _pager,
    "verdicts.mark": _mark,
}
