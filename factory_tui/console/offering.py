"""Which actions are offered: to whom, on which screen, for which run, and by which keys.

Pure rules over the one table in `actions`.
"""

from collections.abc import Iterable, Mapping

from factory_tui.console.action import SCREENS, Action, Scope
from factory_tui.console.actions import TABLE
from factory_tui.domain import commands as c
from factory_tui.domain.commands import RANK, Role
from factory_tui.domain.questions import STOP
from factory_tui.domain.state import GOES_ON, OVER, Run

NEVER = frozenset({"ctrl+z", "ctrl+w", "ctrl+a", "ctrl+b"})
"""Keys that belong to shells, browsers and multiplexers."""

_SHOWN = {
    "enter": "↵",
    "escape": "esc",
    "colon": ":",
    "question_mark": "?",
    "exclamation_mark": "!",
    "slash": "/",
    "up": "↑",
    "down": "↓",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "left": "←",
    "right": "→",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "f2": "F2",
    "f3": "F3",
    "f4": "F4",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "comma": ",",
    "full_stop": ".",
}


def shown(key: str) -> str:
    """A key as people write it: `question_mark` is `?`."""
    return _SHOWN.get(key, key)


def allowed(action: Action, role: Role) -> bool:
    """Whether this role may do it at all; what it may not is not drawn."""
    return RANK[role] >= RANK[action.least]


def in_scope(scope: Scope) -> tuple[Action, ...]:
    """The actions of one scope, not counting those of everywhere."""
    return tuple(action for action in TABLE if scope in action.scopes)


def makes_sense(action: str, run: Run | None) -> bool:
    """Whether an action can be done to the chosen run as it is now; true for what is about no run."""
    if action == "go.run":
        return run is not None
    if not action.startswith("run.") or action == "run.new":
        return True
    if action in ("run.diff", "run.shell", "run.fork"):
        made = run is not None and any(item.commit for item in run.passes)
        return made or (action == "run.shell" and run is not None and bool(run.cells))
    if action == "run.undo":
        return run is not None and bool(run.taken)
    if run is None or run.state in OVER:
        return False
    asks = run.state in ("jammed", "signoff")
    match action:
        case "run.answer":
            return bool(run.escalation)
        case "run.steer" | "run.escalate" | "run.pause":
            return not asks
        case "run.pause-now":
            return run.state in GOES_ON
        case "run.release":
            return bool(run.leaks)
        case "run.restart":
            return len(run.passes) < run.max_passes
        case "run.cap":
            return run.cap is not None or run.held_by is not None
    return True


def way_back(command: c.Command, keys: Mapping[str, tuple[str, ...]], scope: Scope) -> str:
    """How to take a command back, where one can for a while; an answer stands, and its run can be paused."""
    pauses = keys["inbox.undo" if scope == "inbox" else "run.pause"]
    if isinstance(command, c.Answer) and command.choice != STOP and pauses:
        return f"; {shown(pauses[0])} pauses its run"
    put_off = c.Snooze | c.SetExpiry
    can = isinstance(command, put_off | c.Pause | c.Resume | c.Steer | c.Escalate | c.RaiseCap | c.Reseed)
    return f"; {shown(keys['run.undo'][0])} takes it back" if can and keys["run.undo"] else ""


def keymap(overrides: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Keys of each action, with `[ui] keymap` applied (action id -> keys, comma separated).

    Raises ValueError with a remedy for an unknown action, a key that must stay free, or two actions on one key.
    """
    keys = {action.id: action.keys for action in TABLE}
    for name, written in overrides.items():
        if name not in keys:
            known = ", ".join(sorted(keys))
            raise ValueError(f"[ui] keymap: no action is called {name!r}. Remedy: use one of {known}")
        keys[name] = tuple(key.strip() for key in written.split(",") if key.strip())
    for scope in SCREENS:
        taken: dict[str, str] = {}
        for action in (*in_scope("everywhere"), *in_scope(scope)):
            for key in keys[action.id]:
                if key in NEVER:
                    raise ValueError(f"[ui] keymap: {key} belongs to the terminal. Remedy: another key for {action.id}")
                if key in taken and not action.over:
                    raise ValueError(
                        f"[ui] keymap: {key} is both {taken[key]} and {action.id} on the {scope} screen. "
                        f"Remedy: give one of them another key"
                    )
                taken[key] = action.id
    return keys


def bar(scope: Scope, role: Role) -> tuple[Action, ...]:
    """What the key bar shows for a scope, in its order."""
    here = (action for action in (*in_scope(scope), *in_scope("everywhere")) if scope not in action.barred)
    found = (action for action in here if action.bar and allowed(action, role))
    return tuple(sorted(found, key=lambda action: action.bar))


def palette(scope: Scope, role: Role) -> Iterable[Action]:
    """What the palette offers: actions of this scope and of everywhere that this role may do."""
    return (
        action
        for action in TABLE
        if action.palette and allowed(action, role) and (scope in action.scopes or "everywhere" in action.scopes)
    )
