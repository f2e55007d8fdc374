"""The one table of actions: keys, the key bar, `?`, the palette, read-only mode, docs/keys.md and `[ui] keymap`.

Pure data. Lower case can be undone, upper case has consequences; a key whose screen does not exist is not in here.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import msgspec

from factory_tui.domain.commands import RANK, Role
from factory_tui.domain.reducer import GOES_ON, OVER
from factory_tui.domain.state import Run

Scope = Literal["everywhere", "floor", "run", "inbox", "workshop", "burn"]
SCREENS: tuple[Scope, ...] = get_args(Scope)[1:]
"""Each has a key `go.SCREEN` of everywhere, and its class in `console.places`."""
Tier = Literal[0, 1, 2]
"""0 reversible: done at once. 1 costly: yes or no. 2 final: the name is typed."""

NEVER = frozenset({"ctrl+z", "ctrl+w", "ctrl+a", "ctrl+b"})
"""Keys that belong to shells, browsers and multiplexers."""


class Action(msgspec.Struct, frozen=True):
    """Something an operator can do. `keys` are Textual's names; none: palette only."""

    id: str
    keys: tuple[str, ...]
    verb: str
    scopes: tuple[Scope, ...]
    tier: Tier
    text: str
    least: Role = "viewer"
    bar: int = 0
    """Place in the key bar, 1 first; 0: not there."""
    spare: int = 0
    """Leaves a narrow key bar in this order, 1 first; 0: never."""
    palette: str = ""
    """`noun: Verb` in the palette; empty: not there. `{run}` is the chosen run."""


