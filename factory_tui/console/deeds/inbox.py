"""What the actions of the inbox do: about the line under its cursor, or all that are marked."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from factory_tui.console import triaging
from factory_tui.console.figures import ahead, moment, plural
from factory_tui.console.offering import in_scope
from factory_tui.console.triaging import Deed, Plan
from factory_tui.domain import commands as c
from factory_tui.domain.hostile import one_line
from factory_tui.domain.moments import moment as read_moment

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp
    from factory_tui.console.screens.inbox import InboxScreen

LISTED = 12
"""Lines that a question before several answers names."""
MINUTE = 60_000
_PUT_OFF = (15, 60, 240)
"""Minutes that a snooze is offered for."""
_LASTS = (5, 30, 240)
"""The same of an expiry."""


def _in_inbox(do: "Callable[[ConsoleApp, InboxScreen], None]", app: "ConsoleApp") -> None:
    from factory_tui.console.screens.inbox import InboxScreen  # noqa: PLC0415 - loaded if it is open

    if isinstance(app.screen, InboxScreen):
        do(app, app.screen)


def _answer(app: "ConsoleApp", place: "InboxScreen") -> None:
    item = place.list.item
    if item is None or item.answered:
        app.say("waits", "nothing is asked here")
    elif item.asked:
        from factory_tui.console.screens.questions import answer  # noqa: PLC0415 - inputs are slow to import

        def send(command: c.Command) -> None:
            place.list.told = [(item, command)]
            app.send(command)

        answer(app, item.asked, send)
    elif item.run.reason == "budget":
        app.action_act("run.cap")
    else:
        app.send(c.Resume(item.run.id))


def _always(app: "ConsoleApp", place: "InboxScreen") -> None:
    item = place.list.item
    if not place.list.marked and item and item.asked is None and item.run.reason == "budget":
        app.action_act("run.cap")
    else:
        _do(app, place, triaging.always, "Say yes from now on")


def _choose(number: int, app: "ConsoleApp", place: "InboxScreen") -> None:
    offered = triaging.choices(place.list.item)
    if number <= len(offered) and app.may_command:
        choice = offered[number - 1]
        _do(app, place, triaging.choosing(choice), f"Answer {one_line(choice, 40)}")
        return
    others = (action.id for action in in_scope("everywhere") if str(number) in app.keys[action.id])
    for action in others:
        app.action_act(action)


def _do(app: "ConsoleApp", place: "InboxScreen", deed: Deed, title: str) -> None:
    """Send it, where it has to be asked after a yes to a list of what comes of it."""
    plan = triaging.plan(place.list.targets, deed)
    if not plan.taken:
        said = f"{plan.left[0][0].id}: {plan.left[0][1]}" if plan.left else "nothing is asked here"
        app.say("waits", said)
        return
    left = [f"{item.id}: {why}" for item, why in plan.left]

    def send(left: Sequence[str]) -> None:
        place.list.told = [(item, command) for item, command, _ in plan.taken]
        place.list.unmark()
        place.list.pass_over([item.id for item, command, _ in plan.taken if not isinstance(command, c.SetExpiry)])
        app.send_all(plan.commands, left)

    if not plan.asks(place.list.item.id if place.list.item else ""):
        send(left)
        return
    from factory_tui.console.screens.confirm import Confirm  # noqa: PLC0415 - buttons are slow to import

    def answered(yes: bool | None) -> None:
        if yes:
            send([])  # they were named in the question

    verb = f"Send {len(plan.taken)}" if len(plan.taken) > 1 else "Send it"
    app.push_screen(Confirm(f"{title}?", _listed(plan), verb), answered)


def _listed(plan: Plan) -> str:
    """What would be sent, line by line, then what is left and why."""
    lines = [f"{item.id}  {item.run.id}: {one_line(said, 60)}" for item, _, said in plan.taken]
    more = [f"and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
    names = ", ".join(plan.ends[:LISTED])
    ends = ["", f"For good: {names}. Passes and trace stay."] if plan.ends else []
    left = [f"{item.id}: {why}" for item, why in plan.left]
    besides = ["", f"Left as {'they are' if len(left) > 1 else 'it is'}:", *left[:LISTED]] if left else []
    return "\n".join([*lines[:LISTED], *more, *ends, *besides])


def _undo(app: "ConsoleApp", place: "InboxScreen") -> None:
    me = app.feed.actor if app.feed else ""
    found, place.list.told = triaging.back(place.list.told, app.mirror.state, me), []
    if found:
        app.send_all(found)
    else:
        app.action_act("run.undo")


def _snooze(app: "ConsoleApp", place: "InboxScreen") -> None:
    targets = place.list.targets
    if targets and all(item.snoozed for item in targets):
        _do(app, place, triaging.until(0, "calls again"), "Wake")
    else:
        _when(app, place, "Snooze", _PUT_OFF, lambda at: triaging.until(at, f"until {moment(at)}"), never="")


def _expire(app: "ConsoleApp", place: "InboxScreen") -> None:
    def deed(at: int) -> Deed:
        return triaging.expiring(at, f"at {ahead(at, app.clock())}" if at else "never expires")

    if all(isinstance(triaging.expiring(1, "")(item), str) for item in place.list.targets):
        _do(app, place, deed(0), "Expire")  # which says why not
    else:
        _when(app, place, "Expire", _LASTS, deed, never="never")


def _when(  # noqa: PLR0917 -- one dialog for both
    app: "ConsoleApp",
    place: "InboxScreen",
    title: str,
    minutes: tuple[int, ...],
    deed: Callable[[int], Deed],
    never: str,
) -> None:
    """Ask for a time, then do it."""
    from factory_tui.console.screens.questions import when  # noqa: PLC0415 - inputs are slow to import

    targets = place.list.targets
    if not targets:
        app.say("waits", "nothing is asked here")
        return
    what = targets[0].id if len(targets) == 1 else plural(len(targets), "line")
    now = app.clock()
    times = [now + one * MINUTE for one in minutes]
    names = [f"{one} minutes" if one < 60 else plural(one // 60, "hour") for one in minutes]
    choices = [(name, f"{moment(at)} UTC") for name, at in zip(names, times, strict=True)]
    choices += [(never, "")] if never else []

    def do(choice: int, words: str) -> None:
        at = read_moment(words, now) if words else [*times, 0][choice]
        _do(app, place, deed(at or 0), f"{title} {what}")

    when(app, f"{title} {what}", choices, lambda words: read_moment(words, now) is not None, do)


INBOX: dict[str, Callable[["ConsoleApp"], object]] = {
    "inbox.answer": partial(_in_inbox, _answer),
    "inbox.always": partial(_in_inbox, _always),
    "inbox.refuse": partial(_in_inbox, lambda app, place: _do(app, place, triaging.refuse, "Reject")),
    "inbox.snooze": partial(_in_inbox, _snooze),
    "inbox.expire": partial(_in_inbox, _expire),
    "inbox.undo": partial(_in_inbox, _undo),
    "inbox.mark": partial(_in_inbox, lambda _app, place: place.list.mark()),
    "inbox.mark-all": partial(_in_inbox, lambda _app, place: place.list.mark_all()),
    **{
        f"inbox.choice-{number}": partial(_in_inbox, partial(_choose, number)) for number in range(1, triaging.MOST + 1)
    },
}
