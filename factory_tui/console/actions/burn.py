"""Actions of burn alone."""

from factory_tui.console.action import Action

BURN: tuple[Action, ...] = (
    Action(
        "burn.group",
        ("c",),
        "group",
        ("burn",),
        0,
        "Group by the next of run, model, phase and scenario.",
        palette="burn: Group by the next thing",
    ),
    Action(
        "burn.window",
        ("w",),
        "window",
        ("burn",),
        0,
        "The next window: an hour, 6, a day, a week, all.",
        palette="burn: The next window",
    ),
    Action(
        "burn.unit",
        ("m",),
        "money, tokens",
        ("burn",),
        0,
        "The chart in dollars, or in tokens.",
        palette="burn: Money or tokens",
    ),
    Action(
        "burn.ledger",
        ("l",),
        "ledger",
        ("burn",),
        0,
        "The other ledger: live, or rehearsals.",
        palette="burn: The other ledger",
    ),
    Action(
        "burn.sort",
        ("greater_than_sign",),
        "sort",
        ("burn",),
        0,
        "Rank by what was spent, by tokens or by name.",
        palette="burn: Sort by the next thing",
    ),
    Action(
        "burn.export",
        ("x",),
        "export",
        ("burn",),
        0,
        "Write the window's buckets as CSV into the workspace; where this console may not, the command that does.",
        palette="burn: Export the window as CSV",
    ),
)
