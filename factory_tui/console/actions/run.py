"""Actions of the run screen alone: its trace and its verdicts."""

from factory_tui.console.action import Action

RUN: tuple[Action, ...] = (
    Action(
        "trace.follow",
        ("f",),
        "follow",
        ("run",),
        0,
        "Back to the newest line of the trace, and stay there.",
        bar=2,
        spare=7,
        palette="trace: Follow it",
    ),
)
