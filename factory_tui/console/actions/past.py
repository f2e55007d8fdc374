"""Actions that look back: the journal's own, and those that take every screen to an instant, from anywhere."""

from factory_tui.console.action import Action

PAST: tuple[Action, ...] = (
    Action(
        "past",
        ("h",),
        "the past",
        ("everywhere",),
        0,
        "See every screen as of the journal's event under the cursor, elsewhere of the newest act; once more: now.",
        barred=("floor", "run", "inbox", "workshop", "burn"),
        bar=2,
        palette="past: See every screen as it was, or now",
    ),
    Action(
        "past.earlier",
        ("comma",),
        "earlier",
        ("everywhere",),
        0,
        "In the past: to the act before. Elsewhere: into the past.",
        palette="past: One act earlier",
    ),
    Action(
        "past.later",
        ("full_stop",),
        "later",
        ("everywhere",),
        0,
        "In the past: to the next act.",
        palette="past: One act later",
    ),
    Action(
        "since",
        ("B",),
        "what is new",
        ("everywhere",),
        0,
        "What shipped, jammed, was spent and decided since you last looked, and what waits for you.",
        palette="since: What is new since you last looked",
    ),
    Action(
        "journal.walk",
        ("V",),
        "verify",
        ("journal",),
        0,
        "Walk the journal's chain of hashes from its first row to its last, and tell what came of it.",
        bar=5,
        spare=2,
        palette="journal: Verify the chain",
    ),
)
