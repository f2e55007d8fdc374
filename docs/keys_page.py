"""docs/keys.md from the action table."""

from factory_tui.console.actions import TABLE, Action, Scope, in_scope, shown

_SCOPES: tuple[tuple[Scope, str], ...] = (("floor", "On the floor"), ("run", "On a run"), ("everywhere", "Everywhere"))
_TIERS = {0: "at once", 1: "asks", 2: "asks for the name"}


def page() -> str:
    """The page's text; the action table is its only source."""
    parts = [
        "# Keys",
        "",
        "Lower case can be undone, upper case has consequences. Every key can be moved in config.toml:",
        "",
        "```toml",
        "[ui]",
        'keymap = { "run.stop" = "ctrl+x", "floor.down" = "down,j" }',
        "```",
        "",
        "Bare letters do nothing while a text field has the focus.",
    ]
    for scope, title in _SCOPES:
        parts += ["", f"## {title}", "", "| key | action | does | asks first | least role |", "|---|---|---|---|---|"]
        parts += [_row(action) for action in in_scope(scope) if action.keys]
    parts += ["", "## In the palette only", "", "| action | does | asks first | least role |", "|---|---|---|---|"]
    parts += [f"| {_facts(action)} |" for action in TABLE if not action.keys]
    return "\n".join(parts) + "\n"


def _row(action: Action) -> str:
    return f"| {' '.join(f'`{shown(key)}`' for key in action.keys)} | {_facts(action)} |"


def _facts(action: Action) -> str:
    return f"`{action.id}` | {action.text} | {_TIERS[action.tier]} | {action.least}"