TABLE: tuple[Action, ...] = (
    Action(
        "floor.open",
        ("enter",),
        "open",
        ("floor", "burn"),
        0,
        "Open the run under the cursor.",
        bar=1,
        palette="run: Open {run}",
    ),
    Action("floor.up", ("up", "k"), "up", ("floor", "burn"), 0, "Cursor up."),
    Action("floor.down", ("down", "j"), "down", ("floor", "burn"), 0, "Cursor down."),
    Action("floor.first", ("home", "g"), "first", ("floor", "burn"), 0, "Cursor to the first run."),
    Action("floor.last", ("end", "G"), "last", ("floor", "burn"), 0, "Cursor to the last run."),
    Action("go.floor", ("1",), "floor", ("everywhere",), 0, "The floor: all runs.", palette="floor: Show all runs"),
    Action("go.run", ("2",), "run", ("everywhere",), 0, "The chosen run.", palette="run: Show {run}"),
    Action(
        "go.inbox",
        ("3",),
        "inbox",
        ("everywhere",),
        0,
        "The inbox: what waits for a human.",
        bar=3,
        spare=8,
        palette="inbox: Show what waits for a human",
    ),
    Action(
        "go.workshop",
        ("4",),
        "workshop",
        ("everywhere",),
        0,
        "The workshop: seeds, their revisions and scenarios, loops.",
        palette="workshop: Show seeds and scenarios",
    ),
    Action(
        "go.burn", ("5",), "burn", ("everywhere",), 0, "Burn: tokens, money, rates and caps.", palette="burn: Show it"
    ),
    Action(
        "run.back",
        ("escape",),
        "back",
        ("run", "inbox", "workshop", "burn"),
        0,
        "Back to where you were.",
        bar=1,
        spare=6,
    ),
    Action("inbox.open", ("enter",), "open", ("inbox",), 0, "Open the run that asks.", bar=1),
    Action("inbox.up", ("up", "k"), "up", ("inbox",), 0, "Cursor up."),
    Action("inbox.down", ("down", "j"), "down", ("inbox",), 0, "Cursor down."),
    Action("inbox.page-up", ("pageup",), "page up", ("inbox",), 0, "Evidence: one page up."),
    Action("inbox.page-down", ("pagedown",), "page down", ("inbox",), 0, "Evidence: one page down."),
    Action(
        "run.answer",
        ("a",),
        "answer",
        ("floor", "run", "inbox"),
        0,
        "Answer what the run asks: by one of its choices (a digit), in words, or both.",
        "operator",
        bar=2,
        palette="run: Answer {run}",
    ),
    Action("workshop.open", ("enter",), "open", ("workshop",), 0, "Open the chosen run of the seed.", bar=1, spare=11),
    Action("workshop.up", ("up", "k"), "up", ("workshop",), 0, "Cursor up: seeds."),
    Action("workshop.down", ("down", "j"), "down", ("workshop",), 0, "Cursor down: seeds."),
    Action(
        "workshop.older",
        ("left_square_bracket",),
        "older",
        ("workshop",),
        0,
        "The revision before: its text, or with d what it changed.",
    ),
    Action("workshop.newer", ("right_square_bracket",), "newer", ("workshop",), 0, "The revision after."),
    Action(
        "workshop.run-before",
        ("left",),
        "run before",
        ("workshop",),
        0,
        "An older run of the seed: u and R are about it.",
    ),
    Action("workshop.run-after", ("right",), "run after", ("workshop",), 0, "A newer run of the seed."),
    Action("workshop.page-up", ("pageup",), "page up", ("workshop",), 0, "Text: one page up."),
    Action("workshop.page-down", ("pagedown",), "page down", ("workshop",), 0, "Text: one page down."),
    Action(
        "workshop.pane",
        ("tab",),
        "next pane",
        ("workshop",),
        0,
        "On a narrow terminal: text, revisions, or scenarios.",
        bar=3,
    ),
    Action(
        "workshop.diff",
        ("d",),
        "diff",
        ("workshop",),
        0,
        "What the revision changed, or its text.",
        bar=3,
        spare=8,
    ),
    Action(
        "workshop.lint",
        ("l",),
        "lint",
        ("workshop",),
        0,
        "What cannot be used, by file and line, with its remedy; or the text.",
        bar=3,
        spare=9,
        palette="workshop: Show what cannot be used",
    ),
    Action(
        "workshop.edit",
        ("E", "ctrl+e"),
        "edit",
        ("workshop",),
        0,
        "Open the seed in $VISUAL, $EDITOR or vi. Only where the console runs at the workspace itself.",
        "operator",
        bar=4,
        spare=4,
        palette="workshop: Edit the seed",
    ),
    Action(
        "workshop.use",
        ("u",),
        "use next pass",
        ("workshop",),
        0,
        "The chosen run uses the seed's newest revision from its next pass on.",
        "operator",
        bar=4,
        palette="workshop: Use the newest revision at the next pass",
    ),
    Action(
        "workshop.restart",
        ("R",),
        "restart with it",
        ("workshop",),
        1,
        "The chosen run begins anew with the seed's newest revision.",
        "operator",
        bar=5,
        spare=3,
        palette="workshop: Restart with the newest revision",
    ),
    Action(
        "workshop.confirm",
        ("c",),
        "confirm",
        ("workshop",),
        1,
        "Say that the scenarios judge the seed as it is now; what waits for that goes on.",
        "operator",
        bar=4,
        spare=10,
        palette="workshop: Confirm the scenarios",
    ),
    Action("burn.page-up", ("pageup",), "page up", ("burn",), 0, "Passes: one page up."),
    Action("burn.page-down", ("pagedown",), "page down", ("burn",), 0, "Passes: one page down."),
    Action(
        "trace.follow",
        ("f",),
        "follow",
        ("run",),
        0,
        "Back to the newest line of the trace, and stay there.",
        bar=2,
        spare=7,
    ),
    Action("trace.up", ("up", "k"), "scroll up", ("run",), 0, "Trace: one line back in time."),
    Action("trace.down", ("down", "j"), "scroll down", ("run",), 0, "Trace: one line towards now."),
    Action("trace.page-up", ("pageup",), "page up", ("run",), 0, "Trace: one page back in time."),
    Action("trace.page-down", ("pagedown",), "page down", ("run",), 0, "Trace: one page towards now."),
    Action("trace.top", ("home", "g"), "oldest", ("run",), 0, "Trace: the oldest line held; once more for older ones."),
    Action(
        "run.pane", ("tab",), "verdicts", ("run",), 0, "On a narrow terminal: trace or verdict matrix.", bar=3, spare=9
    ),
    Action(
        "run.new",
        ("n",),
        "new run",
        ("floor", "workshop"),
        0,
        "Start a new run of a seed.",
        "operator",
        bar=2,
        palette="run: Start a new one",
    ),
    Action(
        "run.pause",
        ("p",),
        "pause",
        ("floor", "run", "inbox", "burn"),
        0,
        "Pause the run after its current step; a paused or held run goes on.",
        "operator",
        bar=4,
        palette="run: Pause or resume {run}",
    ),
    Action(
        "run.pause-now",
        ("P",),
        "pause now",
        ("floor", "run", "inbox"),
        0,
        "Pause the run in the middle of its step: the model's stream ends, its cell stands still.",
        "operator",
        palette="run: Pause {run} now",
    ),
    Action(
        "run.steer",
        ("s",),
        "steer",
        ("floor", "run", "inbox"),
        0,
        "Tell the agent something before its next step.",
        "operator",
        bar=5,
        spare=4,
        palette="run: Steer {run}",
    ),
    Action(
        "run.reseed",
        ("r",),
        "re-seed",
        ("floor", "run", "inbox"),
        0,
        "Use the newest revision of its seed, at the next pass or from the beginning. Shows what changed.",
        "operator",
        bar=5,
        spare=3,
        palette="run: Re-seed {run}",
    ),
    Action(
        "run.escalate",
        ("e",),
        "escalate",
        ("floor", "run", "inbox"),
        0,
        "Park the run after its step, and ask its owner.",
        "operator",
        bar=5,
        spare=2,
        palette="run: Escalate {run} to its owner",
    ),
    Action(
        "run.restart",
        ("R",),
        "restart",
        ("floor", "run", "inbox"),
        1,
        "Begin a new conversation from the output of a pass, or from nothing. Passes go on counting.",
        "operator",
        palette="run: Restart {run} from a pass",
    ),
    Action(
        "run.cap",
        ("b",),
        "budget",
        ("floor", "run", "inbox", "burn"),
        0,
        "Raise what the run may spend. More than twofold asks for its name.",
        "operator",
        palette="run: Raise the cap of {run}",
    ),
    Action(
        "run.diff",
        ("d",),
        "diff",
        ("floor", "run", "inbox"),
        0,
        "What the last pass changed; there `[` `]` choose the later pass, `{` `}` the earlier one.",
        bar=6,
        spare=1,
        palette="run: Diff between passes of {run}",
    ),
    Action(
        "run.shell",
        ("t",),
        "shell",
        ("floor", "run", "inbox"),
        0,
        "A shell in the run's cell, or in a copy of what a pass left. Not for a console on another machine.",
        "operator",
        palette="run: Shell in {run}",
    ),
    Action(
        "run.stop",
        ("X",),
        "stop",
        ("floor", "run", "inbox", "burn"),
        2,
        "End the run for good. Its passes and its trace stay. Asks for the run's name.",
        "operator",
        bar=6,
        palette="run: Stop {run} for good",
    ),
    Action("palette", ("colon", "ctrl+p"), "palette", ("everywhere",), 0, "Every action by name.", bar=7, spare=5),
    Action("help", ("question_mark",), "help", ("everywhere",), 0, "All keys.", bar=8, palette="help: Show all keys"),
    Action(
        "detach",
        ("q", "ctrl+q"),
        "detach",
        ("everywhere",),
        0,
        "Leave the console. The engine and its runs go on.",
        bar=9,
        palette="console: Detach",
    ),
    Action(
        "emergency",
        ("exclamation_mark",),
        "freeze all",
        ("everywhere",),
        0,
        "Freeze every run where it is, at once, without a question. Pressed again it asks whether to thaw (admin).",
        "operator",
        bar=10,
        palette="floor: Emergency stop, or thaw",
    ),
    Action(
        "engine.stop",
        (),
        "stop engine",
        ("everywhere",),
        1,
        "Stop the engine; runs go on from where they are at its next start.",
        "admin",
        palette="engine: Stop it",
    ),
    Action(
        "theme",
        (),
        "theme",
        ("everywhere",),
        0,
        "The next theme: dark, light, colour-blind.",
        palette="console: Next theme",
    ),
)
BY_ID = {action.id: action for action in TABLE}

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
    if action in ("floor.open", "inbox.open", "go.run"):
        return run is not None
    if not action.startswith("run.") or action in ("run.back", "run.new", "run.pane"):
        return True
    if action in ("run.diff", "run.shell"):
        made = run is not None and any(item.commit for item in run.passes)
        return made or (action == "run.shell" and run is not None and bool(run.cells))
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
        case "run.restart":
            return len(run.passes) < run.max_passes
        case "run.cap":
            return run.cap is not None
    return True


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
                if key in taken:
                    raise ValueError(
                        f"[ui] keymap: {key} is both {taken[key]} and {action.id} on the {scope} screen. "
                        f"Remedy: give one of them another key"
                    )
                taken[key] = action.id
    return keys


def bar(scope: Scope, role: Role) -> tuple[Action, ...]:
    """What the key bar shows for a scope, in its order."""
    found = (action for action in (*in_scope(scope), *in_scope("everywhere")) if action.bar and allowed(action, role))
    return tuple(sorted(found, key=lambda action: action.bar))


def palette(scope: Scope, role: Role) -> Iterable[Action]:
    """What the palette offers: actions of this scope and of everywhere that this role may do."""
    return (
        action
        for action in TABLE
        if action.palette and allowed(action, role) and (scope in action.scopes or "everywhere" in action.scopes)
    )
