"""Actions of the floor alone: how its rows stand."""

from factory_tui.console.action import Action

FLOOR: tuple[Action, ...] = (
    *(
        Action(
            f"floor.preset-{number}",
            (f"f{number + 1}",),
            f"{name}",
            ("everywhere",),
            0,
            f"The floor as the preset on this key has it: {text}, unless `[ui.presets]` says otherwise.",
            palette=f"floor: Preset {number}, {name} unless set otherwise",
        )
        for number, name, text in (
            (1, "list", "the table alone"),
            (2, "preview", "the table with the run under the cursor"),
            (3, "wall", "live traces of the runs that moved last"),
        )
    ),
    Action(
        "floor.sort-next",
        ("greater_than_sign",),
        "sort",
        ("floor",),
        0,
        "Sort by the next column; past the last one, in the floor's own order, where families stand together.",
        palette="floor: Sort by the next column",
    ),
    Action(
        "floor.sort-before",
        ("less_than_sign",),
        "sort",
        ("floor",),
        0,
        "Sort by the column before.",
        palette="floor: Sort by the column before",
    ),
    Action(
        "floor.turn",
        ("i",),
        "turn round",
        ("floor",),
        0,
        "Turn the order round.",
        palette="floor: Turn the order round",
    ),
)
